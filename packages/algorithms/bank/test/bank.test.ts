// Tests of the bank.
import { asPublicKey, asSessionId, decode, encode, InvariantError, toHex } from '@fatty/codec';
import { golden } from '@fatty/codec/golden';
import type { Source } from '@fatty/interface';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  Bank,
  DEPS_MAX,
  type Transfer,
  type TransferResult,
  transfer,
  transferResult,
} from '../src/index.ts';

const OWNERS = 4;
const owner = (n: number) => asPublicKey(new Uint8Array(32).fill(n + 1));
const source = (author: number, client = author): Source => ({
  client: owner(client),
  session: asSessionId(new Uint8Array(32).fill(author)),
  seq: 0,
  index: 0,
  author: owner(author),
  basis: { epoch: 0, commit: 0 },
});
const newBank = (balances: readonly bigint[] = [100n, 0n, 50n, 2n ** 64n - 151n]): Bank =>
  new Bank(balances.map((balance, n) => ({ owner: owner(n), balance })));
const balances = (bank: Bank): bigint[] =>
  Array.from({ length: OWNERS }, (_, n) => bank.balance(n));
const supply = (bank: Bank): bigint => balances(bank).reduce((a, b) => a + b, 0n);

/** One transfer on its way. */
interface Sent {
  readonly from: number;
  readonly order: Transfer;
}
const deliver = (bank: Bank, sent: Sent): void => {
  bank.deliver(source(sent.from), sent.order);
};
const commit = (bank: Bank, sent: Sent): TransferResult | undefined => {
  const result = bank.apply(source(sent.from), sent.order, { commit: 1, index: 0 });
  const read = decode(transferResult, result, 100);
  return read.ok ? read.value : undefined;
};
const raw = (from: number, number: number, to: number, amount: bigint): Sent => ({
  from,
  order: { number, to, amount, deps: [] },
});
const draft = (bank: Bank, from: number, to: number, amount: bigint): Sent => {
  const order = bank.draft(from, to, amount);
  if (!order.ok) throw new Error(order.failure.code);
  return { from, order: order.value };
};
const moved = { kind: 'moved' };
const refused = (code: string) => ({ kind: 'refused', code });

describe('Bank', () => {
  it('moves money, and lets it be spent on', () => {
    const bank = newBank();
    expect(commit(bank, draft(bank, 0, 1, 100n))).toEqual(moved);
    expect(commit(bank, draft(bank, 1, 2, 60n))).toEqual(moved);
    expect(balances(bank).slice(0, 3)).toEqual([0n, 40n, 110n]);
    expect(bank.balance(OWNERS)).toBe(0n);
  });

  it('keeps equal transfers apart', () => {
    const bank = newBank();
    expect(commit(bank, raw(0, 1, 1, 30n))).toEqual(moved);
    expect(commit(bank, raw(0, 2, 1, 30n))).toEqual(moved);
    expect(balances(bank).slice(0, 2)).toEqual([40n, 60n]);
  });

  it('takes one of two transfers with one number, in every view', () => {
    for (const order of [
      [1, 2],
      [2, 1],
    ] as const) {
      const [committed, delivered] = [newBank(), newBank()];
      for (const to of order) {
        const result = commit(committed, raw(0, 1, to, 100n));
        expect(result).toEqual(to === order[0] ? moved : refused('bad_number'));
        deliver(delivered, raw(0, 1, to, 100n));
      }
      expect(delivered.snapshot()).toEqual(committed.snapshot());
      expect(committed.balance(order[0])).toBe(order[0] === 2 ? 150n : 100n);
      expect(committed.balance(0)).toBe(0n);
    }
  });

  it('refuses an overdraft, uses its number up, and goes on', () => {
    const bank = newBank();
    expect(commit(bank, raw(0, 1, 1, 101n))).toEqual(refused('insufficient_funds'));
    expect(commit(bank, raw(0, 1, 1, 1n))).toEqual(refused('bad_number'));
    expect(commit(bank, raw(0, 2, 1, 100n))).toEqual(moved);
  });

  it('counts only incoming money that is named, and that only once', () => {
    const bank = newBank();
    commit(bank, raw(0, 1, 1, 10n));
    const deps = [{ from: 0, number: 1 }];
    expect(commit(bank, raw(1, 1, 2, 10n))).toEqual(refused('insufficient_funds'));
    expect(commit(bank, { from: 1, order: { number: 2, to: 2, amount: 6n, deps } })).toEqual(moved);
    expect(commit(bank, { from: 1, order: { number: 3, to: 2, amount: 5n, deps } })).toEqual(
      refused('insufficient_funds'),
    );
    expect(commit(bank, raw(1, 4, 2, 4n))).toEqual(moved);
  });

  it('holds back at delivery, and refuses at commit, what names a transfer not there', () => {
    const order = { number: 1, to: 2, amount: 10n, deps: [{ from: 0, number: 1 }] };
    const delivered = newBank();
    deliver(delivered, { from: 1, order });
    expect(delivered.balance(2)).toBe(50n);
    deliver(delivered, raw(0, 1, 1, 10n));
    expect(delivered.balance(2)).toBe(60n);
    expect(commit(newBank(), { from: 1, order })).toEqual(refused('missing_dependency'));
  });

  it('is neutral to a transfer to oneself', () => {
    const bank = newBank();
    expect(commit(bank, draft(bank, 0, 0, 100n))).toEqual(moved);
    expect(commit(bank, draft(bank, 0, 1, 100n))).toEqual(moved);
  });

  it('does not open with more money than fits', () => {
    expect(() => newBank([2n ** 64n - 1n, 1n])).toThrow(InvariantError);
    expect(() => newBank([-1n])).toThrow(InvariantError);
    expect(() => newBank().restore(Uint8Array.of(0))).toThrow(InvariantError);
  });
});

