// Checks machines: S12, S13, S14 and S21.
import {
  comparePositions,
  decodeNotice,
  decodeOp,
  decodeResult,
  type Op,
  type Result,
} from '@fatty/api';
import { toHex } from '@fatty/codec';
import type { OrderedBatch, Position } from '@fatty/interface';
import type { IdealProver, Proven } from '../world/ideal-prover.ts';
import type { Checker, Observation, Violation } from '../world/observation.ts';
import { type CommitSeen, effects } from './commits.ts';
import { InboxBook } from './inboxes.ts';

/** A machine as the answers of the cell make it out to be. */
export interface MachineSeen {
  readonly binding: 'lessee' | 'open';
  readonly periodMs: number;
  readonly inbox: InboxBook | undefined;
  t: bigint;
  s: bigint;
  /** Position of its last event: what the next bound proof must name. */
  nonce: Position;
  /** Hex of the key. */
  lessee: string | undefined;
  lockGen: Position;
  /** Lease clock, ms. */
  expiryMs: number;
}

type ProofOp = Extract<Op, { kind: 'takeMachine' | 'renewMachine' }>;
type Held = Extract<Result, { kind: 'machineHeld' }>;

const NEVER: Position = { commit: 0, index: 0 };
const show = ({ commit, index }: Position): string => `${commit}.${index}`;

/**
 * Machines by what clients sent and were told, next to a book of who really proved what.
 * S21: (t, s) moves by true proofs only, each continuing the last, made for this machine, this lessee
 * and this nonce, and never twice: a copied one moves nothing and extends nobody's lease.
 * Inboxes: each post is consumed once, in order, by proofs of the machine it was posted to, `in` is
 * the hash chain of all of them, and one that refuses neglect is not renewed over an old entry.
 * S12: one lessee, lock generations grow. S13: no lease ends early. S14: none outlives its period.
 */
export class MachineChecker implements Checker {
  readonly rules: readonly string[] = ['S12', 'S13', 'S14', 'S21', 'inbox'];
  readonly machines: Map<string, MachineSeen> = new Map<string, MachineSeen>();
  readonly #prover: IdealProver;
  readonly #reached: (what: string) => void;
  readonly #used = new Set<string>();
  /** Last commit that each replica told. */
  readonly #told = new Map<number, number>();
  /** By commit: the inbox of each machine, as text. */
  readonly #inboxes = new Map<number, ReadonlyMap<string, string>>();
  #index = 0;
  #violations: Violation[] = [];

  constructor(prover: IdealProver, reached: (what: string) => void) {
    this.#prover = prover;
    this.#reached = reached;
  }

  see(observation: Observation): readonly Violation[] {
    if (observation.kind !== 'committed') return [];
    this.#told.set(observation.by, observation.commit.index);
    if (observation.commit.index <= this.#index) return [];
    this.#index = observation.commit.index;
    this.#commit(observation);
    const { atMs, by } = observation;
    return this.#violations.splice(0).map((one) => ({ ...one, atMs, replica: by }));
  }

  finish(): readonly Violation[] {
    return [];
  }

  /** The commit that a replica stands at; 0 before its first. */
  commitOf(replica: number): number {
    return this.#told.get(replica) ?? 0;
  }

  /** What clients read of the inboxes after a commit, by path. */
  inboxesAt(commit: number): ReadonlyMap<string, string> {
    return this.#inboxes.get(commit) ?? new Map<string, string>();
  }

  /** The same for one machine after the latest commit. */
  shows(path: string): string | undefined {
    return this.inboxesAt(this.#index).get(path);
  }

  #say(rule: string, expected: string, actual: string): void {
    this.#violations.push({ rule, expected, actual, atMs: 0, replica: -1 });
  }

  #commit(seen: CommitSeen): void {
    const clockMs = seen.commit.leaseClock;
    for (const { batch, receipt } of effects(seen)) {
      for (const [i, bytes] of receipt.results.entries()) {
        const op = decodeOp(batch.ops[i] ?? new Uint8Array());
        const result = decodeResult(bytes);
        if (op.ok && result.ok) this.#op(batch, op.value, result.value, clockMs);
      }
    }
    for (const notice of seen.applied.notices) {
      const body = decodeNotice(notice.body);
      if (!body.ok || body.value.kind !== 'machineLost') continue;
      this.#lost(body.value.path, body.value.nonce, clockMs);
    }
    for (const [path, { lessee, expiryMs }] of this.machines) {
      if (lessee === undefined || expiryMs > clockMs) continue;
      this.#say('S14', `${path} lost at ${expiryMs}`, `held at ${clockMs}`);
    }
    this.#inboxes.set(seen.commit.index, this.#showInboxes(clockMs));
  }

