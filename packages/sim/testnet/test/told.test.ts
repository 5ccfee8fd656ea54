// Tests of checkers that read only what clients are told.
import type { NoticeBody, Op, Result } from '@fatty/api';
import { describe, expect, test } from 'vitest';
import { HoldChecker } from '../src/checkers/holds.ts';
import { chained } from '../src/checkers/inboxes.ts';
import { MachineChecker } from '../src/checkers/machines.ts';
import { IdealProver, type Proven } from '../src/world/ideal-prover.ts';
import type { Checker } from '../src/world/observation.ts';
import { type Act, keyOf, type News, type Told, told } from './told.ts';

const rulesOf = (checker: Checker, commits: readonly Told[]): string[] =>
  commits.flatMap((one) => checker.see(one).map(({ rule }) => rule));

describe('locks: S12, S13, S14', () => {
  const at = (commit: number, index = 0) => ({ commit, index });
  const opened = (who: string, leaseExpiry: number): Act => {
    const nonce = new Uint8Array(16);
    const anchor = keyOf('anchor') as unknown as Extract<Op, { kind: 'openSession' }>['anchor'];
    const op: Op = { kind: 'openSession', nonce, anchor, leaseMs: 4_000 };
    const result: Result = { kind: 'sessionOpened', position: at(1), leaseMs: 4_000, leaseExpiry };
    return { who, seq: 0, ops: [[op, result]] };
  };
  const grant = (who: string, commit: number, mode: 'exclusive' | 'shared', index = 0): Act => {
    const op: Op = { kind: 'acquire', path: '/a', mode, maxWaitMs: undefined, lockDelayMs: 0 };
    const lockGen = at(commit, index);
    return { who, seq: 1, ops: [[op, { kind: 'granted', lockGen, mode, leaseExpiry: 9_000 }]] };
  };
  const expired = (who: string): News => ({
    who,
    body: { kind: 'sessionExpired', position: at(3) },
  });
  const broken = (...commits: Told[]): string[] =>
    rulesOf(new HoldChecker(() => undefined), commits);
  const opening = told(1, 1_000, [opened('a', 5_000), opened('b', 5_000)]);

  test('a grant, an end in time, the next grant: nothing wrong', () => {
    const commits = [
      opening,
      told(2, 2_000, [grant('a', 2, 'exclusive')]),
      told(3, 5_000, [], [expired('a'), expired('b')]),
      told(4, 5_100, [grant('c', 4, 'exclusive')]),
    ];
    expect(broken(...commits)).toEqual([]);
    const shared = told(2, 2_000, [grant('a', 2, 'shared'), grant('b', 2, 'shared', 1)]);
    expect(broken(opening, shared)).toEqual([]);
  });

  test('S12: two exclusive holders, a shared one next to one, a generation that does not grow', () => {
    const first = told(2, 2_000, [grant('a', 2, 'exclusive')]);
    expect(broken(opening, first, told(3, 2_100, [grant('b', 3, 'exclusive')]))).toContain('S12');
    expect(broken(opening, first, told(3, 2_100, [grant('b', 3, 'shared')]))).toContain('S12');
    expect(broken(opening, first, told(3, 2_100, [grant('b', 1, 'exclusive')]))).toContain('S12');
  });

  test('S13: a session that ends before its lease', () => {
    const commits = [opening, told(2, 4_999, [], [expired('a')])];
    expect(broken(...commits)).toEqual(['S13']);
  });

  test('S14: a session that outlives its lease', () => {
    expect(broken(opening, told(2, 5_000, [], [expired('a')]))).toEqual(['S14']);
  });
});

