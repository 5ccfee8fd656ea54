// Links to the other members, and what they say of where they are.
import { array, decode, encode, equalBytes, record, type Shape, toHex, union } from '@fatty/codec';
import { LiveLinks, TokenBucket } from '@fatty/host';
import { BULK, type Clock, type Link, type LinkHandler, type PublicKey } from '@fatty/interface';
import { CLOSE, type LinkIdentity } from '@fatty/network';
import { type Cell, type SignedAddresses, signedAddressesShape } from '@fatty/protocol';
import { AddressBook } from './address-book.ts';
import type { NodeConfig } from './config.ts';
import { PeerDialers, type PeerNews } from './links.ts';

/** What members tell each other besides the protocol of the replicas, which has lower tags. */
interface Gossip {
  readonly kind: 'addresses';
  readonly addresses: readonly SignedAddresses[];
}

const ADDRESSES_MAX = 32;
const GOSSIP_BYTES_MAX = 64 * 1024;
const gossipShape: Shape<Gossip> = union<Gossip>({
  addresses: [64, record({ addresses: array(signedAddressesShape, ADDRESSES_MAX) })],
});
const encodeGossip = (addresses: readonly SignedAddresses[]): Uint8Array =>
  encode(gossipShape, { kind: 'addresses', addresses });
/** An array of two whose first item is 64. */
const HEAD = encodeGossip([]).subarray(0, 3);

/** Lists of addresses per second that are taken from one member. */
const GOSSIP_PER_SEC_MAX = 8;
/** Ticks between two tellings of all that we know: who was in another epoch took no word of this one's members. */
const TELLING_TICKS = 5;
/** Ticks without any link until that is said. */
const LONELY_TICKS = 5;

/** What links to the members are made of. */
export interface MembersParts {
  /** With the genesis committee. */
  readonly cell: Cell;
  /** Of now. */
  readonly members: readonly PublicKey[];
  /** File of the address book. */
  readonly path: string;
  readonly identity: LinkIdentity;
  readonly config: NodeConfig;
  readonly clock: Clock;
  /** Of links that we dial; see {@link Members.linked}. */
  readonly handler: LinkHandler;
  readonly onNews: PeerNews;
  /** Somebody is elsewhere. */
  readonly onMoved: (cell: Cell) => void;
  /** Whether there has been nobody to talk to for a while; told once per change. */
  readonly onLonely: (lonely: boolean) => void;
}

/** Who is where, and links to all of them. */
export class Members {
  readonly #parts: MembersParts;
  readonly #book: AddressBook;
  readonly #dialers: PeerDialers;
  readonly #links = new LiveLinks<string>();
  readonly #budgets = new Map<string, TokenBucket>();
  #members: readonly PublicKey[];
  #ticksAlone = 0;
  #ticks = 0;
  #lonely = false;

  constructor(parts: MembersParts) {
    const { cell, members, path, identity, handler, config, onNews, clock } = parts;
    this.#parts = parts;
    const { scheme, signer } = identity;
    this.#members = members;
    this.#book = new AddressBook({ cell, members, path, scheme, signer, clock });
    this.#dialers = new PeerDialers(identity, handler, config, onNews, () => this.#isGuest);
  }

  /** With the newest addresses of everybody who is a member now. */
  get cell(): Cell {
    return this.#book.cell;
  }

  /** Members that we dial and have no link to, with the reason. */
  get unlinked(): PeerDialers['unlinked'] {
    return this.#dialers.unlinked.filter(({ peer }) => this.#links.get(toHex(peer)) === undefined);
  }

  /** We listen there now: everybody is told, and dialled. */
  open(at: Parameters<AddressBook['publish']>[0]): SignedAddresses {
    const own = this.#book.publish(at);
    this.#dialers.update(this.#book.contacts);
    return own;
  }

  /** A new epoch: who is no member any more is left, the others hear all that we know. */
  enter(members: readonly PublicKey[]): void {
    this.#members = members;
    this.#book.enter(members);
    for (const link of this.#links.all) {
      if (members.some((key) => equalBytes(key, link.peer))) this.#greet(link);
      else link.close(CLOSE.notAdmitted, 'no_member');
    }
    this.#moved();
  }

  /** cell.json and the authorities were read again. @throws Error when those cannot be read */
  update(cell: Cell, config: NodeConfig): void {
    if (equalBytes(cell.cellId, this.cell.cellId)) this.#book.update(cell);
    this.#dialers.reload(config);
    this.#moved();
  }

  /** A member is linked, by whoever dialled. It hears at once all that we know. */
  linked(link: Link, dialledBy: 'us' | 'them'): void {
    this.#links.add(toHex(link.peer), link);
    if (dialledBy === 'them') this.#dialers.leaveTo(link.peer);
    this.#greet(link);
  }

  isLinked(peer: PublicKey): boolean {
    return this.#links.get(toHex(peer)) !== undefined;
  }

  unlink(link: Link): void {
    this.#links.remove(toHex(link.peer), link);
  }

  /** Whether these bytes were for us and not for the replica. */
  message(link: Link, bytes: Uint8Array): boolean {
    if (!HEAD.every((byte, i) => bytes[i] === byte)) return false;
    if (this.#budgetOf(link.peer).take(1, this.#parts.clock.monotonicMs()) > 0) return true;
    const gossip = decode(gossipShape, bytes, GOSSIP_BYTES_MAX);
    if (gossip.ok) this.#hear(gossip.value.addresses, link);
    return true;
  }

  /** Once a second. */
  tick(): void {
    const linked = this.#links.newest.map(({ peer }) => peer);
    this.#ticks += 1;
    if (this.#ticks % TELLING_TICKS === 0) for (const link of this.#links.newest) this.#greet(link);
    this.#dialers.tick(linked);
    this.#ticksAlone = linked.length === 0 ? this.#ticksAlone + 1 : 0;
    const lonely = this.#ticksAlone >= LONELY_TICKS;
    if (lonely !== this.#lonely) this.#parts.onLonely(lonely);
    this.#lonely = lonely;
  }

  close(): void {
    this.#dialers.close();
  }

  /** Our key is no member's. */
  get #isGuest(): boolean {
    return !this.#members.some((key) => equalBytes(key, this.#parts.identity.signer.publicKey));
  }

  #greet(link: Link): void {
    for (let at = 0; at < this.cell.addresses.length; at += ADDRESSES_MAX) {
      link.send(encodeGossip(this.cell.addresses.slice(at, at + ADDRESSES_MAX)), BULK);
    }
  }

  #hear(records: readonly SignedAddresses[], from: Link): void {
    const again = this.#book.outbid(records);
    const news = this.#book.learn(records);
    if (again !== undefined) this.#tell([again], undefined);
    if (news.length > 0) this.#tell(news, from);
    if (again !== undefined || news.length > 0) this.#moved();
  }

  #tell(records: readonly SignedAddresses[], but: Link | undefined): void {
    const bytes = encodeGossip(records);
    for (const link of this.#links.newest) if (link !== but) link.send(bytes, BULK);
  }

  #moved(): void {
    this.#dialers.update(this.#book.contacts);
    this.#parts.onMoved(this.cell);
  }

  #budgetOf(peer: PublicKey): TokenBucket {
    const name = toHex(peer);
    const known = this.#budgets.get(name);
    if (known !== undefined) return known;
    const made = new TokenBucket(GOSSIP_PER_SEC_MAX, this.#parts.clock.monotonicMs());
    this.#budgets.set(name, made);
    return made;
  }
}
