// Tests of the service against a naive model.
import { type Answer, comparePositions, type Op, type Result } from '@fatty/api';
import { equalBytes, toHex } from '@fatty/codec';
import type { Position } from '@fatty/interface';
import type { KeepAlive } from '@fatty/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Action, Model } from './model.ts';
import { Client, type Outcome, op, type Sent, World } from './world.ts';

const PATHS = ['/a', '/b'];
const CLIENTS = 5;
const LEASE_MS = 4_000;

interface Step {
  readonly advance: number;
  readonly acts: readonly (readonly [number, Action])[];
  readonly alive: readonly number[];
  readonly reopen: readonly number[];
  /** Save, restore, and go on from the copy. */
  readonly restart: boolean;
}

const path = fc.constantFrom(...PATHS);
const mode = fc.constantFrom('exclusive' as const, 'shared' as const);
const delay = fc.constantFrom(0, 1_500, 6_000);
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('acquire' as const),
      path,
      mode,
      delay,
      maxWait: fc.constantFrom(undefined, undefined, 0, 700, 3_000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('try' as const), path, mode, delay }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('release' as const), path }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cancel' as const), path }) },
  { weight: 1, arbitrary: fc.constant<Action>({ kind: 'close' }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), path }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('make' as const), path }) },
);
const who = fc.nat(CLIENTS - 1);
const step: fc.Arbitrary<Step> = fc.record({
  advance: fc.constantFrom(0, 50, 700, 1_500, 2_000),
  acts: fc.array(fc.tuple(who, action), { maxLength: 6 }),
  alive: fc.uniqueArray(who, { maxLength: CLIENTS }),
  reopen: fc.uniqueArray(who, { maxLength: 1 }),
  restart: fc.boolean(),
});

/** Drives the service and the model side by side. */
class Pair {
  readonly world = new World();
  readonly model = new Model(PATHS, LEASE_MS);
  readonly clients: Client[] = [];
  /** Last acquire of each client and path, for cancel. */
  readonly #asked = new Map<string, { seq: number; index: number }>();
  readonly #lastGen = new Map<string, Position>();
  readonly #told = new Map<string, number>();
  readonly seen = { granted: 0, queued: 0, expired: 0, delayed: 0, gaveUp: 0 };
  #nonce = 0;

  constructor() {
    const batches: Sent[] = [];
    for (let i = 0; i < CLIENTS; i++) batches.push(this.#opening(i));
    const first = this.clients[0];
    if (first) batches.push(first.batch(...PATHS.map((one) => op.file(one))));
    this.world.step(0, batches);
  }

  #opening(i: number): Sent {
    const client = new Client(i + 1, this.#nonce++ % 256, { leaseMs: LEASE_MS });
    this.clients[i] = client;
    this.model.open(i);
    return client.open();
  }

  #client(i: number): Client {
    const client = this.clients[i];
    if (client === undefined) throw new Error('a client');
    return client;
  }

  #toOp(i: number, act: Action): Op {
    switch (act.kind) {
      case 'acquire':
        this.#remember(i, act.path);
        return op.acquire(act.path, {
          mode: act.mode,
          maxWaitMs: act.maxWait,
          lockDelayMs: act.delay,
        });
      case 'try':
        this.#remember(i, act.path);
        return op.tryAcquire(act.path, { mode: act.mode, lockDelayMs: act.delay });
      case 'release':
        return op.release(act.path);
      case 'cancel':
        return {
          kind: 'cancel',
          ...(this.#asked.get(this.#key(i, act.path)) ?? { seq: 99, index: 0 }),
        };
      case 'close':
        return { kind: 'closeSession' };
      case 'remove':
        return { kind: 'removeSubtree', path: act.path };
      case 'make':
        return op.file(act.path);
    }
  }

