// Test oracle: the lock rules, written again from the text.
import type { LockMode } from '@fatty/api';

/** What a client does in the model: everything about locks, nothing about bytes or positions. */
export type Action =
  | {
      readonly kind: 'acquire';
      readonly path: string;
      readonly mode: LockMode;
      readonly delay: number;
      readonly maxWait: number | undefined;
    }
  | { readonly kind: 'try'; readonly path: string; readonly mode: LockMode; readonly delay: number }
  | { readonly kind: 'release'; readonly path: string }
  | { readonly kind: 'cancel'; readonly path: string }
  | { readonly kind: 'close' }
  | { readonly kind: 'remove'; readonly path: string }
  | { readonly kind: 'make'; readonly path: string };

export interface Entry {
  readonly who: number;
  readonly mode: LockMode;
  readonly delay: number;
  /** Lease-clock time at which a wait is given up. */
  readonly until: number;
}

interface Slot {
  exists: boolean;
  holders: Entry[];
  waiters: Entry[];
  /** Lock-delays: modes that conflict with `mode` wait until `until`. */
  bans: { mode: LockMode; until: number }[];
}

/**
 * The lock rules of R21, R21b and packages/lock/service/README.md written again, naively, from the text:
 * no timers, no indexes, every commit looks at everything. Shares no code with the service.
 */
export class Model {
  now = 0;
  /** Expiry by client; missing: no session. */
  readonly sessions = new Map<number, number>();
  readonly slots = new Map<string, Slot>();
  /** Every hold that began: `who path`. */
  grants: string[] = [];
  /** Holds whose node somebody else removed. */
  thrownOut = 0;
  readonly leaseMs: number;

  constructor(paths: readonly string[], leaseMs: number) {
    this.leaseMs = leaseMs;
    for (const path of paths) {
      this.slots.set(path, { exists: true, holders: [], waiters: [], bans: [] });
    }
  }

  open(who: number): void {
    this.sessions.set(who, this.now + this.leaseMs);
  }

  keepAlive(who: number): void {
    if (this.sessions.has(who)) this.open(who);
  }

  #may(slot: Slot, mode: LockMode): boolean {
    const clash = (other: LockMode): boolean => mode === 'exclusive' || other === 'exclusive';
    return (
      !slot.holders.some((one) => clash(one.mode)) &&
      !slot.bans.some((ban) => clash(ban.mode) && ban.until > this.now)
    );
  }

  #grant(slot: Slot, path: string, entry: Entry): void {
    slot.holders.push(entry);
    this.grants.push(`${entry.who} ${path}`);
  }

  #promote(path: string, slot: Slot): void {
    for (let head = slot.waiters[0]; head && this.#may(slot, head.mode); head = slot.waiters[0]) {
      slot.waiters.shift();
      this.#grant(slot, path, head);
    }
  }

  /** One op of a client with a live session; the name of what it should be answered. */
  act(who: number, action: Action): string {
    if (!this.sessions.has(who)) return 'session_unknown';
    if (action.kind === 'close') {
      this.sessions.delete(who);
      for (const [path, slot] of this.slots) {
        if (![...slot.holders, ...slot.waiters].some((one) => one.who === who)) continue;
        slot.holders = slot.holders.filter((one) => one.who !== who);
        slot.waiters = slot.waiters.filter((one) => one.who !== who);
        this.#promote(path, slot);
      }
      return 'sessionClosed';
    }
    const slot = this.slots.get(action.path);
    if (slot === undefined) throw new Error('a known path');
    const mine = (one: Entry): boolean => one.who === who;
    const holds = slot.holders.some(mine);
    const waits = slot.waiters.some(mine);
    switch (action.kind) {
      case 'acquire':
      case 'try': {
        if (!slot.exists) return 'not_found';
        if (holds) return 'already_held';
        if (waits) return 'already_waiting';
        const maxWait = action.kind === 'acquire' ? (action.maxWait ?? Infinity) : 0;
        const entry = { who, mode: action.mode, delay: action.delay, until: this.now + maxWait };
        if (slot.waiters.length === 0 && this.#may(slot, action.mode)) {
          this.#grant(slot, action.path, entry);
          return 'granted';
        }
        if (action.kind === 'try') return 'busy';
        slot.waiters.push(entry);
        return 'waiting';
      }
      case 'release':
        if (!holds) return 'not_held';
        slot.holders = slot.holders.filter((one) => !mine(one));
        this.#promote(action.path, slot);
        return 'released';
      case 'cancel':
        slot.holders = slot.holders.filter((one) => !mine(one));
        slot.waiters = slot.waiters.filter((one) => !mine(one));
        if (holds || waits) this.#promote(action.path, slot);
        return holds ? 'held' : waits ? 'waiting' : 'neither';
      case 'remove':
        if (!slot.exists) return 'not_found';
        for (const one of slot.holders) {
          if (mine(one)) continue;
          // Whoever is thrown out may go on believing as long as its session may.
          const believes = this.sessions.get(one.who) ?? this.now;
          slot.bans.push({ mode: one.mode, until: Math.max(this.now + one.delay, believes) });
          this.thrownOut += 1;
        }
        slot.exists = false;
        slot.holders = [];
        slot.waiters = [];
        return 'subtreeRemoved';
      case 'make':
        slot.exists = true;
        return 'created';
    }
  }

  /** End of a commit: R21 (4) and (5). Answers who lost their session. */
  settle(): number[] {
    const dead = [...this.sessions].filter(([, expiry]) => expiry <= this.now).map(([who]) => who);
    for (const who of dead) {
      this.sessions.delete(who);
      for (const slot of this.slots.values()) {
        for (const one of slot.holders) {
          if (one.who === who) slot.bans.push({ mode: one.mode, until: this.now + one.delay });
        }
        slot.holders = slot.holders.filter((one) => one.who !== who);
        slot.waiters = slot.waiters.filter((one) => one.who !== who);
      }
    }
    for (const [path, slot] of this.slots) {
      slot.waiters = slot.waiters.filter((one) => one.until > this.now);
      this.#promote(path, slot);
    }
    return dead;
  }
}
