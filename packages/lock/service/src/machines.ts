// Machines: leases that proofs renew.
import {
  comparePaths,
  type ErrorResult,
  equalPositions,
  errorResult,
  type Op,
  type Result,
  showPosition,
} from '@fatty/api';
import { equalBytes, toHex } from '@fatty/codec';
import type { Position, PublicKey } from '@fatty/interface';
import { Deadlines } from '@fatty/sessions';
import { addEntry, consume, neglectedFrom, newInbox, refuseNeglect } from './inbox.ts';
import type { Ledger } from './ledger.ts';
import { type Lessee, type Machine, machineOf } from './machine-state.ts';
import type { Names, Node } from './names.ts';
import type { MachineProofOp } from './open.ts';
import { readLeases, refuseStart } from './proofs.ts';
import type { Quotas } from './quotas.ts';
import type { Session } from './sessions.ts';
import { creationWith } from './slots.ts';

type Declaration = Extract<Op, { kind: 'declareMachine' }>;
type Publication = Extract<Op, { kind: 'publish' }>;
type Posting = Extract<Op, { kind: 'post' }>;

/** The state a valid take or renewal leads to. */
type Advance = Pick<Machine, 't' | 's' | 'outputs' | 'inbox'>;

/**
 * Machines: leases renewed by proof. `validate()` (R11a) has settled that the proofs are true and
 * bound to the op's own fields; this file decides whether they are about this machine, now.
 */
export class Machines {
  readonly #names: Names;
  readonly #quotas: Quotas;
  /** Paths of held machines by end of lease, and of free ones by end of lock-delay. */
  readonly #leaseEnds = new Deadlines();
  readonly #delayEnds = new Deadlines();
  /**
   * When the oldest entry of an inbox will have waited too long. The lease clock must get there,
   * for somebody may be watching.
   */
  readonly #neglectStarts = new Deadlines();
  #count = 0;

  constructor(names: Names, quotas: Quotas) {
    this.#names = names;
    this.#quotas = quotas;
  }

  get size(): number {
    return this.#count;
  }

  /** True while something of a machine is to happen by the clock. */
  get timed(): boolean {
    return this.#leaseEnds.size > 0 || this.#delayEnds.size > 0 || this.#neglectStarts.size > 0;
  }

  /** `notBefore`: until then (lease clock) somebody may believe in a lease of this path. */
  declare(
    op: Declaration,
    session: Session,
    id: Node['id'],
    at: Position,
    ledger: Ledger,
    notBefore: number,
  ): Result {
    const { programId, policy, binding, outputs, inbox, periodMs, lockDelayMs, t, s, path } = op;
    const machine: Machine = {
      kind: 'machine',
      programId,
      policy,
      binding,
      outputCount: outputs,
      periodMs,
      lockDelayMs,
      t,
      s,
      outputs: [],
      inbox: inbox && newInbox(inbox),
      nonce: at,
      lessee: undefined,
      notBefore,
    };
    const what = {
      path,
      id,
      owner: session.identity,
      stamp: { position: at, timeMs: ledger.ts },
    };
    const created = this.#names.create(creationWith(machine, what));
    if ('kind' in created) return created;
    this.#count += 1;
    if (notBefore > 0) this.#delayEnds.set(path, notBefore);
    ledger.happened({ kind: 'added', path, node: 'machine', ephemeral: false, instance: at });
    return { kind: 'machineDeclared', node: created.node.id, nonce: at };
  }

