// Whose batch goes into an own block next.
import type { CarriedBatch } from '@fatty/broadcast';
import { toHex } from '@fatty/codec';
import type { PublicKey } from '@fatty/interface';
import { sizeOf } from './packing.ts';

/** What a client has in the queue. */
interface Account {
  batches: number;
  bytes: number;
  /** The turn of its next batch, if that comes while others of it wait. */
  end: number;
}

/**
 * Start-time fair queueing by client key. A batch's turn is a number, in weight: where the queue is now, or where
 * the client's batch before it ends, whichever is later. So a client with a long backlog waits behind its own
 * batches, and another one's batch goes before all but the first of each. Turns of one client ascend in the order
 * in which its batches came: none overtakes its predecessor. A client that has nothing waiting owes nothing.
 */
export class Turns {
  #now = 0;
  readonly #accounts = new Map<string, Account>();
  /** A batch that comes back to the queue has the turn it had. */
  readonly #turns = new WeakMap<CarriedBatch, number>();

  /** A batch has come to the queue. `weight`: undefined for one that was there in an earlier life. */
  enter(carried: CarriedBatch, weight: number | undefined): void {
    const client = toHex(carried.batch.client);
    const account = this.#accounts.get(client) ?? { batches: 0, bytes: 0, end: this.#now };
    this.#accounts.set(client, account);
    account.batches += 1;
    account.bytes += sizeOf(carried);
    const before = this.#turns.get(carried) ?? (weight === undefined ? 0 : undefined);
    const turn = before ?? Math.max(this.#now, account.end);
    this.#turns.set(carried, turn);
    account.end = Math.max(account.end, turn + (before === undefined ? (weight ?? 0) : 0));
  }

  /** What this client has in the queue. */
  of(client: PublicKey): { readonly batches: number; readonly bytes: number } {
    return this.#accounts.get(toHex(client)) ?? { batches: 0, bytes: 0 };
  }

  /** A batch has left the queue, for whatever reason. */
  leave(carried: CarriedBatch): void {
    const client = toHex(carried.batch.client);
    const account = this.#accounts.get(client);
    if (account === undefined) return;
    account.batches -= 1;
    account.bytes -= sizeOf(carried);
    if (account.batches === 0) this.#accounts.delete(client);
  }

  /** An own block carries it: the queue has come to its turn. */
  reached(carried: CarriedBatch): void {
    this.#now = Math.max(this.#now, this.#turns.get(carried) ?? 0);
  }

  /** By turn; equal turns in the order given. */
  inOrder(queue: Iterable<readonly [string, CarriedBatch]>): (readonly [string, CarriedBatch])[] {
    const turnOf = ([, carried]: readonly [string, CarriedBatch]): number =>
      this.#turns.get(carried) ?? 0;
    return [...queue].sort((a, b) => turnOf(a) - turnOf(b));
  }
}