describe('draft', () => {
  it.each([
    [OWNERS, 0, 1n, 'no_account'],
    [0, OWNERS, 1n, 'no_account'],
    [0, 1, 0n, 'zero_amount'],
    [0, 1, 101n, 'insufficient_funds'],
  ] as const)('from %i to %i of %i fails with %s', (from, to, amount, code) => {
    expect(newBank().draft(from, to, amount)).toMatchObject({ failure: { code } });
  });

  it('names no more than the cap', () => {
    const bank = newBank();
    for (let number = 1; number <= DEPS_MAX + 1; number++) commit(bank, raw(3, number, 1, 1n));
    const all = BigInt(DEPS_MAX);
    expect(bank.draft(1, 2, all)).toMatchObject({ ok: true });
    expect(bank.draft(1, 2, all + 1n)).toMatchObject({ failure: { code: 'insufficient_funds' } });
  });

  it('finds the money behind any amount of dust', () => {
    const bank = newBank();
    for (let number = 1; number <= 2 * DEPS_MAX; number++) commit(bank, raw(0, number, 1, 1n));
    commit(bank, raw(2, 1, 1, 50n));
    const { order } = draft(bank, 1, 3, 50n);
    expect(order.deps).toEqual([{ from: 2, number: 1 }]);
    expect(commit(bank, { from: 1, order })).toEqual(moved);
  });

  it('spends all that one transfer can, whatever came in, and gathers the rest', () => {
    const incoming = fc.array(fc.tuple(fc.constantFrom(0, 2, 3), fc.bigInt(1n, 40n)), {
      minLength: 1,
      maxLength: 3 * DEPS_MAX,
      size: 'max',
    });
    let scattered = 0;
    fc.assert(
      fc.property(incoming, fc.bigInt(1n, 4_000n), (list, wanted) => {
        const bank = newBank([10_000n, 7n, 10_000n, 10_000n]);
        const next = [1, 1, 1, 1];
        for (const [from, amount] of list) {
          expect(commit(bank, raw(from, next[from] ?? 0, 1, amount))).toEqual(moved);
          next[from] = (next[from] ?? 0) + 1;
        }
        const largest = list.map(([, amount]) => amount).sort((a, b) => (a > b ? -1 : 1));
        const within = largest.slice(0, DEPS_MAX).reduce((sum, one) => sum + one, 7n);
        const drafted = bank.draft(1, 0, wanted);
        expect(drafted.ok).toBe(wanted <= within);
        if (!drafted.ok) expect(drafted.failure.actual).toBe(`${within}`);
        else expect(commit(bank, { from: 1, order: drafted.value })).toEqual(moved);
        for (let left = bank.balance(1); left > 0n; left = bank.balance(1)) {
          const all = bank.draft(1, 0, left);
          if (!all.ok) scattered++;
          const order = all.ok ? all : bank.draft(1, 1, BigInt(all.failure.actual));
          if (!order.ok) throw new Error(order.failure.code);
          expect(commit(bank, { from: 1, order: order.value })).toEqual(moved);
        }
        expect(supply(bank)).toBe(30_007n);
      }),
      { numRuns: 60 },
    );
    expect(scattered).toBeGreaterThan(10);
  });
});

