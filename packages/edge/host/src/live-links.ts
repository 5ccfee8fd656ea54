// Links that are up, by whoever is at the other end.
import type { Link } from '@fatty/interface';

/** What is left when a link has ended: the one that counted before, another one, or none. */
export type Left = 'same' | 'other' | 'none';

/**
 * The newest link to each peer counts. Two ends that dial each other at once have two links for a moment, may see
 * them come up in different orders, and each may close one: so the older one is kept, and counts when the newer ends.
 */
export class LiveLinks<Name> {
  readonly #links = new Map<Name, readonly Link[]>();

  /** Everybody with a link. */
  get names(): readonly Name[] {
    return [...this.#links.keys()];
  }

  /** Of each peer the one that counts. */
  get newest(): readonly Link[] {
    return [...this.#links.values()].flatMap((links) => links.slice(-1));
  }

  /** All that are up, those of a peer in the order in which they came. */
  get all(): readonly Link[] {
    return [...this.#links.values()].flat();
  }

  get(name: Name): Link | undefined {
    return this.#links.get(name)?.at(-1);
  }

  add(name: Name, link: Link): void {
    this.#links.set(name, [...(this.#links.get(name) ?? []), link]);
  }

  remove(name: Name, link: Link): Left {
    const links = this.#links.get(name) ?? [];
    const rest = links.filter((one) => one !== link);
    if (rest.length === 0) return this.#links.delete(name) ? 'none' : 'same';
    this.#links.set(name, rest);
    return links.at(-1) === link ? 'other' : 'same';
  }
}
