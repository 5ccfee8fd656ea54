// Handles: one node instance, as Chubby has them.
import { describe, expect, it } from 'vitest';
import { type HandleEvent, open } from '../src/handles/index.ts';
import { isFattyError } from '../src/index.ts';
import { RecipeWorld } from './recipes-world.ts';

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: unknown) => (isFattyError(error) ? error.code : String(error)),
  );

describe('a handle', () => {
  it('is of one node: a later one of its name is another', async () => {
    const world = await RecipeWorld.start();
    const client = await world.client();
    expect(await world.run(codeOf(open(client, '/f')))).toBe('not_found');
    const handle = await world.run(open(client, '/f', { create: { content: 'one' } }));
    const { stat, text } = await world.run(handle.contentsAndStat());
    expect([stat.instance, text()]).toEqual([handle.instance, 'one']);
    await world.run(handle.setContents('two'));
    expect((await world.run(handle.contentsAndStat())).text()).toBe('two');
    const both = await world.run(open(client, '/f', { create: { content: 'three' } }));
    expect(both.instance).toEqual(handle.instance);
    const newOnly = open(client, '/f', { create: { exclusive: true } });
    expect(await world.run(codeOf(newOnly))).toBe('exists');

    await world.run(client.remove('/f'));
    await world.run(client.create('/f', { content: 'other' }));
    const calls = [
      () => handle.contentsAndStat(),
      () => handle.stat(),
      () => handle.setContents('x'),
      () => handle.delete(),
      () => handle.tryAcquire(),
      () => handle.acquire(),
    ];
    for (const call of calls) expect(await world.run(codeOf(call()))).toBe('not_found');
    const now = await world.run(client.get('/f'));
    expect(now.text()).toBe('other');
    expect((await world.run(client.lockState('/f'))).holders).toEqual([]);
  });

  it('writes over a generation, under its lock, and not for reading', async () => {
    const world = await RecipeWorld.start();
    const client = await world.client();
    const file = await world.run(open(client, '/f', { create: {} }));
    await world.run(file.setContents('a'));
    const { contentGen: generation } = await world.run(file.stat());
    if (generation === undefined) throw new Error('a generation');
    await world.run(file.setContents('b', { generation }));
    expect(await world.run(codeOf(file.setContents('c', { generation })))).toBe(
      'generation_mismatch',
    );
    const guarded = await world.run(open(client, '/g', { create: { mode: 'guarded' } }));
    expect(await world.run(codeOf(guarded.setContents('x')))).not.toBe('done');
    await world.run(guarded.acquire());
    await world.run(guarded.setContents('x'));
    expect((await world.run(guarded.contentsAndStat())).text()).toBe('x');
    const reader = await world.run(open(client, '/f', { mode: 'read' }));
    expect((await world.run(reader.contentsAndStat())).text()).toBe('b');
    for (const call of [
      () => reader.setContents('x'),
      () => reader.delete(),
      () => reader.acquire(),
    ])
      expect(await world.run(codeOf(call()))).toBe('access_denied');
    const dir = await world.run(open(client, '/d', { create: { node: 'directory' } }));
    await world.run(client.create('/d/x'));
    expect((await world.run(dir.readDir())).map(({ name }) => name)).toEqual(['x']);
    expect(await world.run(codeOf(dir.delete()))).toBe('not_empty');
    await world.run(client.remove('/d/x'));
    await world.run(dir.delete());
    expect(await world.run(codeOf(dir.stat()))).toBe('not_found');
  });

  it('hands out sequencers, and does nothing more under one that is stale', async () => {
    const world = await RecipeWorld.start();
    const [one, two] = [await world.client(), await world.client()];
    const lock = await world.run(open(one, '/lock', { create: {} }));
    expect(() => lock.getSequencer()).toThrow(/lock_lost/);
    await world.run(lock.acquire());
    const sequencer = lock.getSequencer();
    const data = await world.run(open(two, '/data', { create: {} }));
    expect(await world.run(data.checkSequencer(sequencer))).toBe(true);
    data.setSequencer(sequencer);
    await world.run(data.setContents('under it'));
    await world.run(lock.release());
    expect(await world.run(data.checkSequencer(sequencer))).toBe(false);
    expect(await world.run(codeOf(data.setContents('late')))).toBe('lock_lost');
    expect(await world.run(codeOf(data.contentsAndStat()))).toBe('lock_lost');
    expect((await world.run(two.get('/data'))).text()).toBe('under it');
  });

  it('poisoned by another task fails what is under way; closed, it gives its lock back', async () => {
    const world = await RecipeWorld.start();
    const [one, two] = [await world.client(), await world.client()];
    const first = await world.run(open(one, '/lock', { create: {} }));
    await world.run(first.acquire());
    const second = await world.run(open(two, '/lock'));
    const waiting = codeOf(second.acquire());
    await world.pass(500);
    second.poison();
    expect(await world.run(waiting)).toBe('aborted');
    expect(await world.run(codeOf(second.stat()))).toBe('aborted');
    await world.run(first.close());
    await world.run(first.close());
    expect(await world.run(codeOf(first.stat()))).toBe('closed');
    const third = await world.run(open(two, '/lock'));
    expect((await world.run(third.tryAcquire())).held).toBe(true);
    await world.run(second.close());
    expect(third.lock?.held).toBe(true);
  });

  it('poisoned ends the loop over its events', async () => {
    const world = await RecipeWorld.start();
    const handle = await world.run(open(await world.client(), '/e', { create: {}, events: true }));
    const seen: HandleEvent[] = [];
    const reading = (async () => {
      for await (const event of handle.events()) seen.push(event);
    })();
    await world.pass(500);
    expect(seen).toEqual([]);
    handle.poison();
    await world.run(reading);
    expect(seen).toEqual([{ kind: 'invalid', why: 'closed' }]);
    expect(() => handle.events()).toThrow(/poisoned/);
    await world.run(handle.close());
  });

  it('tells what happens to its node and its children, from the open on, until it is gone', async () => {
    const world = await RecipeWorld.start();
    const [one, two] = [await world.client(), await world.client()];
    await world.run(two.create('/d', { node: 'directory' }));
    await world.run(two.remove('/d'));
    const create = { node: 'directory' } as const;
    const handle = await world.run(open(one, '/d', { create, events: true }));
    const plain = await world.run(open(one, '/d'));
    expect(() => plain.events()).toThrow(/bad_argument/);
    const seen: HandleEvent[] = [];
    const reading = (async () => {
      for await (const event of handle.events()) seen.push(event);
    })();
    await world.run(two.create('/d/x'));
    await world.run(two.put('/d/x', '1'));
    await world.run(two.remove('/d/x'));
    const lock = await world.run(two.acquire('/d'));
    expect(await world.run(codeOf(one.tryAcquire('/d')))).toBe('lock_held');
    await world.run(lock.release());
    await world.run(two.remove('/d'));
    await world.run(two.create('/d', { node: 'directory' }));
    await world.run(reading);
    expect(seen.map((one) => ('name' in one ? `${one.kind} ${one.name}` : one.kind))).toEqual([
      'childAdded x',
      'childChanged x',
      'childRemoved x',
      'lockAcquired',
      'lockConflict',
      'lockReleased',
      'invalid',
    ]);
    expect(seen.at(-1)).toEqual({ kind: 'invalid', why: 'removed' });
  });

  it('hears of its session: jeopardy, and the end', async () => {
    const world = await RecipeWorld.start();
    const client = await world.client();
    const handle = await world.run(open(client, '/f', { create: {}, events: true }));
    const seen: string[] = [];
    const reading = (async () => {
      for await (const event of handle.events()) seen.push(event.kind);
    })();
    world.cell.loseQuorum();
    await world.pass(90_000);
    expect(seen).toEqual(['jeopardy', 'expired']);
    await world.run(handle.close());
    await world.run(reading);
    expect(seen.at(-1)).toBe('invalid');
  });
});
