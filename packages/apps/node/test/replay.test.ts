import type { LogRecord } from '@fatty/interface';
import type { ReplicaEffect } from '@fatty/replica';
import { memoryKv } from '@fatty/storage';
import { describe, expect, it } from 'vitest';
import { type ReplayWatch, replayLog } from '../src/stores.ts';

const MARK = Uint8Array.of(7);

/** A log that counts what was read from it and not yet given to the replica. */
class LongLog {
  ahead = 0;
  bytesAhead = 0;
  most = { records: 0, bytes: 0 };
  fed = 0;
  marks: (Uint8Array | undefined)[] = [];
  progress: number[] = [];
  halted: ReplicaEffect[] = [];
  readonly #records: number;
  readonly #recordBytes: number;
  readonly #fail: boolean;

  constructor(records: number, recordBytes: number, fail = false) {
    this.#records = records;
    this.#recordBytes = recordBytes;
    this.#fail = fail;
  }

  async *#replay(): AsyncGenerator<LogRecord> {
    for (let k = 0; k < this.#records; k++) {
      this.ahead++;
      this.bytesAhead += this.#recordBytes;
      const { records, bytes } = this.most;
      this.most = {
        records: Math.max(records, this.ahead),
        bytes: Math.max(bytes, this.bytesAhead),
      };
      yield { type: 1, body: new Uint8Array(this.#recordBytes) };
    }
    if (this.#fail) throw new Error('unreadable');
  }

  replay(effects: readonly ReplicaEffect[] = [], watch: Partial<ReplayWatch> = {}) {
    const log = {
      append: () => Promise.reject(new Error('a replay writes nothing')),
      replay: () => this.#replay(),
      close: () => Promise.resolve(),
    };
    const mark = {
      read: () => Promise.resolve(MARK),
      write: () => Promise.reject(new Error('a replay writes nothing')),
      close: () => Promise.resolve(),
    };
    const restore = (
      records: Iterable<LogRecord>,
      given?: Uint8Array,
    ): readonly ReplicaEffect[] => {
      const count = [...records].length;
      this.fed += count;
      this.ahead = 0;
      this.bytesAhead = 0;
      if (given) this.marks.push(given);
      return count > 0 ? effects : [];
    };
    return replayLog(
      { log, mark, kv: memoryKv() },
      { restore },
      {
        progress: (records) => void this.progress.push(records),
        halted: (effect) => void this.halted.push(effect),
        ...watch,
      },
    );
  }
}

describe('replay of a long log', () => {
  it('holds a bounded part of it, however many records there are', async () => {
    const log = new LongLog(50_000, 10);
    expect(await log.replay()).toEqual({ ok: true, value: 50_000 });
    expect(log.fed).toBe(50_000);
    expect(log.most.records).toBeLessThanOrEqual(1_000);
    expect(log.marks).toEqual([MARK]);
    expect(log.progress.at(-1)).toBe(50_000);
    expect(log.progress.length).toBeGreaterThanOrEqual(50);
  });

  it('and however large they are', async () => {
    const log = new LongLog(100, 1 << 20);
    await log.replay();
    expect(log.fed).toBe(100);
    expect(log.most.bytes).toBeLessThanOrEqual(9 << 20);
  });

  it('lets others work in between: the health port answers', async () => {
    const log = new LongLog(20_000, 10);
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    await log.replay();
    clearInterval(timer);
    expect(turns).toBeGreaterThan(3);
  });

  it('tells of the contradiction it finds', async () => {
    const failure = { code: 'contradiction', expected: 'one', actual: 'two' };
    const log = new LongLog(3, 10);
    await log.replay([{ kind: 'halt', failure }]);
    expect(log.halted).toEqual([{ kind: 'halt', failure }]);
  });

  it('says what cannot be read, and never takes part of a log for the whole', async () => {
    const log = new LongLog(3, 10, true);
    expect(await log.replay()).toMatchObject({ ok: false, failure: { code: 'folder_unusable' } });
    expect(log.marks).toEqual([]);
  });
});
