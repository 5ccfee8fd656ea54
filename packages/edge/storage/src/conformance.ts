// Conformance suites of log, store and mark.

/**
 * What every store must do, as named cases for any test runner:
 * `for (const { name, run } of logConformance) test(name, () => run(place))`.
 * A place opens the same store again and again; `fresh` places are empty. Cases throw on failure.
 */
import { compareBytes, equalBytes, toHex } from '@fatty/codec';
import type { KvStore, LogRecord, LogStore, MarkStore } from '@fatty/interface';

/** Somewhere a store lives. */
export interface Place<Store> {
  open(): Promise<Store>;
  /** Ends one opening in good order. */
  close(store: Store): Promise<void>;
}

/** One case: a name, and what must not throw. */
export interface ConformanceCase<Store> {
  readonly name: string;
  /** `fresh` answers an empty place. */
  run(fresh: () => Promise<Place<Store>>): Promise<void>;
}

function check(condition: boolean, what: string): void {
  if (!condition) throw new Error(`conformance: ${what}`);
}

async function codeOf(action: () => unknown): Promise<string> {
  try {
    await action();
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
  return 'none';
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

async function collect(log: LogStore): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const record of log.replay()) records.push(record);
  return records;
}

const textOf = (records: readonly LogRecord[]): string =>
  records.map(({ type, body }) => `${type}:${toHex(body)}`).join(' ');

const numbered = (count: number): LogRecord[] =>
  Array.from({ length: count }, (_, i) => ({ type: 1 + (i % 255), body: bytes(i >> 8, i & 255) }));

/** What every log must do. */
export const logConformance: readonly ConformanceCase<LogStore>[] = [
  {
    name: 'a new log replays nothing',
    async run(fresh) {
      const place = await fresh();
      const log = await place.open();
      check((await collect(log)).length === 0, 'no records');
      await place.close(log);
    },
  },
  {
    name: 'what was appended replays in order, before and after reopening',
    async run(fresh) {
      const place = await fresh();
      const records = [{ type: 255, body: bytes() }, ...numbered(300)];
      let log = await place.open();
      await log.append(records.slice(0, 10));
      await log.append([]);
      await log.append(records.slice(10));
      check(textOf(await collect(log)) === textOf(records), 'same records when open');
      await place.close(log);
      log = await place.open();
      check(textOf(await collect(log)) === textOf(records), 'same records when reopened');
      await log.append([{ type: 7, body: bytes(7) }]);
      check((await collect(log)).length === 302, 'appends after reopening');
      await place.close(log);
    },
  },
  {
    name: 'concurrent appends keep their order and all resolve',
    async run(fresh) {
      const place = await fresh();
      const log = await place.open();
      const records = numbered(200);
      await Promise.all(records.map((record) => log.append([record])));
      check(textOf(await collect(log)) === textOf(records), 'call order');
      await place.close(log);
    },
  },
  {
    name: 'bad records are refused and harm nothing',
    async run(fresh) {
      const place = await fresh();
      const log = await place.open();
      for (const type of [0, 256, -1, 1.5, Number.NaN]) {
        const code = await codeOf(() => log.append([{ type, body: bytes(1) }]));
        check(code === 'bad_record', `type ${type}: ${code}`);
      }
      await log.append([{ type: 1, body: bytes(1) }]);
      check((await collect(log)).length === 1, 'one record');
      await place.close(log);
    },
  },
  {
    name: 'a closed log takes nothing; close waits for what was appended',
    async run(fresh) {
      const place = await fresh();
      let log = await place.open();
      const last = log.append([{ type: 1, body: bytes(9) }]);
      await place.close(log);
      await last;
      const code = await codeOf(() => log.append([{ type: 1, body: bytes(9) }]));
      check(code === 'log_closed', code);
      log = await place.open();
      check((await collect(log)).length === 1, 'the record appended before close');
      await place.close(log);
    },
  },
];

const pairsOf = (rows: Iterable<{ key: Uint8Array; value: Uint8Array }>): string =>
  Array.from(rows, ({ key, value }) => `${toHex(key)}=${toHex(value)}`).join(' ');

