// Connections that have proved nothing yet.
import { toHex } from '@fatty/codec';
import type { PublicKey } from '@fatty/interface';

/** Places for connections that have proved nothing. */
export interface DoorwayLimits {
  /** Connections that have not said yet who they want to be. */
  readonly strangersMax: number;
  /** Connections that have named a key that is admitted, and not proved it. */
  readonly claimsMax: number;
  /** Of these, with one key. */
  readonly claimsPerKeyMax: number;
}

interface Place {
  /** Connections of one group give way to each other first. */
  group: string;
  readonly giveWay: () => void;
}

/** Some places; when there are none left, the group with most of them loses its oldest. */
class Places {
  readonly #max: number;
  readonly #groupMax: number;
  readonly #groups = new Map<string, Map<object, Place>>();
  #taken = 0;

  constructor(max: number, groupMax: number) {
    this.#max = max;
    this.#groupMax = groupMax;
  }

  enter(who: object, place: Place): void {
    const group = this.#groups.get(place.group) ?? new Map<object, Place>();
    if (group.size >= this.#groupMax) this.#evict(group);
    if (this.#taken >= this.#max) this.#evict(this.#largest());
    // An eviction may have dropped the group when it became empty.
    this.#groups.set(place.group, group.set(who, place));
    this.#taken++;
  }

  leave(who: object, name: string): void {
    const group = this.#groups.get(name);
    if (group?.delete(who) !== true) return;
    this.#taken--;
    if (group.size === 0) this.#groups.delete(name);
  }

  #largest(): Map<object, Place> {
    let largest = new Map<object, Place>();
    for (const group of this.#groups.values()) if (group.size > largest.size) largest = group;
    return largest;
  }

  #evict(group: Map<object, Place>): void {
    const [oldest] = group;
    if (oldest === undefined) return;
    const [who, place] = oldest;
    this.leave(who, place.group);
    place.giveWay();
  }
}

/**
 * Connections in the door of a port. Nobody is sent away because the door is full: the newest gets
 * in, and the one that has stood there longest without a proof gives way. It is taken from the
 * address, or the claimed key, that has most places. So a connection that talks at once gets
 * through any number of silent ones.
 */
export class Doorway {
  readonly #strangers: Places;
  readonly #claims: Places;
  readonly #where = new Map<object, { readonly places: Places; readonly place: Place }>();

  constructor({ strangersMax, claimsMax, claimsPerKeyMax }: DoorwayLimits) {
    this.#strangers = new Places(strangersMax, Number.POSITIVE_INFINITY);
    this.#claims = new Places(claimsMax, claimsPerKeyMax);
  }

  /** Somebody at the door; `giveWay` ends it. `who` is any object of its own. */
  enter(who: object, remoteAddress: string, giveWay: () => void): void {
    this.#put(this.#strangers, who, { group: networkOf(remoteAddress), giveWay });
  }

  /** It named an admitted key: from now on it stands among those that did. */
  claim(who: object, key: PublicKey): void {
    const known = this.#where.get(who);
    if (known === undefined) return;
    this.leave(who);
    this.#put(this.#claims, who, { group: toHex(key), giveWay: known.place.giveWay });
  }

  /** It is through, or gone. */
  leave(who: object): void {
    const known = this.#where.get(who);
    if (known === undefined) return;
    this.#where.delete(who);
    known.places.leave(who, known.place.group);
  }

  #put(places: Places, who: object, { group, giveWay }: Place): void {
    const place: Place = {
      group,
      giveWay: () => {
        this.#where.delete(who);
        giveWay();
      },
    };
    this.#where.set(who, { places, place });
    places.enter(who, place);
  }
}

/** The group of an address. Who has one IPv6 address has all 2^64 of its network. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('%')[0]?.split('::') ?? [];
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - front.length - back.length);
  const groups = [...front, ...Array<string>(zeros).fill('0'), ...back];
  return `${groups.slice(0, 4).join(':')}::/64`;
}
