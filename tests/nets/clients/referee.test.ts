// Tests of the referee.
import { encodeGatewayMessage, type Op, type Result } from '@fatty/api';
import { hash, standIn, utf8 } from '@fatty/codec';
import type { Belief, CallOutcome, CallRequest } from '@fatty/core';
import { signBatch } from '@fatty/protocol';
import type { Violation } from '@fatty/testnet';
import { describe, expect, test } from 'vitest';
import { type Act, keyOf, sessionOf, told } from '../../../packages/sim/testnet/test/told.ts';
import { Referee, type Watched } from './referee.ts';

const scheme = standIn();
const at = (commit: number) => ({ commit, index: 0 });

/** A world that only counts and takes reports, of a cell with f = 1. */
function bench(beliefs: readonly Belief[] = [], unproved: readonly string[] = []) {
  const broken: Violation[] = [];
  const referee = new Referee({
    nowMs: 0,
    count: () => 0,
    story: { tell: () => undefined },
    report: (violations) => void broken.push(...violations),
  });
  const requests = new Map<number, CallRequest>();
  const client: Watched = {
    name: 'c0',
    faults: 1,
    signer: scheme.signer(hash('referee-test', utf8('c0'))),
    session: sessionOf('a'),
    beliefs,
    unproved,
    isInJeopardy: false,
    requests,
    outcomes: new Map<number, CallOutcome>(),
    trouble: 'nothing',
  };
  referee.watch(client);
  const rules = (): string[] => {
    broken.push(...referee.finish());
    return broken.map(({ rule }) => rule);
  };
  return { referee, client, requests, broken, rules };
}

const acquire: Op = {
  kind: 'acquire',
  path: '/a',
  mode: 'exclusive',
  maxWaitMs: undefined,
  lockDelayMs: 7,
};

const granted = (commit: number): Result => ({
  kind: 'granted',
  lockGen: at(commit),
  mode: 'exclusive',
  leaseExpiry: 9_000,
});

const grantTo = (who: string, commit: number): Act => ({
  who,
  seq: 1,
  ops: [[acquire, granted(commit)]],
});

const belief = (commit: number): Belief => ({
  hold: 1,
  path: '/a',
  lockGen: at(commit),
  mode: 'exclusive',
  untilMs: 5_000,
});

describe('the referee of the clients net', () => {
  test('S13: a belief that a later grant has overtaken, or that nobody granted', () => {
    const sound = bench([belief(2)]);
    sound.broken.push(...sound.referee.see(told(2, 2_000, [grantTo('a', 2)])));
    expect(sound.rules()).toEqual([]);
    sound.broken.push(...sound.referee.see(told(3, 2_100, [grantTo('b', 3)])));
    expect(sound.rules()).toEqual(['S13']);

    const dreamer = bench([belief(4)]);
    dreamer.referee.stepped(dreamer.client);
    expect(dreamer.rules()).toEqual(['S13']);
  });

  test('S13: a signal that is silent while nothing proves its lock', () => {
    const { referee, client, rules } = bench([], ['/a']);
    referee.stepped(client);
    expect(rules()).toEqual(['S13']);
  });

  const receipt = (who: string, seq: number, commit: number, results: readonly Uint8Array[]) =>
    encodeGatewayMessage({
      kind: 'receipt',
      batch: hash('any', utf8('batch')),
      session: sessionOf(who),
      seq,
      commit,
      results,
    });

  /** The cell grants; so many replicas say so; the client answers its call. */
  function answered(voices: number, commit = 2): string[] {
    const { referee, client, rules } = bench();
    const commits = told(2, 2_000, [grantTo('a', 2)]);
    referee.see(commits);
    const results = commits.applied.receipts[0]?.results ?? [];
    for (let i = 0; i < voices; i++) referee.heard(client, i, receipt('a', 1, 2, results));
    const landed = { session: sessionOf('a'), seq: 1, index: 0, commit };
    referee.settled(client, 1, { kind: 'results', results: [granted(2)], at: landed });
    return rules();
  }

  test('R32: an answer of too few, or of what did not happen', () => {
    expect(answered(2)).toEqual([]);
    expect(answered(1)).toEqual(['R32']);
    expect(answered(4, 3)).toContain('R32');
  });

  test('R32: `not_applied` of what was applied, `applied` of what was not', () => {
    const failed = (outcome: 'applied' | 'not_applied', applied: boolean): string[] => {
      const { referee, client, requests, rules } = bench();
      const call = 7;
      requests.set(call, {
        kind: 'acquire',
        path: '/a',
        mode: 'exclusive',
        wait: true,
        maxWaitMs: undefined,
        lockDelayMs: call,
      });
      const mine = { ...told(2, 2_000, [grantTo('a', 2)]) };
      const [batch] = mine.input.batches;
      if (batch === undefined) throw new Error('one batch');
      const input = { ...mine.input, batches: [{ ...batch, client: client.signer.publicKey }] };
      if (applied) referee.see({ ...mine, input });
      const failure = { code: 'timeout', expected: '', actual: '' };
      referee.settled(client, call, { kind: 'failed', failure, outcome, retryable: true });
      return rules();
    };
    expect(failed('not_applied', false)).toEqual([]);
    expect(failed('applied', true)).toEqual([]);
    expect(failed('not_applied', true)).toEqual(['R32']);
    expect(failed('applied', false)).toEqual(['R32']);
  });

  test('R3: an op that takes effect twice; two batches for one seq', () => {
    const { referee, rules, broken } = bench();
    broken.push(...referee.see(told(2, 2_000, [grantTo('a', 2)])));
    broken.push(...referee.see(told(3, 2_100, [{ ...grantTo('a', 3), seq: 2 }])));
    expect(rules()).toEqual(['R3']);

    const other = bench();
    for (const op of [1, 2]) {
      const batch = signBatch(keyOf('cell') as never, other.client.signer, {
        client: other.client.signer.publicKey,
        session: sessionOf('a'),
        seq: 3,
        basis: { epoch: 0, commit: 0 },
        ops: [Uint8Array.of(op)],
      });
      other.referee.submitted(other.client, batch);
    }
    expect(other.rules()).toEqual(['R3']);
  });
});