  #showInboxes(clockMs: number): ReadonlyMap<string, string> {
    const shown = [...this.machines].flatMap(([path, { inbox }]) =>
      inbox === undefined ? [] : [[path, inbox.show(clockMs)] as const],
    );
    return new Map(shown);
  }

  #op(batch: OrderedBatch, op: Op, result: Result, clockMs: number): void {
    if (result.kind === 'machineDeclared' && op.kind === 'declareMachine') {
      const { binding, periodMs, t, s, path } = op;
      const inbox = op.inbox && new InboxBook(op.inbox, periodMs);
      const free = { lessee: undefined, lockGen: NEVER, expiryMs: 0 };
      this.machines.set(path, { binding, periodMs, inbox, t, s, nonce: result.nonce, ...free });
    } else if (result.kind === 'machineHeld') {
      if (op.kind === 'takeMachine' || op.kind === 'renewMachine') {
        this.#held(toHex(batch.client), op, result, clockMs);
      }
    } else if (result.kind === 'posted' && op.kind === 'post') {
      this.#posted(toHex(batch.client), op, result.number, clockMs);
    } else if (result.kind === 'machineReleased' && op.kind === 'releaseMachine') {
      const machine = this.machines.get(op.path);
      if (machine === undefined) return;
      if (machine.lessee !== toHex(batch.client)) this.#say('S12', 'its lessee', 'another');
      machine.lessee = undefined;
      machine.nonce = result.nonce;
    }
  }

  #posted(by: string, op: Extract<Op, { kind: 'post' }>, number: number, atMs: number): void {
    const inbox = this.machines.get(op.path)?.inbox;
    if (inbox === undefined) return this.#say('inbox', `no inbox at ${op.path}`, 'posted');
    if (op.entry === 0n) this.#say('inbox', 'entries other than 0', '0');
    inbox.posts.push({ value: op.entry, by, atMs });
    this.#reached('posted');
    if (number !== inbox.posts.length) {
      this.#say('inbox', `${op.path}: entry ${inbox.posts.length}`, `entry ${number}`);
    }
  }

  #held(client: string, op: ProofOp, result: Held, clockMs: number): void {
    const machine = this.machines.get(op.path);
    if (machine === undefined) return this.#say('S21', `${op.path} declared`, 'held');
    this.#reached(op.kind);
    this.#holder(client, op, machine, result);
    for (const envelope of op.proofs) this.#proof(client, op, machine, envelope);
    if (machine.inbox !== undefined) this.#tended(op, machine.inbox, clockMs);
    const { t, s, nonce, lockGen, leaseExpiry } = result;
    if (t !== machine.t || s !== machine.s) {
      this.#say('S21', `${op.path} at ${machine.t}, ${machine.s}`, `${t}, ${s}`);
    }
    const expiryMs = clockMs + machine.periodMs;
    if (leaseExpiry !== expiryMs) this.#say('S13', `a lease to ${expiryMs}`, `to ${leaseExpiry}`);
    Object.assign(machine, { nonce, lockGen, lessee: client, expiryMs });
  }

  #holder(client: string, op: ProofOp, machine: MachineSeen, { lockGen }: Held): void {
    const { lessee } = machine;
    const order = comparePositions(lockGen, machine.lockGen);
    if (op.kind === 'takeMachine') {
      if (lessee !== undefined)
        this.#say('S12', `${op.path} free`, `held by ${lessee.slice(0, 8)}`);
      if (order <= 0)
        this.#say('S12', `a generation above ${show(machine.lockGen)}`, show(lockGen));
      return;
    }
    if (lessee !== client) this.#say('S12', `${op.path} renewed by its lessee`, client.slice(0, 8));
    if (order !== 0) this.#say('S12', `generation ${show(machine.lockGen)}`, show(lockGen));
  }

  /** What one proof of an accepted op has to be; the machine moves along. */
  #proof(client: string, op: ProofOp, machine: MachineSeen, envelope: Uint8Array): void {
    const proven = this.#prover.provenBy(envelope);
    if (proven === undefined) return this.#say('S21', 'a proof that somebody made', 'another');
    const use = `${op.path} ${toHex(envelope)}`;
    if (this.#used.has(use)) this.#say('S21', `each proof once at ${op.path}`, 'twice');
    this.#used.add(use);
    if (machine.binding === 'lessee') this.#bound(client, op, machine, proven);
    if (proven.tFrom !== machine.t || proven.sFrom !== machine.s) {
      this.#say('S21', `a proof from ${machine.t}`, `from ${proven.tFrom}`);
    }
    machine.t = proven.tTo;
    machine.s = proven.sTo;
  }

  #bound(client: string, op: ProofOp, machine: MachineSeen, { bound }: Proven): void {
    const expected = `${op.path} ${client.slice(0, 8)} ${show(machine.nonce)}`;
    const actual = bound && `${bound.path} ${toHex(bound.lessee).slice(0, 8)} ${show(bound.nonce)}`;
    if (actual !== expected) this.#say('S21', `a proof for ${expected}`, `for ${actual}`);
  }

  /** What the proofs of an accepted op consumed. */
  #tended({ path, proofs }: ProofOp, inbox: InboxBook, clockMs: number): void {
    const before = inbox.consumed;
    for (const envelope of proofs) {
      const flaw = inbox.consume(this.#prover.provenBy(envelope)?.extra ?? []);
      if (flaw !== undefined) this.#say('inbox', `the next entries of ${path}`, flaw);
    }
    const took = inbox.consumed - before;
    for (let i = 0; i < took; i++) this.#reached('consumed');
    const { window, neglect } = inbox.terms;
    const since = inbox.neglectedSince(clockMs);
    if (neglect === 'shown' || since === undefined || took >= window * proofs.length) return;
    this.#say('inbox', `${path} tended`, `neglected since ${since}`);
  }

  #lost(path: string, nonce: Position, clockMs: number): void {
    const machine = this.machines.get(path);
    if (machine === undefined) return;
    if (machine.expiryMs > clockMs) {
      this.#say('S13', `${path} kept to ${machine.expiryMs}`, `lost at ${clockMs}`);
    }
    this.#reached('machineLost');
    machine.lessee = undefined;
    machine.nonce = nonce;
  }
}
