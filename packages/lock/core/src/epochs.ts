// The client's way along the chain of epochs (R32d). A part that is loaded when it is needed.
import { encodeClientMessage, type GatewayMessage } from '@fatty/api';
import { decode } from '@fatty/codec';
import { type Failure, PROTOCOL } from '@fatty/interface';
import {
  type Committee,
  type Epoch,
  type EpochLink,
  epochLinkShape,
  genesisOrigin,
  LINK_BYTES_MAX,
  openLink,
} from '@fatty/protocol';
import type { Shared } from './shared.ts';

type Links = Extract<GatewayMessage, { kind: 'links' }>;

/** Whoever speaks of a later epoch and proves none is asked so often, and then left alone until its link comes anew. */
const TRIES_MAX = 8;
/** The pause before the next question, in Δ; twice as long each time. */
const PAUSE_DELTAS = 4;

/** What following needs of its core. */
export type EpochsShared = Pick<
  Shared,
  'cellId' | 'scheme' | 'members' | 'links' | 'nowMs' | 'deltaMs' | 'send' | 'suspect'
>;

/** What the core is told. */
export interface EpochsTell {
  /** These links prove the next epoch: all from the one that the client began with. */
  moved(committee: Committee, links: readonly EpochLink[]): void;
  /** q members have said which links they know, and there is none beyond this epoch (R32d.4). */
  confirmed(): void;
}

interface Claim {
  readonly epoch: number;
  askAtMs: number;
  tries: number;
}

/** Follows the chain: asks whoever knows more, checks every link itself, believes nobody. */
export class Epochs {
  readonly #shared: EpochsShared;
  readonly #tell: EpochsTell;
  #at: Epoch;
  readonly #links: EpochLink[] = [];
  /** By replica, member or not: the later epoch that it says it is in. */
  readonly #claims = new Map<number, Claim>();
  /** Links were taken, and the core has not heard of it yet; more may come until then. */
  #untoldUntilMs: number | undefined;
  /** While the client has to find out whether its epoch is the newest: members that have said so. */
  #confirming: Set<number> | undefined;
  #confirmAtMs = 0;

  constructor(shared: EpochsShared, tell: EpochsTell) {
    const { committee } = shared.members;
    this.#shared = shared;
    this.#tell = tell;
    this.#at = { committee, origin: genesisOrigin(shared.cellId, committee) };
  }

  get #epoch(): number {
    return this.#at.committee.epoch;
  }

  get nextAtMs(): number {
    let next = this.#confirming === undefined ? Number.POSITIVE_INFINITY : this.#confirmAtMs;
    next = Math.min(next, this.#untoldUntilMs ?? next);
    for (const { askAtMs, tries } of this.#claims.values()) {
      if (tries < TRIES_MAX) next = Math.min(next, askAtMs);
    }
    return next;
  }

  /** Somebody has spoken of a later epoch before this part was there. */
  begin(): void {
    this.#askAll();
  }

  /** The client has slept too long to count what the members of its epoch say. */
  confirm(): void {
    this.#confirming = new Set();
    this.#askAll();
  }

  /** Who is no member has nothing else to say. */
  linkUp(replica: number): void {
    this.#claims.delete(replica);
    const isGuide = !this.#shared.members.isMember(replica);
    if (isGuide || this.#confirming !== undefined) this.#ask(replica);
  }

  linkDown(replica: number): void {
    this.#claims.delete(replica);
  }

  hear(replica: number, { epoch, links }: Links): void {
    const before = this.#epoch;
    for (const bytes of links) {
      const flaw = this.#take(bytes);
      if (flaw === undefined) continue;
      this.#shared.suspect(replica, flaw.code, flaw.expected, flaw.actual);
      break;
    }
    const hasMoved = this.#epoch > before;
    if (hasMoved) this.#untoldUntilMs ??= this.#shared.nowMs + PAUSE_DELTAS * this.#shared.deltaMs;
    if (epoch > this.#epoch) this.#note(replica, epoch, hasMoved);
    else {
      this.#claims.delete(replica);
      this.#moved();
      this.#confirmed(replica);
    }
  }

  /** The next epoch, if this link proves it. Several tell of the same one; what is further is asked for in order. */
  #take(bytes: Uint8Array): Failure | undefined {
    const { cellId, scheme } = this.#shared;
    const link = decode(epochLinkShape, bytes, LINK_BYTES_MAX);
    if (!link.ok) return link.failure;
    if (link.value.frame.epoch !== this.#epoch) return undefined;
    const { committee, origin } = this.#at;
    const next = openLink({ committee, cellId, scheme }, origin, link.value);
    if (!next.ok) return next.failure;
    this.#at = next.value;
    this.#links.push(link.value);
    return undefined;
  }

  /** Told once for all links that come one after the other: epochs that are over are only on the way. */
  #moved(): void {
    if (this.#untoldUntilMs === undefined) return;
    this.#untoldUntilMs = undefined;
    for (const [replica, { epoch }] of this.#claims) {
      if (epoch <= this.#epoch) this.#claims.delete(replica);
    }
    this.#tell.moved(this.#at.committee, [...this.#links]);
    // Others have to say now that there is nothing beyond.
    if (this.#confirming !== undefined) this.confirm();
  }

  /** It says that it is further. While its answers bring something it is asked on at once. */
  #note(replica: number, epoch: number, hasMoved: boolean): void {
    const known = this.#claims.get(replica);
    const isNew = known === undefined || hasMoved;
    this.#claims.set(replica, isNew ? { epoch, askAtMs: 0, tries: 0 } : { ...known, epoch });
    this.tick();
  }

  #confirmed(replica: number): void {
    const { members } = this.#shared;
    if (this.#confirming === undefined || !members.isMember(replica)) return;
    this.#confirming.add(replica);
    const isHeard = (one: number): boolean => this.#confirming?.has(one) ?? false;
    // Whoever is linked has its say: one of them may know more than a quorum of those that were members once.
    if (this.#shared.links.live().every(isHeard)) this.#settle();
  }

  /** What q members have said, and nobody has contradicted. */
  #settle(): void {
    if (this.#confirming === undefined) return;
    if (this.#confirming.size < this.#shared.members.quorum) return;
    this.#confirming = undefined;
    this.#tell.confirmed();
  }

  tick(): void {
    const { nowMs, deltaMs } = this.#shared;
    if (this.#untoldUntilMs !== undefined && nowMs >= this.#untoldUntilMs) this.#moved();
    if (this.#confirming !== undefined && nowMs >= this.#confirmAtMs) {
      this.#settle();
      if (this.#confirming !== undefined) this.#askAll();
    }
    for (const [replica, claim] of this.#claims) {
      if (claim.tries >= TRIES_MAX || nowMs < claim.askAtMs) continue;
      claim.askAtMs = nowMs + PAUSE_DELTAS * deltaMs * 2 ** claim.tries;
      claim.tries += 1;
      this.#ask(replica);
    }
  }

  #askAll(): void {
    const { links, nowMs, deltaMs } = this.#shared;
    this.#confirmAtMs = nowMs + PAUSE_DELTAS * deltaMs;
    for (const replica of links.all()) this.#ask(replica);
  }

  #ask(replica: number): void {
    const bytes = encodeClientMessage({ kind: 'getLinks', from: this.#epoch });
    this.#shared.send(replica, bytes, PROTOCOL);
  }
}