  take(op: MachineProofOp, session: Session, at: Position, ledger: Ledger): Result {
    const found = this.#find(op.path);
    if ('kind' in found) return found;
    const { machine } = found;
    const { lessee, notBefore } = machine;
    if (lessee !== undefined) {
      const own = equalBytes(lessee.client, session.identity);
      const since = `held by ${toHex(lessee.client)} since ${showPosition(lessee.lockGen)}`;
      return errorResult(own ? 'already_held' : 'held', 'a free machine', since);
    }
    if (notBefore > ledger.now) {
      const waitMs = notBefore - ledger.now;
      return errorResult('lock_delay', 'no lock-delay', `${waitMs} ms left`, waitMs);
    }
    const advance = this.#advance(op, machine, ledger);
    if ('kind' in advance) return advance;
    this.#delayEnds.delete(op.path);
    return this.#hold(
      found.node,
      { ...machine, ...advance, notBefore: 0 },
      session,
      at,
      at,
      ledger,
    );
  }

  renew(op: MachineProofOp, session: Session, at: Position, ledger: Ledger): Result {
    const found = this.#find(op.path);
    if ('kind' in found) return found;
    const { machine } = found;
    const lessee = ownLessee(machine, session.identity);
    if ('kind' in lessee) return lessee;
    const advance = this.#advance(op, machine, ledger);
    if ('kind' in advance) return advance;
    return this.#hold(found.node, { ...machine, ...advance }, session, lessee.lockGen, at, ledger);
  }

  /** {@link judge}, and whether the proofs do what is due by now. Code `inbox_neglected`. */
  #advance(op: MachineProofOp, machine: Machine, { now }: Ledger): Advance | ErrorResult {
    const advance = judge(op, machine);
    if ('kind' in advance || machine.inbox === undefined || !advance.inbox) return advance;
    const { inbox, periodMs } = machine;
    return refuseNeglect(inbox, advance.inbox, op.proofs.length, periodMs, now) ?? advance;
  }

  #hold(
    node: Node,
    machine: Machine,
    session: Session,
    lockGen: Position,
    nonce: Position,
    ledger: Ledger,
  ): Result {
    const path = this.#names.pathOf(node);
    const expiry = ledger.now + machine.periodMs;
    const { address = '', content = new Uint8Array(0) } = machine.lessee ?? {};
    const lessee: Lessee = {
      client: session.identity,
      session: session.id,
      lockGen,
      expiry,
      address,
      content,
    };
    this.#names.setSlot(node, { ...machine, nonce, lessee });
    if (lockGen === nonce) this.#names.setLockGen(path, lockGen);
    this.#leaseEnds.set(path, expiry);
    this.#watchInbox(path, machine, ledger.now);
    const { t, s } = machine;
    if (lockGen === nonce) {
      ledger.happened({ kind: 'machineTaken', path, lockGen, client: session.identity });
    }
    ledger.happened({ kind: 'machineAdvanced', path, t, s });
    return { kind: 'machineHeld', nonce, t, s, lockGen, leaseExpiry: expiry };
  }

  release(path: string, session: Session, at: Position, ledger: Ledger): Result {
    const found = this.#find(path);
    if ('kind' in found) return found;
    const lessee = ownLessee(found.machine, session.identity);
    if ('kind' in lessee) return lessee;
    this.#leaseEnds.delete(path);
    this.#names.setSlot(found.node, { ...found.machine, nonce: at, lessee: undefined });
    ledger.happened({ kind: 'machineReleased', path, lockGen: lessee.lockGen });
    return { kind: 'machineReleased', nonce: at };
  }

  publish(op: Publication, session: Session, at: Position, ledger: Ledger): Result {
    const found = this.#find(op.path);
    if ('kind' in found) return found;
    const lessee = ownLessee(found.machine, session.identity);
    if ('kind' in lessee) return lessee;
    const { address, content } = op;
    this.#names.setSlot(found.node, {
      ...found.machine,
      lessee: { ...lessee, address, content },
    });
    ledger.happened({ kind: 'published', path: op.path, generation: at });
    return { kind: 'published', generation: at };
  }

  /** Not an event of the machine: proofs in the making stay good. */
  post(op: Posting, session: Session, at: Position, ledger: Ledger): Result {
    const found = this.#find(op.path);
    if ('kind' in found) return found;
    const { node, machine } = found;
    if (machine.inbox === undefined) return errorResult('no_inbox', 'an inbox', 'none declared');
    const entry = { value: op.entry, by: session.identity, postedAt: ledger.now };
    const inbox = addEntry(machine.inbox, entry, this.#quotas);
    if ('kind' in inbox) return inbox;
    const next = { ...machine, inbox };
    this.#names.setSlot(node, next);
    this.#watchInbox(op.path, next, ledger.now);
    const number = inbox.consumed + inbox.pending.length;
    ledger.happened({ kind: 'posted', path: op.path, number });
    return { kind: 'posted', number, position: at };
  }

  #watchInbox(path: string, { inbox, periodMs }: Machine, now: number): void {
    const from = inbox && neglectedFrom(inbox, periodMs);
    if (from !== undefined && from >= now) this.#neglectStarts.set(path, from + 1);
    else this.#neglectStarts.delete(path);
  }

  #find(path: string): { node: Node; machine: Machine } | ErrorResult {
    const node = this.#names.find(path);
    if (node === undefined) return errorResult('not_found', 'a machine', 'no live node');
    const machine = machineOf(node);
    if (machine !== undefined) return { node, machine };
    return errorResult('not_a_machine', 'a machine', node.slot?.kind ?? node.kind);
  }

  /** R21 (4): leases whose period is over, by path; then lock-delays that are. */
  endTimers(ledger: Ledger): void {
    for (const path of this.#leaseEnds.take(ledger.now, ledger.room).sort(comparePaths)) {
      const node = this.#names.find(path);
      const machine = machineOf(node);
      if (node === undefined || machine?.lessee === undefined) continue;
      const nonce = ledger.next();
      const notBefore = machine.lockDelayMs === 0 ? 0 : ledger.now + machine.lockDelayMs;
      this.#names.setSlot(node, { ...machine, nonce, lessee: undefined, notBefore });
      if (notBefore > 0) this.#delayEnds.set(path, notBefore);
      tellLoss(path, machine.lessee, 'period_over', nonce, ledger);
    }
    for (const path of this.#delayEnds.take(ledger.now, ledger.effectsMax)) {
      const node = this.#names.find(path);
      const machine = machineOf(node);
      if (node && machine) this.#names.setSlot(node, { ...machine, notBefore: 0 });
    }
    // Nothing to change: that an entry has waited too long is read off the lease clock.
    this.#neglectStarts.take(ledger.now);
  }

  /** The node has died with the machine that stood there. */
  nodeRemoved(path: string, machine: Machine, ledger: Ledger): void {
    this.#count -= 1;
    this.#leaseEnds.delete(path);
    this.#delayEnds.delete(path);
    this.#neglectStarts.delete(path);
    const { lessee } = machine;
    if (lessee !== undefined) tellLoss(path, lessee, 'node_removed', ledger.next(), ledger);
  }

  /** After a restore at lease clock `now`: timers and count, from the namespace. */
  rebuild(now: number): void {
    for (const node of this.#names.all()) {
      const machine = machineOf(node);
      if (machine === undefined) continue;
      this.#count += 1;
      const path = this.#names.pathOf(node);
      if (machine.lessee !== undefined) this.#leaseEnds.set(path, machine.lessee.expiry);
      if (machine.notBefore > 0) this.#delayEnds.set(path, machine.notBefore);
      this.#watchInbox(path, machine, now);
    }
  }
}

