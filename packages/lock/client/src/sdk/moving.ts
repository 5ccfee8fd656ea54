// What becomes of a client's links when the members of its cell are others. Loaded with the first change.
import { equalBytes } from '@fatty/codec';
import { faultsMax } from '@fatty/protocol';
import type { CellLinks } from './cell-links.ts';

export { Epochs } from '@fatty/core/epochs';

/** A member whose address nobody has told yet is asked for so often, ms. */
const ADDRESS_MS = 5_000;

type MovedLinks = Pick<
  CellLinks,
  | 'addresses'
  | 'dial'
  | 'dialled'
  | 'hangUp'
  | 'hasEnded'
  | 'isLinked'
  | 'members'
  | 'owner'
  | 'refresh'
>;

/** Dials who has become a member, and hangs up on who is none. */
export class Moving {
  readonly #links: MovedLinks;
  #isAskingLater = false;

  constructor(links: MovedLinks) {
    this.#links = links;
  }

  /** Another epoch. */
  moved(): void {
    this.#dialMembers();
    this.leaveOthers();
  }

  /** Whoever is no member may be the only one who knows the way, until enough members are linked. */
  leaveOthers(): void {
    const { members, dialled } = this.#links;
    const replicas = members.map((key) => this.#links.owner.numberOf(key));
    const linked = replicas.filter((replica) => this.#links.isLinked(replica));
    if (linked.length <= faultsMax({ members })) return;
    for (const replica of dialled) if (!replicas.includes(replica)) this.#links.hangUp(replica);
  }

  #dialMembers(): void {
    const { members, addresses, dialled } = this.#links;
    for (const key of members) {
      const replica = this.#links.owner.numberOf(key);
      if (dialled.includes(replica)) continue;
      const at = addresses.find((one) => equalBytes(one.key, key));
      if (at !== undefined && at.client !== '') this.#links.dial(replica, key, at.client);
      else this.#askLater();
    }
  }

  /** Somebody has become a member, and nobody has said where it is: replicas may know soon. */
  #askLater(): void {
    this.#links.refresh();
    if (this.#isAskingLater) return;
    this.#isAskingLater = true;
    this.#links.owner.after(ADDRESS_MS, () => {
      this.#isAskingLater = false;
      if (!this.#links.hasEnded) this.#dialMembers();
    });
  }
}