/** What every key-value store must do. */
export const kvConformance: readonly ConformanceCase<KvStore>[] = [
  {
    name: 'reads what was written, before and after reopening',
    async run(fresh) {
      const place = await fresh();
      let kv = await place.open();
      check(kv.get(bytes(1)) === undefined, 'missing key');
      await kv.write([
        { key: bytes(1), value: bytes(10) },
        { key: bytes(2), value: bytes() },
        { key: bytes(3), value: bytes(30) },
        { key: bytes(3), value: undefined },
        { key: bytes(1), value: bytes(11) },
      ]);
      await place.close(kv);
      kv = await place.open();
      check(pairsOf(kv.range(bytes(1), bytes(9), 9)) === '01=0b 02=', 'the last word per key');
      check(kv.get(bytes(3)) === undefined, 'deleted');
      await place.close(kv);
    },
  },
  {
    name: 'ranges are half open, bytewise ascending and limited',
    async run(fresh) {
      const place = await fresh();
      const kv = await place.open();
      const keys = [
        bytes(0),
        bytes(0, 0),
        bytes(1),
        bytes(1, 255),
        bytes(2),
        bytes(127),
        bytes(128),
      ];
      keys.push(bytes(255), bytes(255, 0));
      await kv.write(keys.toReversed().map((key) => ({ key, value: key })));
      const all = Array.from(kv.range(bytes(0), bytes(255, 255), 99), ({ key }) => key);
      check(all.length === keys.length, 'every key');
      check(
        all.every((key, i) => equalBytes(key, keys[i] ?? bytes())),
        'bytewise order',
      );
      const part = Array.from(kv.range(bytes(0, 0), bytes(2), 99), ({ key }) => toHex(key));
      check(part.join(' ') === '0000 01 01ff', `half open: ${part.join(' ')}`);
      check(Array.from(kv.range(bytes(1), bytes(128), 2)).length === 2, 'limit');
      check(Array.from(kv.range(bytes(2), bytes(2), 2)).length === 0, 'empty range');
      await place.close(kv);
    },
  },
  {
    name: 'a write with a bad key is refused whole',
    async run(fresh) {
      const place = await fresh();
      const kv = await place.open();
      for (const key of [bytes(), new Uint8Array(2000)]) {
        const entries = [
          { key: bytes(5), value: bytes(5) },
          { key, value: bytes(1) },
        ];
        const code = await codeOf(() => kv.write(entries));
        check(code === 'bad_key', code);
      }
      check(kv.get(bytes(5)) === undefined, 'nothing of it was written');
      await place.close(kv);
    },
  },
  {
    name: 'callers own the bytes they gave and got',
    async run(fresh) {
      const place = await fresh();
      const kv = await place.open();
      const value = bytes(1, 2, 3);
      await kv.write([{ key: bytes(1), value }]);
      value[0] = 99;
      const got = kv.get(bytes(1)) ?? bytes();
      check(equalBytes(got, bytes(1, 2, 3)), 'a copy was stored');
      got[0] = 77;
      check(compareBytes(kv.get(bytes(1)) ?? bytes(), bytes(1, 2, 3)) === 0, 'a copy was answered');
      await place.close(kv);
    },
  },
];

/** What every mark must do. */
export const markConformance: readonly ConformanceCase<MarkStore>[] = [
  {
    name: 'a mark is undefined until written, then the last written, also after reopening',
    async run(fresh) {
      const place = await fresh();
      let mark = await place.open();
      check((await mark.read()) === undefined, 'undefined at first');
      await place.close(mark);
      for (let i = 0; i < 5; i++) {
        mark = await place.open();
        await mark.write(bytes(1, i));
        check(equalBytes((await mark.read()) ?? bytes(), bytes(1, i)), 'reads back');
        await place.close(mark);
        mark = await place.open();
        check(equalBytes((await mark.read()) ?? bytes(), bytes(1, i)), 'reads back reopened');
        await place.close(mark);
      }
    },
  },
  {
    name: 'a mark never goes down',
    async run(fresh) {
      const place = await fresh();
      const mark = await place.open();
      await mark.write(bytes(2, 2));
      await mark.write(bytes(2, 2));
      const code = await codeOf(() => mark.write(bytes(2, 1)));
      check(code === 'mark_not_monotone', code);
      check(equalBytes((await mark.read()) ?? bytes(), bytes(2, 2)), 'unchanged');
      await place.close(mark);
    },
  },
  {
    name: 'concurrent writes all resolve and the highest stays',
    async run(fresh) {
      const place = await fresh();
      const mark = await place.open();
      await Promise.all(Array.from({ length: 50 }, (_, i) => mark.write(bytes(i))));
      check(equalBytes((await mark.read()) ?? bytes(), bytes(49)), 'the highest');
      await place.close(mark);
    },
  },
  {
    name: 'a mark that is too large is refused',
    async run(fresh) {
      const place = await fresh();
      const mark = await place.open();
      const code = await codeOf(() => mark.write(new Uint8Array(513)));
      check(code === 'mark_too_large', code);
      await place.close(mark);
    },
  },
];