describe('machines: S12, S13, S14, S21', () => {
  const prover = new IdealProver();
  const at = (commit: number) => ({ commit, index: 0 });
  const declared = told(1, 1_000, [
    {
      who: 'a',
      seq: 0,
      ops: [
        [
          {
            kind: 'declareMachine',
            path: '/m',
            programId: prover.programId,
            t: 0n,
            s: 1n,
            policy: { layout: 'plain', bitsMin: 96, collisionBitsMin: 80 },
            binding: 'lessee',
            outputs: 0,
            inbox: undefined,
            periodMs: 2_000,
            lockDelayMs: 0,
          },
          {
            kind: 'machineDeclared',
            node: { session: keyOf('a') as never, seq: 0, index: 0 },
            nonce: at(1),
          },
        ],
      ],
    },
  ]);

  interface Bent {
    readonly who?: string;
    readonly kind?: 'takeMachine' | 'renewMachine';
    readonly lockGen?: number;
    readonly clockMs?: number;
    readonly expiryMs?: number;
    readonly proofs?: readonly Uint8Array[];
    readonly t?: bigint;
  }

  /** A proof of the step from `t`, made for `who` and the nonce of commit `nonce`. */
  function proof(who: string, nonce: number, t: bigint, change: Partial<Proven> = {}): Uint8Array {
    const bound = { path: '/m', lessee: keyOf(who), nonce: at(nonce) };
    const step = { tFrom: t, sFrom: 1n, tTo: t + 1n, sTo: 1n, extra: [] };
    return prover.prove(BigInt(nonce), { bound, ...step, ...change });
  }

  /** `who` is told at `commit` that it holds, by a proof of its own unless said otherwise. */
  function held(commit: number, nonce: number, tFrom: bigint, bent: Bent = {}): Told {
    const { who = 'a', kind = tFrom === 0n ? 'takeMachine' : 'renewMachine' } = bent;
    const { clockMs = 1_000 * commit, lockGen = 2, t = tFrom + 1n } = bent;
    const { proofs = [proof(who, nonce, tFrom)], expiryMs = clockMs + 2_000 } = bent;
    const op = { kind, path: '/m', nonce: at(nonce), outputs: 0, inbox: 0, proofs } as const;
    const state = { t, s: 1n, lockGen: at(lockGen), leaseExpiry: expiryMs };
    const result: Result = { kind: 'machineHeld', nonce: at(commit), ...state };
    return told(commit, clockMs, [{ who, seq: commit, ops: [[op, result]] }]);
  }

  const lost = (commit: number, clockMs: number): Told => {
    const body: NoticeBody = {
      kind: 'machineLost',
      path: '/m',
      lockGen: at(2),
      reason: 'period_over',
      nonce: at(commit),
    };
    return told(commit, clockMs, [], [{ who: 'a', body }]);
  };

  const broken = (...commits: Told[]): string[] =>
    rulesOf(new MachineChecker(prover, () => undefined), [declared, ...commits]);

  test('taken, renewed, lost in time, taken by another: nothing wrong', () => {
    const again = held(5, 4, 2n, { who: 'b', kind: 'takeMachine', lockGen: 5, clockMs: 5_100 });
    expect(broken(held(2, 1, 0n), held(3, 2, 1n), lost(4, 5_000), again)).toEqual([]);
  });

  test('S21: a proof copied from another lessee, of another nonce, twice, of nobody', () => {
    const taken = held(2, 1, 0n);
    const of = (envelope: Uint8Array): string[] =>
      broken(taken, held(3, 2, 1n, { proofs: [envelope] }));
    expect(of(proof('b', 2, 1n))).toContain('S21');
    expect(of(proof('a', 1, 1n))).toContain('S21');
    expect(of(proof('a', 2, 0n))).toContain('S21');
    expect(of(proof('a', 1, 0n))).toContain('S21');
    const step = { bound: undefined, tFrom: 1n, sFrom: 1n, tTo: 2n, sTo: 5n, extra: [] };
    expect(of(prover.forge(2n, step))).toContain('S21');
  });

  test('S21: a state that the proofs do not lead to', () => {
    expect(broken(held(2, 1, 0n, { t: 7n }))).toContain('S21');
  });

  test('S12: taken while held, renewed by another, a generation that stands still', () => {
    const taken = held(2, 1, 0n);
    const by = (bent: Bent): string[] => broken(taken, held(3, 2, 1n, bent));
    expect(by({ who: 'b', kind: 'takeMachine', lockGen: 3 })).toContain('S12');
    expect(by({ who: 'b' })).toContain('S12');
    expect(by({ lockGen: 3 })).toContain('S12');
  });

  test('S13, S14: a lease that ends early, is too long, or has no end', () => {
    const taken = held(2, 1, 0n);
    expect(broken(taken, lost(3, 3_999))).toEqual(['S13']);
    expect(broken(held(2, 1, 0n, { expiryMs: 4_500 }))).toEqual(['S13']);
    expect(broken(taken, told(3, 4_000, []))).toEqual(['S14']);
  });
});

