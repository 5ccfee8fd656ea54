// Tests of the replay of a long log.
import type { PlacedRecord } from '@fatty/interface';
import { describe, expect, it } from 'vitest';
import { type Restoring, replayLog } from '../src/stores.ts';

const MARK = Uint8Array.of(7);

/** A log that counts what was read from it and not yet given to the replica. */
class LongLog {
  ahead = 0;
  bytesAhead = 0;
  most = { records: 0, bytes: 0 };
  fed = 0;
  marks: (Uint8Array | undefined)[] = [];
  progress: number[] = [];
  readonly #records: number;
  readonly #recordBytes: number;
  readonly #fail: boolean;

  constructor(records: number, recordBytes: number, fail = false) {
    this.#records = records;
    this.#recordBytes = recordBytes;
    this.#fail = fail;
  }

  async *#replay(): AsyncGenerator<PlacedRecord> {
    for (let k = 0; k < this.#records; k++) {
      this.ahead++;
      this.bytesAhead += this.#recordBytes;
      const { records, bytes } = this.most;
      this.most = {
        records: Math.max(records, this.ahead),
        bytes: Math.max(bytes, this.bytesAhead),
      };
      yield { type: 1, body: new Uint8Array(this.#recordBytes), segment: 1 };
    }
    if (this.#fail) throw new Error('unreadable');
  }

  replay(failure?: Error) {
    const log = {
      append: () => Promise.reject(new Error('a replay writes nothing')),
      replay: () => this.#replay(),
      dropBelow: () => Promise.reject(new Error('a replay writes nothing')),
      close: () => Promise.resolve(),
    };
    const mark = {
      read: () => Promise.resolve(MARK),
      write: () => Promise.reject(new Error('a replay writes nothing')),
      close: () => Promise.resolve(),
    };
    const restore: Restoring = (records, given, written) => {
      this.fed += records.length;
      this.ahead = 0;
      this.bytesAhead = 0;
      if (given) this.marks.push(given);
      setImmediate(() => written(failure));
    };
    return replayLog({ log, mark }, restore, (records) => void this.progress.push(records));
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

  it('says what cannot be read, and never takes part of a log for the whole', async () => {
    const log = new LongLog(3, 10, true);
    expect(await log.replay()).toMatchObject({ ok: false, failure: { code: 'folder_unusable' } });
    expect(log.marks).toEqual([]);
  });

  it('ends when a part of it cannot be taken', async () => {
    const log = new LongLog(3_000, 10);
    const full = Object.assign(new Error('no space left'), { code: 'ENOSPC' });
    expect(await log.replay(full)).toMatchObject({ ok: false, failure: { code: 'disk_full' } });
    expect(log.fed).toBe(1_000);
    expect(log.marks).toEqual([]);
  });
});
