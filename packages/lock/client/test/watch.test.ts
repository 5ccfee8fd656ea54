// Tests of watches and cached files as an application has them.
import type { BelievedEvent } from '@fatty/core';
import type { Position } from '@fatty/interface';
import { describe, expect, test } from 'vitest';
import { Cached } from '../src/sdk/cached.ts';
import type { FileValue } from '../src/sdk/options.ts';
import { Watch, type WatchDriver, type WatchEvent } from '../src/sdk/watch.ts';
import type { Watcher } from '../src/sdk/watcher.ts';

const at = (commit: number, index = 0): Position => ({ commit, index });
const modified = (position: Position): BelievedEvent => ({
  position,
  event: { kind: 'modified', path: '/a', generation: position },
});

/** A driver that tells what the test says. */
class FakeDriver implements WatchDriver {
  atMs = 0;
  topics: [string, Position | undefined][] = [];
  taken = 0;
  ended = 0;
  heard: Watcher | undefined;
  nowMs(): number {
    return this.atMs;
  }
  watch(topic: string, from: Position | undefined, watcher: Watcher): number {
    this.topics.push([topic, from]);
    this.heard = watcher;
    return this.topics.length;
  }
  watchTaken(_: number, count: number): void {
    this.taken += count;
  }
  unwatch(): void {
    this.ended += 1;
  }
  tell(until: Position, ...events: readonly BelievedEvent[]): void {
    this.heard?.believed(events, until);
  }
}

/** Everything until the watch ends. */
async function all(watch: Watch): Promise<WatchEvent[]> {
  const events: WatchEvent[] = [];
  for await (const event of watch) events.push(event);
  return events;
}

const kinds = (events: readonly WatchEvent[]): string[] => events.map(({ kind }) => kind);

describe('a watch', () => {
  test('hands out events with their places, whoever comes first, and says what it has taken', async () => {
    const driver = new FakeDriver();
    const watch = new Watch(driver, '/a/', { recursive: true, from: at(3) });
    expect(driver.topics).toEqual([['tree /a', at(3)]]);
    const early = watch.next();
    driver.tell(at(6), modified(at(4, 1)), modified(at(5)));
    expect((await early).value).toMatchObject({ position: at(4, 1), next: at(4, 2) });
    expect(watch.position).toEqual(at(5));
    expect((await watch.next()).value).toMatchObject({ position: at(5), next: at(5, 1) });
    expect(watch.position).toEqual(at(6));
    expect(driver.taken).toBe(2);
  });

  test('counts as taken only what was handed out: who does not read is not read for', async () => {
    const driver = new FakeDriver();
    const watch = new Watch(driver, '/a', {});
    driver.tell(at(2), modified(at(1)), modified(at(1, 1)));
    expect(driver.taken).toBe(0);
    await watch.next();
    expect(driver.taken).toBe(1);
  });

  test('tells of a gap as an event that says where it goes on', async () => {
    const driver = new FakeDriver();
    const watch = new Watch(driver, '/a', { from: at(1) });
    driver.heard?.gap('compacted', at(50));
    driver.tell(at(52), modified(at(51)));
    driver.heard?.ended();
    expect(await all(watch)).toMatchObject([
      { kind: 'compacted', next: at(50) },
      { kind: 'modified', position: at(51) },
    ]);
    expect(driver.taken).toBe(0);
  });

  test('ends with its signal, with return and with the client, without an error', async () => {
    const controller = new AbortController();
    for (const end of [
      () => controller.abort(),
      (watch: Watch) => void watch.return(),
      (_: Watch, driver: FakeDriver) => driver.heard?.ended(),
    ]) {
      const driver = new FakeDriver();
      const watch = new Watch(driver, '/a', { signal: controller.signal });
      const rest = all(watch);
      end(watch, driver);
      expect(kinds(await rest)).toEqual([]);
      expect([watch.ended, driver.ended]).toEqual([true, 1]);
      await watch.started;
    }
    const late = new Watch(new FakeDriver(), '/a', { signal: controller.signal });
    expect(await all(late)).toEqual([]);
  });

  test('rejects with what the cell says, after what it had told', async () => {
    const driver = new FakeDriver();
    const watch = new Watch(driver, '/a', {});
    driver.tell(at(2), modified(at(1)));
    driver.heard?.ended({ code: 'no_events', expected: 'events', actual: 'none' });
    expect((await watch.next()).value).toMatchObject({ kind: 'modified' });
    await expect(watch.next()).rejects.toMatchObject({ code: 'no_events', path: '/a' });
    expect(() => new Watch(driver, 'a', {})).toThrow('bad_path');
  });

  test('leaving the loop ends it', async () => {
    const driver = new FakeDriver();
    const watch = new Watch(driver, '/a', {});
    driver.tell(at(2), modified(at(1)));
    for await (const event of watch) {
      expect(event.kind).toBe('modified');
      break;
    }
    expect(driver.ended).toBe(1);
  });
});

describe('a cached file', () => {
  function cached(options = {}) {
    const driver = new FakeDriver();
    const watch = new Watch(driver, '/a', {});
    let reads = 0;
    const value = (): FileValue => ({ text: () => `${reads}` }) as FileValue;
    const read = (): Promise<FileValue> => {
      reads += 1;
      return Promise.resolve(value());
    };
    const file = new Cached(watch, read, options);
    return { driver, file, reads: () => reads };
  }

  /** Lets what was told reach whoever waits for it. */
  const settled = async (): Promise<void> => {
    for (let i = 0; i < 5; i++) await Promise.resolve();
  };

  test('is read once, and again when something has happened to it', async () => {
    const { driver, file, reads } = cached();
    driver.tell(at(2));
    await file.get();
    await file.get();
    expect(reads()).toBe(1);
    driver.tell(at(4), modified(at(3)));
    await settled();
    await file.get();
    expect(reads()).toBe(2);
    driver.heard?.gap('lagged', at(9));
    await settled();
    await file.get();
    await file.get();
    expect(reads()).toBe(3);
  });

  test('is read each time while nobody vouches for it', async () => {
    const { driver, file, reads } = cached({ maxAgeMs: 100 });
    await file.get();
    await file.get();
    expect(reads()).toBe(2);
    driver.tell(at(2));
    await file.get();
    await file.get();
    expect(reads()).toBe(3);
    driver.atMs += 101;
    await file.get();
    expect(reads()).toBe(4);
    driver.tell(at(3));
    await file.get();
    expect(reads()).toBe(4);
    await file.close();
    await file.get();
    await file.get();
    expect(reads()).toBe(6);
  });

  test('does not keep what changed while it was read', async () => {
    const driver = new FakeDriver();
    const watch = new Watch(driver, '/a', {});
    let reads = 0;
    let answer: (value: FileValue) => void = () => undefined;
    const file = new Cached(
      watch,
      () => {
        reads += 1;
        return new Promise((resolve) => {
          answer = resolve;
        });
      },
      {},
    );
    driver.tell(at(2));
    const first = file.get();
    driver.tell(at(4), modified(at(3)));
    await settled();
    answer({} as FileValue);
    await first;
    void file.get();
    expect(reads).toBe(2);
  });
});