describe('validate', () => {
  const verdict = (order: Transfer, from = source(0)) => {
    const found = newBank().validate(from, order);
    return found.kind === 'accept' ? 'accept' : found.code;
  };
  const good: Transfer = { number: 1, to: 1, amount: 1n, deps: [{ from: 1, number: 1 }] };

  it('looks at op and author only', () => {
    expect(verdict(good)).toBe('accept');
    expect(verdict({ ...good, amount: 2n ** 64n - 1n })).toBe('accept');
    expect(verdict(good, source(1, 0))).toBe('not_owner');
    expect(verdict(good, source(OWNERS, 0))).toBe('not_owner');
    expect(verdict({ ...good, number: 0 })).toBe('bad_number');
    expect(verdict({ ...good, to: OWNERS })).toBe('no_account');
    expect(verdict({ ...good, amount: 0n })).toBe('zero_amount');
  });

  it('comes after open, which reads what was written and survives any other bytes', () => {
    const bank = newBank();
    expect(bank.open(encode(transfer, good))).toEqual({ ok: true, value: good });
    const survives = (bytes: Uint8Array): boolean => {
      const opened = bank.open(bytes);
      return opened.ok || /^(malformed|wrong_shape|not_canonical)$/.test(opened.failure.code);
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), survives), { numRuns: 2000 });
  });

  it.each([
    ['own', [{ from: 0, number: 1 }]],
    ['of nobody', [{ from: OWNERS, number: 1 }]],
    ['number 0', [{ from: 1, number: 0 }]],
    ['twice', [1, 1].map((number) => ({ from: 1, number }))],
    ['falling', [2, 1].map((number) => ({ from: 1, number }))],
  ])('refuses dependencies: %s', (_, deps) => {
    expect(verdict({ ...good, deps })).toBe('bad_deps');
  });
});

const hostileTransfer: fc.Arbitrary<Sent> = fc.record({
  from: fc.nat(OWNERS),
  order: fc.record({
    number: fc.oneof(fc.integer({ min: 0, max: 9 }), fc.maxSafeNat()),
    to: fc.nat(OWNERS),
    amount: fc.oneof(fc.bigInt(0n, 60n), fc.bigInt(0n, 2n ** 64n - 1n)),
    deps: fc.array(fc.record({ from: fc.nat(OWNERS), number: fc.nat(9) }), { maxLength: 3 }),
  }),
});

describe('under hostile input', () => {
  it('makes no money, loses none, overdraws nobody', () => {
    let moves = 0;
    const sentList = fc.array(hostileTransfer, { minLength: 20, maxLength: 60 });
    fc.assert(
      fc.property(sentList, (list) => {
        const bank = newBank();
        const view = newBank();
        for (const [i, sent] of list.entries()) {
          // Half of them carry the number that is due, or nothing would ever move.
          const due = bank.draft(sent.from, 0, bank.balance(sent.from) || 1n);
          const number = i % 2 === 0 && due.ok ? due.value.number : sent.order.number;
          const deps = i % 4 === 0 && due.ok ? due.value.deps : sent.order.deps;
          const bent = { from: sent.from, order: { ...sent.order, number, deps } };
          if (commit(bank, bent)?.kind === 'moved') moves++;
          deliver(view, bent);
          expect([supply(bank), supply(view)]).toEqual([2n ** 64n - 1n, 2n ** 64n - 1n]);
          expect([...balances(bank), ...balances(view)].every((one) => one >= 0n)).toBe(true);
        }
      }),
      { numRuns: 100 },
    );
    expect(moves).toBeGreaterThan(100);
  });

  it('never throws, whatever transfer whoever sent, and does nothing that is not valid', () => {
    fc.assert(
      fc.property(hostileTransfer, fc.nat(2 * OWNERS), ({ order }, author) => {
        const bank = newBank();
        const before = toHex(bank.root());
        const verdict = bank.validate(source(author, 0), order);
        bank.deliver(source(author, 0), order);
        bank.apply(source(author, 0), order, { commit: 1, index: 0 });
        if (verdict.kind !== 'accept') expect(toHex(bank.root())).toBe(before);
      }),
      { numRuns: 2000 },
    );
  });
});

/** What happens next in a world where each owner sees only what has reached it. */
interface Step {
  readonly from: number;
  readonly to: number;
  readonly share: number;
  readonly overdraw: boolean;
  /** Which of the transfers so far reach the owner first. */
  readonly reach: readonly number[];
}

