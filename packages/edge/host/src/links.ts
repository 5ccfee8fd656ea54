// The links of a driver, by the number that its core has for whoever is at the other end.
import type { Link, PublicKey } from '@fatty/interface';
import { type Left, LiveLinks } from './live-links.ts';

/** Links by peer. From 0 on they are members, by committee index; below 0 guests, see `Driver.linkUp`. */
export class PeerLinks {
  #links = new LiveLinks<number>();

  /** Members with a link, ascending. */
  get members(): readonly number[] {
    return this.#links.names.filter((peer) => peer >= 0).sort((a, b) => a - b);
  }

  get(peer: number): Link | undefined {
    return this.#links.get(peer);
  }

  add(peer: number, link: Link): void {
    this.#links.add(peer, link);
  }

  remove(peer: number, link: Link): Left {
    return this.#links.remove(peer, link);
  }

  /** Everybody has another number from now on, or none. */
  renumber(numberOf: (key: PublicKey) => number | undefined): void {
    const links = this.#links.all;
    this.#links = new LiveLinks();
    for (const link of links) {
      const peer = numberOf(link.peer);
      if (peer !== undefined) this.#links.add(peer, link);
    }
  }
}
