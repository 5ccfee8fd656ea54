// Commands over a cell in this process: transactions, elections, a look at all replicas.
import type { Client } from '@fatty/client';
import { Election } from '@fatty/client/recipes';
import { startTestCell, type TestCell } from '@fatty/client/testing';
import { toHex } from '@fatty/codec';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { observe, showLeader } from '../src/commands/elect.ts';
import { statOf } from '../src/commands/files.ts';
import { draw, lookAt, rowsOf } from '../src/commands/top.ts';
import { transact, txnOf } from '../src/commands/txn.ts';
import { EXIT, type Io } from '../src/terminal/io.ts';
import type { Row } from '../src/terminal/output.ts';
import { fatty, silentIo } from './fatty.ts';

let cell: TestCell;
let client: Client;

beforeAll(async () => {
  cell = await startTestCell();
  client = await cell.connect();
});
afterAll(() => cell[Symbol.asyncDispose]());

interface Kept {
  readonly io: Io;
  readonly said: string[];
}

function kept(): Kept {
  const said: string[] = [];
  return { said, io: { ...silentIo([]), out: (text) => said.push(String(text)) } };
}

describe('txn', () => {
  it('does what its JSON says, and tells which branch by its exit code', async () => {
    const spec = txnOf(
      JSON.stringify({
        compares: [{ path: '/t', exists: false }],
        success: [
          { create: '/t', content: 'x', mode: 'guarded' },
          { create: '/n-', content: { hex: '00ff' }, sequential: true },
        ],
        failure: [{ remove: '/t' }],
      }),
    );
    const { io, said } = kept();
    expect(await transact(client, spec, { output: 'json' }, io)).toBe(EXIT.done);
    const told = JSON.parse(said.join('')) as {
      succeeded: boolean;
      steps: { path: string; position: string }[];
    };
    expect(told.succeeded).toBe(true);
    expect(told.steps[1]?.path).toMatch(/^\/n-\d{16}\.\d{10}$/);
    expect((await client.get(told.steps[1]?.path ?? '')).content).toEqual(Uint8Array.of(0, 255));
    const over = txnOf(
      JSON.stringify({
        compares: [{ path: '/t', generation: told.steps[0]?.position }],
        success: [{ put: '/t', content: 'y', generation: told.steps[0]?.position }],
      }),
    );
    expect(await transact(client, over, {}, io)).toBe(EXIT.done);
    expect(said.at(-1)).toContain('/t');
    expect(await transact(client, over, {}, io)).toBe(EXIT.refused);
    expect((await client.get('/t')).text()).toBe('y');
  });

  it.each([
    ['', 'no JSON'],
    ['[]', 'an object with compares'],
    ['{"then": []}', 'got "then"'],
    ['{"success": {}}', 'success: expected an array'],
    ['{"success": [1]}', 'success[0]: expected an object'],
    ['{"compares": [{"path": "/a", "held": 7}]}', 'compares[0].held: expected "COMMIT.INDEX"'],
    ['{"success": [{"put": "/a", "content": {"hex": "0"}}]}', 'success[0].content'],
  ])('refuses %s', (text, said) => {
    expect(() => txnOf(text)).toThrow(said);
  });

  it('is read before anything is asked', async () => {
    const { code, err } = await fatty('txn', '--cell', '/does/not/exist.json');
    expect([code, err]).toEqual([EXIT.usage, expect.stringContaining('no JSON')]);
  });
});

describe('elect', () => {
  it('says who leads, and each leader after another', async () => {
    const { io, said } = kept();
    expect(await showLeader(client, '/leader', 'table', io)).toBe(EXIT.refused);
    expect(said).toEqual(['nobody\n']);
    const other = await cell.connect();
    const leadership = await new Election(other, '/leader').campaign('https://a.example');
    expect(await showLeader(client, '/leader', 'json', io)).toBe(EXIT.done);
    expect(JSON.parse(said.at(-1) ?? '')).toMatchObject({
      path: '/leader',
      text: 'https://a.example',
    });
    const { signal } = new AbortController();
    const terms = { format: 'table', most: 2, signal } as const;
    const watching = observe(client, '/leader', terms, io);
    while (said.length < 3) await new Promise((resolve) => setTimeout(resolve, 10));
    await leadership.resign();
    expect(await watching).toBe(EXIT.done);
    expect(said[2]).toContain('https://a.example');
    expect(said[3]).toBe('nobody\n');
    const stop = new AbortController();
    const ended = observe(client, '/leader', { ...terms, signal: stop.signal }, io);
    stop.abort();
    expect(await ended).toBe(EXIT.done);
  });
});

describe('stat', () => {
  it('says who holds the lock, since when, and who waits, and a refusal says it too', async () => {
    await client.create('/held');
    const [holder, waiter] = [await cell.connect(), await cell.connect()];
    const lock = await holder.acquire('/held');
    const stop = new AbortController();
    const waiting = waiter.acquire('/held', { signal: stop.signal }).catch(() => undefined);
    const look = (): Promise<Row> => statOf(client, '/held', {});
    let row = await look();
    while ((row.waiters as readonly unknown[]).length === 0) row = await look();
    expect(row).toMatchObject({
      path: '/held',
      lockGen: lock.generation,
      holders: [{ client: holder.key, mode: 'exclusive', position: lock.generation }],
      waiters: [{ client: waiter.key }],
    });
    const refused = await client.tryAcquire('/held').catch((error: unknown) => String(error));
    const since = `${lock.generation.commit}.${lock.generation.index}`;
    expect(refused).toContain(`held by ${toHex(holder.key)} since ${since}, 1 waiting`);
    stop.abort();
    await waiting;
  });
});

describe('top', () => {
  it('shows every replica by its own account, with its pace, and who is silent', async () => {
    const first = await lookAt(client);
    await client.put('/busy', 'x');
    cell.crash(3);
    const second = await lookAt(client);
    const { io, said } = kept();
    const rows = rowsOf(second, first);
    expect(rows.cell).toMatchObject({ health: 'degraded', answering: '3 of 4' });
    expect(rows.replicas.map(({ answers }) => answers)).toEqual([true, true, true, false]);
    expect(
      Math.max(...rows.replicas.map(({ commitsPerS }) => Number(commitsPerS ?? 0))),
    ).toBeGreaterThan(0);
    expect(rowsOf(first, undefined).replicas[0]).toMatchObject({ commitsPerS: undefined });
    draw(rows, { format: 'json', clears: false }, io);
    expect(JSON.parse(said[0] ?? '')).toMatchObject({ replicas: [{ replica: 0 }, {}, {}, {}] });
    draw(rows, { format: 'table', clears: true }, io);
    expect(said[1]).toContain('REPLICA  ANSWERS');
    cell.heal();
  });
});