const step: fc.Arbitrary<Step> = fc.record({
  from: fc.nat(OWNERS - 1),
  to: fc.nat(OWNERS - 1),
  share: fc.integer({ min: 1, max: 100 }),
  overdraw: fc.nat(9).map((n) => n === 0),
  reach: fc.array(fc.nat(), { maxLength: 4 }),
});

/** Lets owners act on their own views; the answer is in a causal order. */
function world(steps: readonly Step[]): readonly Sent[] {
  const views = Array.from({ length: OWNERS }, () => newBank([100n, 0n, 50n, 10n]));
  const log: Sent[] = [];
  const reached = views.map(() => new Set<Sent>());
  for (const { from, to, share, overdraw, reach } of steps) {
    const view = views[from] as Bank;
    for (const pick of reach) {
      const sent = log[pick % Math.max(log.length, 1)];
      if (sent === undefined || reached[from]?.has(sent)) continue;
      reached[from]?.add(sent);
      deliver(view, sent);
    }
    const amount = (view.balance(from) * BigInt(share) + 99n) / 100n;
    const order = view.draft(from, to, amount === 0n ? 1n : amount);
    if (!order.ok) continue;
    const sent = { from, order: overdraw ? { ...order.value, amount: 10_000n } : order.value };
    log.push(sent);
    reached[from]?.add(sent);
    deliver(view, sent);
  }
  return log;
}

function shuffled(list: readonly Sent[], picks: readonly number[], causal: boolean): Sent[] {
  const pending = [...list];
  const out: Sent[] = [];
  for (let i = 0; pending.length > 0; i++) {
    const free = pending.filter((one) => !causal || !pending.some((other) => needs(one, other)));
    const one = free[(picks[i % picks.length] as number) % free.length] as Sent;
    pending.splice(pending.indexOf(one), 1);
    out.push(one);
  }
  return out;
}

function needs(one: Sent, other: Sent): boolean {
  const { from, order } = other;
  if (from === one.from) return order.number < one.order.number;
  return one.order.deps.some((dep) => dep.from === from && dep.number >= order.number);
}

describe('views', () => {
  it('agree on every result, whatever the order: delivered at random, committed causally', () => {
    const seen = { moved: 0, refused: 0, named: 0, reordered: 0 };
    const picks = fc.array(fc.nat(), { minLength: 7, maxLength: 40 });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), picks, (steps, order) => {
        const log = world(steps);
        const first = newBank([100n, 0n, 50n, 10n]);
        for (const sent of log) {
          const result = commit(first, sent)?.kind;
          if (result !== undefined) seen[result]++;
          seen.named += sent.order.deps.length;
        }
        const second = newBank([100n, 0n, 50n, 10n]);
        for (const sent of shuffled(log, order, true)) commit(second, sent);
        const view = newBank([100n, 0n, 50n, 10n]);
        const random = shuffled(log, order, false);
        if (random.some((sent, i) => sent !== log[i])) seen.reordered++;
        for (const sent of [...random, ...random.slice(0, 3)]) deliver(view, sent);
        expect(second.snapshot()).toEqual(first.snapshot());
        expect(view.snapshot()).toEqual(first.snapshot());
        expect(toHex(view.root())).toBe(toHex(first.root()));
      }),
      { numRuns: 300 },
    );
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(30);
  });

  it('restore what they snapshot', () => {
    const bank = newBank();
    commit(bank, raw(0, 1, 1, 30n));
    const copy = newBank();
    copy.restore(bank.snapshot());
    expect([balances(copy), toHex(copy.root())]).toEqual([balances(bank), toHex(bank.root())]);
    expect(commit(copy, draft(copy, 1, 2, 30n))).toEqual(moved);
  });
});

describe('bytes', () => {
  it('keep their format', () => {
    const dir = new URL('./golden/', import.meta.url);
    const deps = [{ from: 1, number: 300 }];
    golden(dir, 'transfer', transfer, { number: 7, to: 2, amount: 2n ** 63n, deps });
    golden(dir, 'result-moved', transferResult, { kind: 'moved' });
    for (const code of [
      'malformed',
      'bad_number',
      'missing_dependency',
      'insufficient_funds',
    ] as const) {
      golden(dir, `result-${code}`, transferResult, { kind: 'refused', code });
    }
    expect(decode(transferResult, Uint8Array.of(0x82, 1, 9), 9)).toMatchObject({
      failure: { code: 'not_canonical' },
    });
  });
});
