// Histories made from a run in one order: the judge takes them, and none that was tampered with.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Call, judgePath } from '../src/index.ts';
import { NOTHING, type NodeState, step } from '../src/node.ts';

const pad = (n: number): string => String(n).padStart(6, '0');

interface Draw {
  readonly client: number;
  readonly what: number;
  readonly before: number;
  readonly after: number;
  /** 0: the answer was lost and the call done; 1: lost and never done. */
  readonly fate: number;
}

const draws = fc.array(
  fc.record({
    client: fc.nat(3),
    what: fc.nat(9),
    before: fc.nat(60),
    after: fc.nat(60),
    fate: fc.nat(11),
  }),
  { minLength: 5, maxLength: 60 },
);

/** A file and a lock, in a few lines of their own. */
class Model {
  value: string | undefined;
  generation = '';
  holder: { client: number; generation: string } | undefined;
  #last = 0;

  next(): string {
    return pad(++this.#last);
  }

  perform(client: number, what: number): Pick<Call, 'op' | 'outcome'> {
    if (what >= 6) return this.#lock(client, what);
    if (what < 3) return this.#read();
    const value = `v${this.next()}`;
    if (what === 3 || this.value === undefined) {
      return { op: { kind: 'put', value }, outcome: this.#write(value) };
    }
    if (what === 4) return this.#compareAndSet(value, client % 3 === 0);
    this.value = undefined;
    return { op: { kind: 'delete' }, outcome: { kind: 'ok' } };
  }

  #write(value: string): Call['outcome'] {
    this.value = value;
    this.generation = this.next();
    return { kind: 'ok', generation: this.generation };
  }

  #read(): Pick<Call, 'op' | 'outcome'> {
    const op = { kind: 'read' } as const;
    if (this.value === undefined) return { op, outcome: { kind: 'refused', code: 'not_found' } };
    const { value, generation } = this;
    return { op, outcome: { kind: 'ok', values: [value], generation } };
  }

  #compareAndSet(value: string, isStale: boolean): Pick<Call, 'op' | 'outcome'> {
    const generation = isStale ? pad(0) : this.generation;
    const op = { kind: 'compareAndSet', value, generation } as const;
    if (isStale) return { op, outcome: { kind: 'refused', code: 'generation_mismatch' } };
    return { op, outcome: this.#write(value) };
  }

  #lock(client: number, what: number): Pick<Call, 'op' | 'outcome'> {
    const { holder } = this;
    if (holder?.client === client) {
      const { generation } = holder;
      this.holder = undefined;
      return { op: { kind: 'release', generation }, outcome: { kind: 'ok' } };
    }
    const op = { kind: 'acquire' } as const;
    if (holder !== undefined && what % 2 === 0) {
      return { op, outcome: { kind: 'refused', code: 'lock_held' } };
    }
    if (holder !== undefined) return this.#read();
    const generation = this.next();
    this.holder = { client, generation };
    return { op, outcome: { kind: 'ok', generation } };
  }
}

/** Performs the calls in one order; each gets an interval round its moment. */
function historyOf(all: readonly Draw[]): Call[] {
  const model = new Model();
  const free = new Map<number, number>();
  const calls: Call[] = [];
  let now = 0;
  for (const { client, what, before, after, fate } of all) {
    const freeFrom = free.get(client) ?? 0;
    now = Math.max(now + 10, freeFrom + 1);
    const isLost = fate <= 1 && what < 5;
    const common = {
      client: `c${client}`,
      path: '/p',
      start: Math.max(freeFrom + 1, now - before),
    };
    const value = `never ${now}`;
    if (isLost && fate === 1) {
      calls.push({ ...common, op: { kind: 'put', value }, end: 0, outcome: { kind: 'unknown' } });
      continue;
    }
    const { op, outcome } = model.perform(client, what);
    const end = now + after;
    calls.push({ ...common, op, end, outcome: isLost ? { kind: 'unknown' } : outcome });
    free.set(client, end);
  }
  return calls;
}

const verdict = (calls: readonly Call[]): string => judgePath(calls).kind;

const generationOf = ({ outcome }: Call): string =>
  (outcome.kind === 'ok' ? outcome.generation : undefined) ?? '';

const isWrite = ({ op, outcome }: Call): boolean =>
  outcome.kind === 'ok' && (op.kind === 'put' || op.kind === 'compareAndSet');
const isRead = ({ op, outcome }: Call): boolean => op.kind === 'read' && outcome.kind === 'ok';
const isGrant = ({ op, outcome }: Call): boolean => op.kind === 'acquire' && outcome.kind === 'ok';

/** The history with one call changed; undefined: there is none to change so. */
type Tamper = (calls: readonly Call[], pick: number) => Call[] | undefined;

const swap = (calls: readonly Call[], old: Call, fresh: Partial<Call>): Call[] =>
  calls.map((call) => (call === old ? { ...call, ...fresh } : call));

