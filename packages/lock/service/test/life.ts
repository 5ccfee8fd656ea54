// Test helper: lives of several sessions, in which all kinds of things happen.
import type { Op } from '@fatty/api';
import { equalBytes } from '@fatty/codec';
import type { KeepAlive } from '@fatty/protocol';
import fc from 'fast-check';
import { jobOf, result } from './job-world.ts';
import { declaration } from './machine-world.ts';
import { Client, member, type Outcome, op, type Sent, World } from './world.ts';

const CLIENTS = 5;
export const DIRECTORIES = ['/d', '/d/e'];
export const FILES = ['/f', '/d/f', '/d/e/f', '/d/g'];
const MACHINES = ['/m', '/d/m'];
const JOBS = ['/j', '/d/j'];
const LEASE_MS = 4_000;

interface Act {
  readonly who: number;
  readonly kind: string;
  readonly path: string;
}

const act: fc.Arbitrary<Act> = fc.record({
  who: fc.nat(CLIENTS - 1),
  kind: fc.constantFrom(
    'file',
    'file',
    'guarded',
    'ephemeral',
    'directory',
    'directory',
    'write',
    'write',
    'set',
    'remove',
    'subtree',
    'acquire',
    'acquire',
    'try',
    'release',
    'release',
    'release',
    'acquire',
    'cancel',
    'declare',
    'post',
    'job',
    'job',
    'claim',
    'fail',
    'cancelJob',
    'close',
  ),
  path: fc.constantFrom(...FILES),
});

export const step = fc.record({
  advance: fc.constantFrom(0, 50, 700, 1_500, 4_000),
  acts: fc.array(act, { minLength: 4, maxLength: 9 }),
  alive: fc.subarray([...Array(CLIENTS).keys()]),
  /** Whether the root is asked for: what is touched in between is read later, and once. */
  isAsked: fc.boolean(),
  evidence: fc.constantFrom([], [], [], [], [member(3)]),
});
export type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** Sessions that come and go, and what they do. */
export class Life {
  readonly world: World;
  readonly reached = new Map<string, number>();
  /** Of the last step. */
  outcome: Outcome | undefined;
  readonly #clients: Client[] = [];
  #nonce = 0;

  constructor() {
    // Few graves a key: floors come, too. Little room for receipts: the results of older ones go.
    this.world = new World({ gravesPerClientMax: 3, receiptBytesPerSessionMax: 600 });
    this.world.step(
      0,
      [...Array(CLIENTS).keys()].map((who) => this.#opening(who)),
    );
    this.#send(DIRECTORIES.map(op.dir));
  }

  /** Of the sessions that were opened last; not all may live. */
  get clients(): readonly Client[] {
    return this.#clients;
  }

  count(what: string): void {
    this.reached.set(what, 1 + (this.reached.get(what) ?? 0));
  }

  #opening(who: number): Sent {
    const nonce = this.#nonce++ % 256;
    const client = new Client(who + 1, nonce, { leaseMs: LEASE_MS, basis: this.world.commit });
    this.#clients[who] = client;
    return client.open();
  }

  #client(who: number): Client {
    const client = this.#clients[who];
    if (client === undefined) throw new Error('a client');
    return client;
  }

  #send(ops: readonly Op[]): void {
    this.world.step(0, [this.#client(0).batch(...ops)]);
  }

  #isAlive(who: number): boolean {
    return this.world.ask({ kind: 'session', id: this.#client(who).session }).kind === 'session';
  }

  /** Who can give the lock of a path back; if nobody can, who was to. */
  #holderOf({ who, path }: Act): number {
    const lock = this.world.ask({ kind: 'lock', path });
    const [holder] = lock.kind === 'lock' ? lock.holders : [];
    if (holder === undefined) return who;
    const at = this.#clients.findIndex(({ session }) => equalBytes(session, holder.session));
    return at < 0 ? who : at;
  }

  /** Who claimed the job; if nobody has, who was to. */
  #claimantOf({ who, path }: Act): number {
    const job = this.world.ask({ kind: 'job', path: JOBS[path.length % 2] ?? '/j' });
    const worker = job.kind === 'job' ? job.claim?.worker : undefined;
    const at = this.#clients.findIndex(
      ({ signer }) => worker !== undefined && equalBytes(signer.publicKey, worker),
    );
    return at < 0 ? who : at;
  }

  #actorOf(one: Act): number {
    if (one.kind === 'release') return this.#holderOf(one);
    return one.kind === 'fail' ? this.#claimantOf(one) : one.who;
  }

  #dots(path: string): Extract<Op, { kind: 'remove' }>['dots'] {
    const answer = this.world.ask({ kind: 'stat', path });
    return answer.kind === 'stat' ? answer.stat.dots : [];
  }

  #toOp({ who, kind, path }: Act): Op {
    const directory = DIRECTORIES[path.length % 2] ?? '/d';
    const machine = MACHINES[path.length % 2] ?? '/m';
    const job = JOBS[path.length % 2] ?? '/j';
    const text = `${kind} ${this.world.commit}`;
    switch (kind) {
      case 'guarded':
        return op.file(path, text, { mode: 'guarded' });
      case 'ephemeral':
        return op.file(`${path}-${who}`, text, { ephemeral: true });
      case 'directory':
        return op.dir(directory);
      case 'write':
        return op.write(path, text);
      case 'set':
        return op.set(path, text);
      case 'remove':
        return op.remove(path, ...this.#dots(path));
      case 'subtree':
        return { kind: 'removeSubtree', path: directory };
      case 'acquire':
        return op.acquire(path, { mode: who % 2 ? 'shared' : 'exclusive', maxWaitMs: 3_000 * who });
      case 'try':
        return op.tryAcquire(path, { lockDelayMs: 700 });
      case 'release':
        return op.release(path);
      case 'cancel':
        return { kind: 'cancel', seq: Math.max(0, this.#client(who).seq - 2), index: 0 };
      case 'declare':
        return declaration({ path: machine, inbox: { window: 1, neglect: 'shown' } });
      case 'post':
        return { kind: 'post', path: machine, entry: BigInt(this.world.commit) };
      case 'job':
        return jobOf({ path: job, inputs: job === '/j' ? [] : [result('/j')], retainMs: 2_500 });
      case 'claim':
        return { kind: 'claimJob', path: who % 2 ? job : '/d' };
      case 'fail': {
        const asked = this.world.ask({ kind: 'job', path: job });
        const nonce = asked.kind === 'job' ? asked.claim?.nonce : undefined;
        return { kind: 'failJob', path: job, nonce: nonce ?? { commit: 0, index: 0 } };
      }
      case 'cancelJob':
        return { kind: 'cancelJob', path: job };
      case 'close':
        return { kind: 'closeSession' };
      default:
        return op.file(path, text);
    }
  }

  step({ advance, acts, alive, evidence }: Step): number {
    const batches: Sent[] = [];
    for (let who = 0; who < CLIENTS; who++) {
      if (!this.#isAlive(who)) batches.push(this.#opening(who));
    }
    for (const one of acts) {
      const who = this.#actorOf(one);
      batches.push(this.#client(who).batch(this.#toOp({ ...one, who })));
    }
    const keepAlives: KeepAlive[] = alive.map((who) => this.#client(who).keepAlive());
    this.outcome = this.world.step(advance, batches, { keepAlives, evidence });
    const { results, notices } = this.outcome;
    for (const result of results.flat()) {
      this.count(result.kind);
    }
    for (const { notice } of notices) this.count(notice.kind);
    return acts.length;
  }
}
