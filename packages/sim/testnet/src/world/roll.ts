// Who is a member in which epoch of a world.
import { equalBytes, type Signer } from '@fatty/codec';
import type { PublicKey } from '@fatty/interface';
import {
  type Committee,
  cellIdOf,
  type Epoch,
  faultsMax,
  genesisOf,
  quorum,
} from '@fatty/protocol';

/** An epoch of a world as checkers see it. */
export interface RolledEpoch extends Epoch {
  readonly quorum: number;
  readonly faultsMax: number;
  /** By committee index: the host that has the key. */
  readonly hosts: readonly number[];
}

/** Rounds of one epoch are fewer. */
const ROUNDS = 2 ** 32;

/** One number for a round of an epoch: later ones are greater. In the first epoch it is the round itself. */
export function order(epoch: number, round: number): number {
  return epoch * ROUNDS + round;
}

/**
 * The epochs of one world, as its replicas came to them, and which host has which place in each. A host is a
 * key: it keeps its number in all epochs, whether it is a member or not.
 */
export class Roll {
  readonly #keys: readonly PublicKey[];
  readonly #epochs: RolledEpoch[];

  /** `signers`: by host, the members of the genesis first. */
  constructor(genesis: Committee, signers: readonly Signer[]) {
    this.#keys = signers.map(({ publicKey }) => publicKey);
    this.#epochs = [this.#rolled(genesisOf(genesis))];
  }

  get newest(): RolledEpoch {
    return this.#epochs.at(-1) as RolledEpoch;
  }

  /** Undefined: no replica has come to it. */
  of(epoch: number): RolledEpoch | undefined {
    return this.#epochs[epoch];
  }

  /** Host of a member; undefined where there is none. */
  hostOf(epoch: number, place: number): number | undefined {
    return this.#epochs[epoch]?.hosts[place];
  }

  /** Committee index of a host; below 0 where it is no member. */
  placeOf(epoch: number, host: number): number {
    return this.#epochs[epoch]?.hosts.indexOf(host) ?? -1;
  }

  /** Who has this key; below 0 where nobody has. */
  hostWith(key: PublicKey): number {
    return this.#keys.findIndex((one) => equalBytes(one, key));
  }

  /** A replica goes on in this epoch. Answers whether it is news; undefined: another one was there before. */
  learn(epoch: Epoch): boolean | undefined {
    const at = epoch.committee.epoch;
    const known = this.#epochs[at];
    if (known === undefined) {
      this.#epochs[at] = this.#rolled(epoch);
      return true;
    }
    const isSame =
      equalBytes(cellIdOf(known.committee), cellIdOf(epoch.committee)) &&
      equalBytes(known.origin.root, epoch.origin.root) &&
      known.origin.index === epoch.origin.index;
    return isSame ? false : undefined;
  }

  #rolled({ committee, origin }: Epoch): RolledEpoch {
    const hosts = committee.members.map((key) => this.hostWith(key));
    const counts = { quorum: quorum(committee), faultsMax: faultsMax(committee) };
    return { committee, origin, hosts, ...counts };
  }
}