const TAMPERINGS: Record<string, Tamper> = {
  'a read tells of a value that nobody wrote': (calls, pick) => {
    const reads = calls.filter(isRead);
    const read = reads[pick % reads.length];
    return read && swap(calls, read, { outcome: { kind: 'ok', values: ['forged'] } });
  },
  'a read is moved behind a later write': (calls, pick) => {
    const pairs = calls
      .filter(isRead)
      .flatMap((read) =>
        calls
          .filter((call) => isWrite(call) && generationOf(call) > generationOf(read))
          .map((write) => [read, write] as const),
      );
    const [read, write] = pairs[pick % pairs.length] ?? [];
    if (read === undefined || write === undefined) return undefined;
    return swap(calls, read, { start: write.end + 1, end: write.end + 2 });
  },
  'a write is moved behind a read that saw it': (calls, pick) => {
    const pairs = calls
      .filter(isWrite)
      .flatMap((write) =>
        calls
          .filter((call) => isRead(call) && generationOf(call) === generationOf(write))
          .map((read) => [write, read] as const),
      );
    const [write, read] = pairs[pick % pairs.length] ?? [];
    if (read === undefined || write === undefined) return undefined;
    return swap(calls, write, { start: read.end + 1, end: read.end + 2 });
  },
  'a grant has the generation of an earlier one': (calls, pick) => {
    const grants = calls.filter(isGrant);
    const late = grants[1 + (pick % Math.max(1, grants.length - 1))];
    return late && grants[0] && swap(calls, late, { outcome: grants[0].outcome });
  },
  'a release is never asked for, and the lock granted again': (calls, pick) => {
    const again = calls
      .filter(isGrant)
      .slice(1)
      .map((grant) => grant.start);
    const releases = calls.filter(
      ({ op, outcome, end }) =>
        op.kind === 'release' && outcome.kind === 'ok' && again.some((start) => start >= end),
    );
    const release = releases[pick % releases.length];
    return release && calls.filter((call) => call !== release);
  },
};

describe('histories of a run in one order', () => {
  it('are taken, with answers lost and all', () => {
    let unknown = 0;
    let together = 0;
    fc.assert(
      fc.property(draws, (all) => {
        const calls = historyOf(all);
        unknown += calls.filter(({ outcome }) => outcome.kind === 'unknown').length;
        together += calls.filter((call, i) => (calls[i - 1]?.end ?? 0) > call.start).length;
        expect(verdict(calls)).toBe('linearizable');
      }),
      { numRuns: 400, seed: 5 },
    );
    expect(unknown).toBeGreaterThan(100);
    expect(together).toBeGreaterThan(1_000);
  });

  it.each(Object.entries(TAMPERINGS))('are refused when %s', (_, tamper) => {
    let tried = 0;
    fc.assert(
      fc.property(draws, fc.nat(1_000), (all, pick) => {
        const calls = tamper(historyOf(all), pick);
        if (calls === undefined) return;
        tried++;
        const judged = judgePath(calls);
        expect(judged.kind).toBe('contradiction');
        if (judged.kind !== 'contradiction') return;
        // The calls named are as contradictory alone, whatever became of the others.
        expect(judged.calls.length).toBeLessThanOrEqual(calls.length);
        expect(judged.text).toMatch(/: but /);
      }),
      { numRuns: 60, seed: 6 },
    );
    expect(tried).toBeGreaterThan(15);
  });
});

describe('the search', () => {
  const small = fc.array(
    fc.record({
      start: fc.nat(8),
      length: fc.nat(6),
      what: fc.nat(7),
      value: fc.nat(2),
      fate: fc.nat(4),
    }),
    { minLength: 1, maxLength: 5 },
  );

  const drawnCall = (
    one: { start: number; length: number; what: number; value: number; fate: number },
    i: number,
  ): Call => {
    const { start, length, what, value, fate } = one;
    const ok = { kind: 'ok' } as const;
    const table: readonly Pick<Call, 'op' | 'outcome'>[] = [
      { op: { kind: 'put', value: `${value}` }, outcome: ok },
      { op: { kind: 'read' }, outcome: { ...ok, values: [`${value}`] } },
      { op: { kind: 'read' }, outcome: { kind: 'refused', code: 'not_found' } },
      { op: { kind: 'delete' }, outcome: ok },
      { op: { kind: 'acquire' }, outcome: { ...ok, generation: `${value}` } },
      { op: { kind: 'release', generation: `${value}` }, outcome: ok },
      { op: { kind: 'acquire' }, outcome: { kind: 'refused', code: 'lock_held' } },
      { op: { kind: 'lost', generation: `${value}` }, outcome: { kind: 'unknown' } },
    ];
    const { op, outcome } = table[what] ?? { op: { kind: 'read' }, outcome: ok };
    const isUnknown = fate === 0 && op.kind !== 'acquire' && op.kind !== 'read';
    const heard: Call['outcome'] = isUnknown ? { kind: 'unknown' } : outcome;
    return { client: `${i}`, path: '/p', start, end: start + length, op, outcome: heard };
  };

  /** Tries every order of every choice of the calls that need not be done. */
  function hasOrder(left: readonly Call[], state: NodeState): boolean {
    const must = left.filter(({ outcome }) => outcome.kind !== 'unknown');
    if (must.length === 0) return true;
    return left.some((call) => {
      if (must.some((other) => other !== call && other.end < call.start)) return false;
      const next = step(state, call, 0);
      const others = left.filter((other) => other !== call);
      return typeof next !== 'string' && hasOrder(others, next);
    });
  }

  it('agrees with whoever tries every order', () => {
    const seen = { linearizable: 0, contradiction: 0 };
    fc.assert(
      fc.property(small, (all) => {
        const calls = all.map(drawnCall);
        const expected = hasOrder(calls, NOTHING) ? 'linearizable' : 'contradiction';
        seen[expected]++;
        expect(verdict(calls)).toBe(expected);
      }),
      { numRuns: 4_000, seed: 7 },
    );
    expect(Math.min(seen.linearizable, seen.contradiction)).toBeGreaterThan(400);
  });
});