describe('machines: inboxes', () => {
  const prover = new IdealProver();
  const at = (commit: number) => ({ commit, index: 0 });
  const post = (entry: bigint): Op => ({ kind: 'post', path: '/m', entry });
  const posted = (number: number): Result => ({ kind: 'posted', number, position: at(2) });

  /** Terms, then entries 5, 6, 5 at commit 2. */
  function history(neglect: 'shown' | 'refused', numbers = [1, 2, 3], entries = [5n, 6n, 5n]) {
    const declared: Op = {
      kind: 'declareMachine',
      path: '/m',
      programId: prover.programId,
      t: 0n,
      s: 1n,
      policy: { layout: 'plain', bitsMin: 96, collisionBitsMin: 80 },
      binding: 'open',
      outputs: 0,
      inbox: { window: 2, neglect },
      periodMs: 2_000,
      lockDelayMs: 0,
    };
    const node = { session: keyOf('a') as never, seq: 0, index: 0 };
    const answer: Result = { kind: 'machineDeclared', node, nonce: at(1) };
    const posts = entries.map((entry, i) => [post(entry), posted(numbers[i] ?? 0)] as const);
    return [
      told(1, 1_000, [{ who: 'a', seq: 0, ops: [[declared, answer]] }]),
      told(2, 2_000, [{ who: 'b', seq: 0, ops: posts }]),
    ];
  }

  /** The next step of the machine, with these cells. */
  function step(commit: number, extra: readonly bigint[], clockMs = 1_000 * commit): Told {
    const t = BigInt(commit - 3);
    const proof = { bound: undefined, tFrom: t, sFrom: 1n, tTo: t + 1n, sTo: 1n, extra };
    const kind = commit === 3 ? 'takeMachine' : 'renewMachine';
    const proofs = [prover.prove(0n, proof)];
    const op: Op = { kind, path: '/m', nonce: undefined, outputs: 0, inbox: 2, proofs };
    const state = { t: t + 1n, s: 1n, lockGen: at(3), leaseExpiry: clockMs + 2_000 };
    const result: Result = { kind: 'machineHeld', nonce: at(commit), ...state };
    return told(commit, clockMs, [{ who: 'a', seq: commit, ops: [[op, result]] }]);
  }

  const chain = (...entries: readonly bigint[]): bigint => entries.reduce(chained, 0n);
  const broken = (...commits: Told[]): string[] =>
    rulesOf(new MachineChecker(prover, () => undefined), commits);

  test('taken in two by two, in order, equal ones too: nothing wrong', () => {
    const taken = [step(3, [chain(5n, 6n), 5n, 6n]), step(4, [chain(5n, 6n, 5n), 5n, 0n])];
    expect(broken(...history('refused'), ...taken, step(5, [chain(5n, 6n, 5n), 0n, 0n]))).toEqual(
      [],
    );
  });

  test('an entry skipped, made up, out of order, twice, behind a gap; another `in`', () => {
    const first = (...cells: readonly bigint[]): string[] =>
      broken(...history('shown'), step(3, cells));
    expect(first(chain(6n), 6n, 0n)).toEqual(['inbox']);
    expect(first(chain(7n), 7n, 0n)).toEqual(['inbox']);
    expect(first(chain(6n, 5n), 6n, 5n)).toEqual(['inbox']);
    expect(first(chain(5n), 0n, 5n)).toEqual(['inbox']);
    expect(first(chain(6n, 5n), 5n, 6n)).toEqual(['inbox']);
    expect(first(chain(5n))).toEqual(['inbox']);
    const again = step(4, [chain(5n, 6n, 6n), 6n, 0n]);
    expect(broken(...history('shown'), step(3, [chain(5n, 6n), 5n, 6n]), again)).toEqual(['inbox']);
  });

  test('posts that are numbered wrongly, are 0, or go to a machine without an inbox', () => {
    expect(broken(...history('shown', [1, 3, 3]))).toEqual(['inbox']);
    expect(broken(...history('shown', [1, 2, 3], [5n, 0n, 5n]))).toEqual(['inbox']);
    expect(broken(...history('shown').slice(1))).toEqual(['inbox', 'inbox', 'inbox']);
  });

  test('a machine that refuses neglect, renewed over an entry that waits too long', () => {
    const idle = step(3, [0n, 0n, 0n], 4_001);
    expect(broken(...history('refused'), idle)).toEqual(['inbox']);
    expect(broken(...history('shown'), idle)).toEqual([]);
    expect(broken(...history('refused'), step(3, [0n, 0n, 0n], 4_000))).toEqual([]);
  });

  test('what clients read: neglected from a period on, and no longer once it is taken in', () => {
    const checker = new MachineChecker(prover, () => undefined);
    rulesOf(checker, [...history('shown'), step(3, [chain(5n), 5n, 0n], 4_001)]);
    expect(checker.shows('/m')).toContain('neglected since 4000');
    rulesOf(checker, [step(4, [chain(5n, 6n, 5n), 6n, 5n], 4_100)]);
    expect(checker.shows('/m')).toContain('neglected since never');
    expect(checker.shows('/m')).toContain('3 to ');
  });
});
