// Who the members of the cell are now, and the numbers under which a client knows them.
import { toHex } from '@fatty/codec';
import type { PublicKey } from '@fatty/interface';
import { type CellParams, type Committee, faultsMax, quorum } from '@fatty/protocol';

/**
 * Every key has a number of its own for as long as the client lives, whatever epoch it is in: members of
 * the committee that the client begins with have their index there, later ones the next numbers. So what a link
 * says is never taken for the word of somebody else, and a number that is no member now counts nothing.
 */
export class Members {
  #committee: Committee;
  readonly #keys: PublicKey[] = [];
  readonly #numbers = new Map<string, number>();
  #replicas: readonly number[] = [];

  constructor(committee: Committee) {
    this.#committee = committee;
    this.move(committee);
  }

  /** Another epoch: these are the members from now on. */
  move(committee: Committee): void {
    this.#committee = committee;
    this.#replicas = committee.members.map((key) => this.numberOf(key)).sort((a, b) => a - b);
  }

  get committee(): Committee {
    return this.#committee;
  }

  get params(): CellParams {
    return this.#committee.params;
  }

  get faults(): number {
    return faultsMax(this.#committee);
  }

  get quorum(): number {
    return quorum(this.#committee);
  }

  /** So many have to be linked before anything can be believed. */
  get linksMin(): number {
    return this.faults + 1;
  }

  /** Numbers of the members, ascending. */
  get replicas(): readonly number[] {
    return this.#replicas;
  }

  isMember(replica: number): boolean {
    return this.#replicas.includes(replica);
  }

  /** Whoever it is, member or not. */
  keyOf(replica: number): PublicKey | undefined {
    return this.#keys[replica];
  }

  /** The number of the member with this key; −1: there is none. */
  replicaOf(key: PublicKey): number {
    const known = this.#numbers.get(toHex(key)) ?? -1;
    return this.isMember(known) ? known : -1;
  }

  /** The same for the same key, for ever. */
  numberOf(key: PublicKey): number {
    const name = toHex(key);
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const next = this.#keys.push(key) - 1;
    this.#numbers.set(name, next);
    return next;
  }
}
