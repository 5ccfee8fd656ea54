// The links of a driver, by the number that its core has for whoever is at the other end.
import type { Link, PublicKey } from '@fatty/interface';

/** Links by peer. From 0 on they are members, by committee index; below 0 guests, see `Driver.linkUp`. */
export class PeerLinks {
  #links = new Map<number, Link>();

  /** Members with a link, ascending. */
  get members(): readonly number[] {
    return [...this.#links.keys()].filter((peer) => peer >= 0).sort((a, b) => a - b);
  }

  get(peer: number): Link | undefined {
    return this.#links.get(peer);
  }

  set(peer: number, link: Link): void {
    this.#links.set(peer, link);
  }

  /** False: another link is in its place. */
  delete(peer: number, link: Link): boolean {
    return this.#links.get(peer) === link && this.#links.delete(peer);
  }

  /** Everybody has another number from now on, or none. */
  renumber(numberOf: (key: PublicKey) => number | undefined): void {
    const links = [...this.#links.values()];
    this.#links = new Map();
    for (const link of links) {
      const peer = numberOf(link.peer);
      if (peer !== undefined) this.#links.set(peer, link);
    }
  }
}