function tellLoss(
  path: string,
  { client, session, lockGen }: Lessee,
  reason: 'period_over' | 'node_removed',
  nonce: Position,
  ledger: Ledger,
): void {
  ledger.tell({ id: session, client }, { kind: 'machineLost', path, lockGen, reason, nonce });
  ledger.happened({ kind: 'machineLost', path, lockGen, reason });
}

function ownLessee({ lessee }: Machine, client: PublicKey): Lessee | ErrorResult {
  if (lessee !== undefined && equalBytes(lessee.client, client)) return lessee;
  return errorResult('not_lessee', 'the lessee', lessee ? 'another client' : 'nobody holds it');
}

/**
 * Whether an op's proofs continue this machine, whoever holds it. Pure: gateways use it as advice.
 * Codes: `other_binding`, `bad_outputs`, `wrong_nonce`, `below_policy`, `wrong_program`,
 * `bad_proof`, `stale_t`, `wrong_t`, `wrong_s`, `bad_inbox`, `wrong_in`.
 */
export function judge(op: MachineProofOp, machine: Machine): Advance | ErrorResult {
  const { nonce, outputs } = op;
  const bound = machine.binding === 'lessee';
  if (bound !== (nonce !== undefined)) {
    return errorResult('other_binding', machine.binding, bound ? 'no nonce' : 'a nonce');
  }
  if (outputs !== machine.outputCount) {
    return errorResult('bad_outputs', String(machine.outputCount), String(outputs));
  }
  const window = machine.inbox?.terms.window ?? 0;
  if (op.inbox !== window) return errorResult('bad_inbox', String(window), String(op.inbox));
  if (bound && !equalPositions(nonce, machine.nonce)) {
    return errorResult('wrong_nonce', showPosition(machine.nonce), showPosition(nonce));
  }
  const leases = readLeases(op, { ...machine, window });
  if ('kind' in leases) return leases;
  const first = leases[0];
  const last = leases.at(-1);
  if (first === undefined || last === undefined) return errorResult('bad_proof', 'a proof', 'none');
  const refusal = refuseStart(first, machine);
  if (refusal) return refusal;
  const inbox = machine.inbox && consume(machine.inbox, leases);
  if (inbox !== undefined && 'kind' in inbox) return inbox;
  const outputsFrom = last.extra.length - machine.outputCount;
  return { t: last.tTo, s: last.sTo, outputs: last.extra.slice(outputsFrom), inbox };
}