  #key(i: number, at: string): string {
    return `${i} ${this.#client(i).nonce[0]} ${at}`;
  }

  /** Only a request that may get a claim: the id of an earlier claim must not be lost. */
  #remember(i: number, at: string): void {
    const slot = this.model.slots.get(at);
    const has = [...(slot?.holders ?? []), ...(slot?.waiters ?? [])].some((one) => one.who === i);
    if (!has) this.#asked.set(this.#key(i, at), { seq: this.#client(i).seq, index: 0 });
  }

  step({ advance, acts, alive, reopen, restart }: Step): void {
    const { world, model } = this;
    model.now += advance;
    const expected: string[] = [];
    const batches: Sent[] = [];
    const reopened: string[] = [];
    for (const i of reopen) {
      if (model.sessions.has(i)) continue;
      expected.push('sessionOpened');
      reopened.push('');
      batches.push(this.#opening(i));
    }
    model.grants = [];
    for (const [i, act] of acts) {
      const one = this.#toOp(i, act);
      const client = this.#client(i);
      expected.push(model.act(i, act));
      // A dead session's seq must not move on: its owner would open a new one first.
      batches.push(client.batch(one));
    }
    const keepAlives: KeepAlive[] = [];
    for (const i of alive) {
      if (!model.sessions.has(i)) continue;
      model.keepAlive(i);
      keepAlives.push(this.#client(i).keepAlive());
    }
    const dead = model.settle();
    const outcome = world.step(advance, batches, { keepAlives });
    expect(outcome.results.map(([one]) => nameOf(one))).toEqual(expected);
    this.#check(outcome, dead, [
      ...reopened,
      ...acts.map(([, act]) => ('path' in act ? act.path : '')),
    ]);
    if (restart) this.#restart();
  }

  #check(outcome: Outcome, dead: readonly number[], paths: readonly string[]): void {
    const ends = outcome.notices.filter(({ notice }) => notice.kind === 'sessionExpired');
    expect(ends.length).toBe(dead.length);
    this.seen.expired += dead.length;
    for (const [at, slot] of this.model.slots) {
      const answer = this.world.ask({ kind: 'lock', path: at });
      if (!slot.exists) {
        expect(answer).toMatchObject({ kind: 'error', code: 'not_found' });
        continue;
      }
      if (answer.kind !== 'lock') throw new Error('a lock');
      expect(this.#who(answer.holders)).toEqual(slot.holders.map((one) => one.who));
      expect(this.#who(answer.waiters)).toEqual(slot.waiters.map((one) => one.who));
      const exclusive = answer.holders.filter((one) => one.mode === 'exclusive').length;
      expect(exclusive === 0 || answer.holders.length === 1).toBe(true);
      if (answer.notBefore > this.model.now) this.seen.delayed++;
    }
    this.#checkGrants(outcome, paths);
    this.#checkNumbers(outcome);
  }

  /** R21b: what a session is told of its claims counts 1, 2, 3…, and a renewal names the last. */
  #checkNumbers({ notices }: Outcome): void {
    for (const { session, notice } of notices) {
      const last = this.#told.get(session) ?? 0;
      if (notice.kind === 'renewed') expect(notice.lastNumber).toBe(last);
      if (!('number' in notice)) continue;
      expect(notice.number).toBe(last + 1);
      this.#told.set(session, notice.number);
    }
    for (const { session } of this.clients) {
      const answer = this.world.ask({ kind: 'session', id: session });
      if (answer.kind !== 'session') continue;
      expect(answer.lastNumber).toBe(this.#told.get(toHex(session)) ?? 0);
    }
  }

  /** S12: lock generations of a path only grow, across delete and recreate; each grant has its own. */
  #checkGrants(outcome: Outcome, paths: readonly string[]): void {
    const granted = grantsOf(outcome, paths);
    this.seen.granted += granted.length;
    this.seen.queued += outcome.results.flat().filter((one) => one.kind === 'waiting').length;
    this.seen.gaveUp += outcome.notices.filter(({ notice }) => notice.kind === 'waitEnded').length;
    expect(granted.length).toBe(this.model.grants.length);
    for (const { path: at, lockGen } of granted) {
      const last = this.#lastGen.get(at);
      if (last) expect(comparePositions(lockGen, last)).toBeGreaterThan(0);
      this.#lastGen.set(at, lockGen);
    }
  }

  #who(parties: Extract<Answer, { kind: 'lock' }>['holders']): number[] {
    return parties.map(({ session }) =>
      this.clients.findIndex((one) => one.session.every((byte, i) => byte === session[i])),
    );
  }

  #restart(): void {
    const bytes = this.world.service.snapshot();
    const root = this.world.service.root();
    const copy = this.world.service.fresh();
    copy.restore(bytes);
    expect(equalBytes(copy.snapshot(), bytes)).toBe(true);
    expect(equalBytes(copy.root(), root)).toBe(true);
    this.world.service = copy;
  }
}

interface Grant {
  readonly path: string;
  readonly lockGen: Position;
}

/** Grants by op and by notice, in position order; `paths` are those of the ops, in their order. */
function grantsOf(outcome: Outcome, paths: readonly string[]): Grant[] {
  const direct = outcome.raw.receipts.flatMap((_, i) => {
    const [one] = outcome.results[i] ?? [];
    return one?.kind === 'granted' ? [{ path: paths[i] ?? '', lockGen: one.lockGen }] : [];
  });
  const later = outcome.notices.flatMap(({ notice }) =>
    notice.kind === 'granted' ? [{ path: notice.path, lockGen: notice.lockGen }] : [],
  );
  return [...direct, ...later].sort((a, b) => comparePositions(a.lockGen, b.lockGen));
}

function nameOf(result: Result | undefined): string {
  if (result === undefined) return 'none';
  if (result.kind === 'cancelled') return result.was;
  if (result.kind !== 'error') return result.kind;
  const busy = result.code === 'lock_held' || result.code === 'lock_delay';
  return busy ? 'busy' : result.code;
}

test('locks, sessions and leases do what a naive model does (S7, S12, S14)', () => {
  const total = { granted: 0, queued: 0, expired: 0, delayed: 0, gaveUp: 0 };
  let thrownOut = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 30 }), (steps) => {
      const pair = new Pair();
      for (const one of steps) pair.step(one);
      thrownOut += pair.model.thrownOut;
      for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += pair.seen[key];
    }),
    { numRuns: 80 },
  );
  // The property must not pass because nothing happened.
  expect(total.granted).toBeGreaterThan(200);
  expect(total.queued).toBeGreaterThan(100);
  expect(total.expired).toBeGreaterThan(40);
  expect(total.delayed).toBeGreaterThan(5);
  expect(total.gaveUp).toBeGreaterThan(5);
  expect(thrownOut).toBeGreaterThan(5);
});
