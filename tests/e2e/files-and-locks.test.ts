// Real processes: files and locks.
import type { RunningCell } from '@fatty/cli';
import type { Client } from '@fatty/client/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeOf, endEverything, fetchText, newCell, newClient } from './cell.ts';

let cell: RunningCell;
let alice: Client;
let bob: Client;

beforeAll(async () => {
  cell = await newCell();
  [alice, bob] = await Promise.all([newClient(cell), newClient(cell)]);
});
afterAll(endEverything);

const isLater = (
  a: { readonly commit: number; readonly index: number },
  b: { readonly commit: number; readonly index: number },
): boolean => a.commit > b.commit || (a.commit === b.commit && a.index > b.index);

describe('files over a real cell', () => {
  it('are written by one client and read by another, from any replica', async () => {
    await alice.put('/notes/today', 'milk', { parents: true });
    const read = await bob.get('/notes/today', { level: 'linearizable' });
    expect(read.text()).toBe('milk');
    expect(read.stat.sizeBytes).toBe(4);
    for (const replica of [0, 1, 2, 3]) {
      const query = { kind: 'get', path: '/notes/today' } as const;
      const one = await bob.askReplica(replica, query, 'value');
      expect(one.siblings[0]?.content).toEqual(read.content);
    }
  });

  it('are listed and removed; what is not there is not found', async () => {
    for (const name of ['b', 'a', 'ä']) await alice.put(`/notes/${name}`, name);
    const names = (await bob.ls('/notes', { level: 'linearizable' })).map(({ name }) => name);
    expect(names).toEqual(['a', 'b', 'today', 'ä']);
    await bob.remove('/notes/a');
    expect(await codeOf(alice.get('/notes/a', { level: 'linearizable' }))).toBe('not_found');
    expect(await codeOf(alice.create('/notes/b'))).toBe('exists');
    await alice.remove('/notes', { recursive: true });
    expect(await codeOf(bob.stat('/notes/b', { level: 'linearizable' }))).toBe('not_found');
  });

  it('show what two wrote at the same time as siblings, until somebody has seen both', async () => {
    await alice.put('/pad', 'first');
    const { siblings } = await bob.get('/pad', { level: 'linearizable' });
    const observed = siblings.map(({ dot }) => dot);
    const write = (client: Client, text: string) =>
      client.submit([
        { kind: 'write', path: '/pad', content: new TextEncoder().encode(text), observed },
      ]);
    await Promise.all([write(alice, 'hers'), write(bob, 'his')]);
    const both = await alice.get('/pad', { level: 'linearizable' });
    const texts = both.siblings.map(({ content }) => new TextDecoder().decode(content));
    expect(new Set(texts)).toEqual(new Set(['hers', 'his']));
    await alice.put('/pad', 'merged');
    expect((await bob.get('/pad', { level: 'linearizable' })).siblings).toHaveLength(1);
  });
});

describe('locks over a real cell', () => {
  it('have one holder at a time, in order of asking, with a growing generation', async () => {
    await alice.create('/master', { mode: 'guarded' });
    const hers = await alice.acquire('/master');
    expect(await codeOf(bob.tryAcquire('/master'))).toBe('lock_held');
    const waiting = bob.acquire('/master');
    await alice.put('/master', 'alice was here', { lock: hers });
    expect(hers.held).toBe(true);
    await hers.release();
    const his = await waiting;
    expect(isLater(his.generation, hers.generation)).toBe(true);
    expect(await codeOf(alice.put('/master', 'late', { lock: hers }))).toBe('lock_lost');
    const late = { kind: 'compareAndSet', path: '/master', generation: undefined } as const;
    const [fenced] = await alice.submit([
      { ...late, content: new Uint8Array(1), lockGen: hers.generation },
    ]);
    expect(fenced?.kind).toBe('error');
    await bob.put('/master', 'bob was here', { lock: his });
    expect((await alice.get('/master', { level: 'linearizable' })).text()).toBe('bob was here');
    await his.release();
  });

  it('go round among contenders without two holders, generations in order', async () => {
    await alice.create('/turns');
    const clients = await Promise.all([1, 2, 3, 4].map(() => newClient(cell)));
    const grants: { readonly commit: number; readonly index: number }[] = [];
    let holders = 0;
    let holdersMost = 0;
    const turns = async (client: Client): Promise<void> => {
      for (let i = 0; i < 5; i++) {
        const lock = await client.acquire('/turns');
        holdersMost = Math.max(holdersMost, ++holders);
        grants.push(lock.generation);
        await client.stat('/turns');
        holders--;
        await lock.release();
      }
    };
    await Promise.all(clients.map(turns));
    expect(holdersMost).toBe(1);
    expect(grants).toHaveLength(20);
    for (const [i, grant] of grants.entries()) {
      const before = grants[i - 1];
      if (before) expect(isLater(grant, before)).toBe(true);
    }
  });

  it('are shared by readers and kept from writers', async () => {
    await alice.create('/book');
    const readers = await Promise.all(
      [alice, bob].map((client) => client.acquire('/book', { mode: 'shared' })),
    );
    const writer = await newClient(cell);
    expect(await codeOf(writer.tryAcquire('/book'))).toBe('lock_held');
    await Promise.all(readers.map((lock) => lock.release()));
    await (await writer.acquire('/book')).release();
  });

  it('of a client that goes away are free, and its ephemeral files are gone', async () => {
    const brief = await newClient(cell);
    await brief.put('/alive', 'yes', { ephemeral: true });
    const lock = await brief.acquire('/book');
    await brief.close();
    const mine = await alice.acquire('/book');
    expect(isLater(mine.generation, lock.generation)).toBe(true);
    expect(await codeOf(alice.get('/alive', { level: 'linearizable' }))).toBe('not_found');
  });
});

describe('the operator', () => {
  it('sees four ready replicas that agree', async () => {
    await alice.put('/last', 'word');
    for (const replica of [0, 1, 2, 3]) {
      expect(await fetchText(cell, replica, '/readyz')).toContain('\nok\n');
      expect(await fetchText(cell, replica, '/livez')).toContain('ok');
    }
  });
});
