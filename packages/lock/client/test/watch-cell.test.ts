// Watches against real replicas and gateways: across a crash of the gateway, restarts, and a client that was cut off.
import { afterEach, describe, expect, it } from 'vitest';
import type { Client, Watch, WatchEvent } from '../src/index.ts';
import { startTestCell, type TestCell } from '../src/testing/index.ts';

let cell: TestCell;
afterEach(async () => {
  cell.heal();
  await cell[Symbol.asyncDispose]();
});

/** The next so many events, as their kinds and paths. */
async function take(watch: Watch, count: number): Promise<string[]> {
  const told: string[] = [];
  while (told.length < count) {
    const { value, done } = await watch.next();
    if (done) break;
    told.push(describeEvent(value));
  }
  return told;
}

const describeEvent = (event: WatchEvent): string =>
  'path' in event ? `${event.kind} ${event.path}` : event.kind;

async function start(): Promise<{ writer: Client; reader: Client }> {
  cell = await startTestCell();
  const writer = await cell.connect();
  await writer.create('/config', { node: 'directory' });
  return { writer, reader: await cell.connect() };
}

describe('a watch', () => {
  it('hears of everything, in order, across a gateway that crashes and comes back', async () => {
    const { writer, reader } = await start();
    const watch = reader.watch('/config/', { recursive: true });
    await watch.started;
    await writer.put('/config/a', '1');
    expect(await take(watch, 1)).toEqual(['added /config/a']);
    const gateway = cell.gatewayOf(reader) ?? 0;
    cell.crash(gateway);
    for (const value of ['2', '3']) await writer.put('/config/a', value);
    expect(await take(watch, 2)).toEqual(['modified /config/a', 'modified /config/a']);
    cell.restart(gateway);
    await writer.remove('/config/a');
    expect(await take(watch, 1)).toEqual(['removed /config/a']);
    await writer.create('/elsewhere');
    await writer.create('/config/b');
    expect(await take(watch, 1)).toEqual(['added /config/b']);
  });

  it('goes on where another one was, from a position that its caller kept', async () => {
    const { writer, reader } = await start();
    const first = reader.watch('/config');
    await first.started;
    for (const name of ['a', 'b', 'c']) await writer.create(`/config/${name}`);
    expect(await take(first, 1)).toEqual(['added /config/a']);
    const from = first.position;
    await first.return();
    if (from === undefined) throw new Error('a position');
    const second = writer.watch('/config', { from });
    expect(await take(second, 2)).toEqual(['added /config/b', 'added /config/c']);
  });

  it('of one who was cut off for long misses nothing that is still kept', async () => {
    const { writer, reader } = await start();
    const watch = reader.watch('/config');
    await watch.started;
    cell.cutOff(reader);
    const names = Array.from({ length: 40 }, (_, i) => `/config/${i}`);
    await Promise.all(names.map((name) => writer.create(name)));
    cell.heal();
    const told = await take(watch, names.length);
    expect(new Set(told)).toEqual(new Set(names.map((name) => `added ${name}`)));
  });

  it('tells of locks: who asks, who has it, who lost it', async () => {
    const { writer, reader } = await start();
    const watch = reader.watch('/config');
    await watch.started;
    const lock = await writer.acquire('/config');
    await expect(reader.tryAcquire('/config')).rejects.toMatchObject({ code: 'lock_held' });
    await lock.release();
    expect(await take(watch, 3)).toEqual([
      'lockAcquired /config',
      'lockConflict /config',
      'lockReleased /config',
    ]);
  });
});

it('a cached file is what another client wrote last', async () => {
  const { writer, reader } = await start();
  await writer.put('/config/a', 'one');
  await using file = await reader.cached('/config/a');
  expect((await file.get()).text()).toBe('one');
  const watch = reader.watch('/config/a');
  await watch.started;
  await writer.put('/config/a', 'two');
  await take(watch, 1);
  expect((await file.get()).text()).toBe('two');
});
