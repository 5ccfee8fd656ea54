// The state of the lock service, and the timers in it.
import { equalBytes, type Shape } from '@fatty/codec';
import { Sessions as SessionsOf } from '@fatty/sessions';
import { type Head, type SessionRow, sessionRowShape } from '@fatty/verify';
import { Access } from './access.ts';
import { Jobs } from './jobs.ts';
import { Keys } from './keys.ts';
import type { Ledger } from './ledger.ts';
import { Locks } from './lock-queue.ts';
import type { Machine } from './machine-state.ts';
import { Machines } from './machines.ts';
import { Names, type Node } from './names.ts';
import { Accounts, type Quotas } from './quotas.ts';
import { endOverdueSessions } from './session-expiry.ts';
import { borrowed, type Session, type Sessions } from './sessions.ts';

/** Rows are only ever written. */
const rowShape = sessionRowShape as Shape<SessionRow> as Shape<Session>;

/** The head before the first commit. */
export const GENESIS: Head = { epoch: 0, commit: 0, commitTs: 0, leaseClock: 0, convicted: [] };

/** Everything the service knows, in the pieces that own it. */
export class State {
  head: Head = GENESIS;
  readonly accounts: Accounts;
  readonly keys: Keys;
  readonly sessions: Sessions;
  readonly names: Names;
  readonly access: Access;
  readonly locks: Locks;
  readonly machines: Machines;
  readonly jobs: Jobs;

  readonly #quotas: Quotas;

  /** With a base: see {@link fork}. */
  constructor(quotas: Quotas, base?: State) {
    this.#quotas = quotas;
    this.accounts = base?.accounts.fork() ?? new Accounts(quotas);
    this.keys = base?.keys ?? new Keys(quotas);
    this.sessions = base?.sessions.fork(borrowed) ?? new SessionsOf<Session>(quotas, rowShape);
    this.names =
      base?.names.fork(this.accounts, this.sessions) ??
      new Names(quotas, this.accounts, this.sessions);
    this.access = base?.access ?? new Access(this.names);
    this.locks =
      base?.locks ??
      new Locks(quotas, {
        onGrant: (path, lockGen) => this.names.setLockGen(path, lockGen),
        isRevoked: (owner) => this.keys.isRevoked(owner),
      });
    this.machines = base?.machines ?? new Machines(this.names, quotas);
    this.jobs = base?.jobs ?? new Jobs(this.names, quotas);
  }

  /**
   * For a delivered view: what commutes (names, accounts, ephemerals) can change without a trace
   * here, at the cost of the changes; what is ordered is shared, and only read. Good while this
   * state does not change.
   */
  fork(): State {
    const forked = new State(this.#quotas, this);
    forked.head = this.head;
    return forked;
  }

  /** True while something has to end by the clock. */
  get timed(): boolean {
    return this.sessions.size > 0 || this.locks.timed || this.machines.timed || this.jobs.timed;
  }

  /**
   * Ends the locks, machines and jobs that stood at dead nodes. `remover`: the session that asked for it,
   * if one did.
   */
  bury(dead: readonly Node[], remover: Session | undefined, ledger: Ledger): void {
    ledger.spend(dead.length);
    for (const node of dead) {
      const path = this.names.pathOf(node);
      this.locks.nodeRemoved(path, remover, ledger);
      if (node.slot?.kind === 'job') this.jobs.nodeRemoved(path, node.slot, node.owner);
      if (node.slot?.kind === 'machine') {
        this.machines.nodeRemoved(path, node.slot, ledger);
        this.locks.machineRemoved(path, believedUntil(node.slot, remover), ledger);
      }
      ledger.happened({ kind: 'removed', path });
    }
  }

  /**
   * R21 (4) and (5): what is over by now, then the grants this makes possible; as much as a commit
   * may end. What is left is over at the next commit: late is safe, for a lease only lasts longer.
   */
  endTimers(ledger: Ledger): void {
    ledger.startTimers();
    endOverdueSessions(this, ledger);
    this.machines.endTimers(ledger);
    this.jobs.endTimers(ledger);
    this.#removeRetained(ledger);
    this.locks.endTimers(ledger);
    this.locks.settleLast(ledger);
    this.sessions.graves.endAt(ledger.commit);
  }

  /** Jobs that ended long enough ago. */
  #removeRetained(ledger: Ledger): void {
    for (const path of this.jobs.takeRetained(ledger)) {
      const removed = this.names.removeSubtree(path, 1);
      if (!('kind' in removed)) this.bury(removed.died, undefined, ledger);
    }
  }
}

/**
 * Until when (lease clock) the lessee of a removed machine may believe in its lease, or until when
 * the lock-delay of the last one runs. The remover gives its own lease up before it asks.
 */
function believedUntil({ lessee, notBefore }: Machine, remover: Session | undefined): number {
  if (lessee === undefined) return notBefore;
  const own = remover !== undefined && equalBytes(lessee.session, remover.id);
  return own ? 0 : lessee.expiry;
}
