// The lock of one path, and what it grants.
import { type LockMode, showPosition } from '@fatty/api';
import { toHex } from '@fatty/codec';
import type { Claim } from './sessions.ts';

/** The lock of one path. Kept only while somebody holds, waits, or a lock-delay runs. */
export interface Lock {
  readonly path: string;
  /** All of one mode; more than one only when shared. In order of their grants. */
  readonly holders: Claim[];
  /** FIFO. */
  readonly queue: Claim[];
  /**
   * After an exclusive holder that failed or lost the node nobody is granted before this lease-clock
   * time; 0: no delay.
   */
  allFrom: number;
  /** After such a shared holder only exclusive requests wait. */
  exclusiveFrom: number;
}

/** Only modes that conflict with this one wait until `until`. */
export function holdOff(lock: Lock, mode: LockMode, until: number, now: number): void {
  if (until <= now) return;
  if (mode === 'exclusive') lock.allFrom = Math.max(lock.allFrom, until);
  else lock.exclusiveFrom = Math.max(lock.exclusiveFrom, until);
}

/** End of the lock-delay that such a request has to wait for, on the lease clock. */
export function notBefore(lock: Lock, mode: LockMode): number {
  return mode === 'exclusive' ? Math.max(lock.allFrom, lock.exclusiveFrom) : lock.allFrom;
}

/** What keeps a request of this mode from being granted now, whoever waits before it. */
export function obstacle(
  lock: Lock,
  mode: LockMode,
  now: number,
): 'lock_held' | 'lock_delay' | undefined {
  const [first] = lock.holders;
  if (first !== undefined && (mode === 'exclusive' || first.mode === 'exclusive')) {
    return 'lock_held';
  }
  return notBefore(lock, mode) > now ? 'lock_delay' : undefined;
}

/** Who holds a lock and how many wait, for people: the first holder by its client key. */
export function whoHolds({ holders, queue }: Pick<Lock, 'holders' | 'queue'>): string {
  const [first, ...others] = holders;
  const waiting = `${queue.length} waiting`;
  if (first === undefined) return `nobody holding, ${waiting}`;
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  const { session, position } = first;
  return `held by ${toHex(session.client)} since ${showPosition(position)}${more}, ${waiting}`;
}
