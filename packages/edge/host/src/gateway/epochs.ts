// What clients are told of epochs: in which one this replica is, and the links that prove it (R32d).
import { encode } from '@fatty/codec';
import type { Failure, Link } from '@fatty/interface';
import { BULK, CLOSE, PROTOCOL } from '@fatty/interface';
import {
  CLIENT_LINKS_MAX,
  type EpochLink,
  epochLinkShape,
  type GatewayMessageOf,
  LINK_BYTES_MAX,
} from '@fatty/protocol';
import type { GatewayReplica } from './contract.ts';
import { REOPENING, unsent } from './refusals.ts';
import type { Telling } from './telling.ts';
import type { Visitor, Visitors } from './visitors.ts';

type Links = Extract<GatewayMessageOf<never>, { kind: 'links' }>;

/** What telling takes. */
export interface EpochParts {
  readonly replica: Pick<GatewayReplica, 'chain'>;
  readonly visitors: Visitors;
  readonly telling: Pick<Telling<never>, 'bytesOf' | 'send' | 'sendError' | 'serve'>;
}

/**
 * Tells clients in which epoch its replica is, before anything that it says in that epoch, and serves the links
 * from the genesis on. A client of a cell in its first epoch hears nothing of it.
 */
export class Epochs {
  readonly #parts: EpochParts;
  /** By link: it never changes, and is told often. */
  readonly #bytes = new WeakMap<EpochLink, Uint8Array>();
  /** What clients that are linked know of. */
  #told = 0;

  constructor(parts: EpochParts) {
    this.#parts = parts;
  }

  linkUp(visitor: Visitor): void {
    const { epoch } = this.#parts.replica.chain();
    if (epoch > 0) this.#parts.telling.send(visitor, { kind: 'links', epoch, links: [] }, PROTOCOL);
  }

  /** The replica has begun anew, and may be in a later epoch. Who cannot be told has to come again. */
  begun(): void {
    const { epoch, links } = this.#parts.replica.chain();
    if (epoch <= this.#told) return;
    this.#told = epoch;
    const last = links.filter(({ frame }) => frame.epoch === epoch - 1);
    const bytes = this.#parts.telling.bytesOf(this.#page(epoch, last));
    for (const { link } of this.#parts.visitors.all) this.#push(link, bytes);
  }

  #push(link: Link, bytes: Uint8Array): void {
    this.#parts.telling.serve(link, 'links', () => {
      if (!link.send(bytes, PROTOCOL)) link.close(CLOSE.restart, REOPENING.code);
    });
  }

  take(visitor: Visitor, from: number, slowDown: Failure | undefined): void {
    const { replica, telling, visitors } = this.#parts;
    if (slowDown) return telling.sendError(visitor, 0, slowDown);
    const { epoch, links } = replica.chain();
    const asked = links.filter(({ frame }) => frame.epoch >= from);
    const bytes = telling.bytesOf(this.#page(epoch, asked));
    // The question is short and the answer may be long.
    visitors.charge(visitor, 0, bytes.length);
    if (visitor.link.send(bytes, BULK)) return;
    telling.sendError(visitor, 0, unsent(visitor.link, bytes.length));
  }

  /** As many as one message holds, and one at least. */
  #page(epoch: number, links: readonly EpochLink[]): Links {
    const page: Uint8Array[] = [];
    let size = 0;
    for (const link of links.slice(0, CLIENT_LINKS_MAX)) {
      const bytes = this.#bytesOf(link);
      size += bytes.length;
      if (page.length > 0 && size > LINK_BYTES_MAX) break;
      page.push(bytes);
    }
    return { kind: 'links', epoch, links: page };
  }

  #bytesOf(link: EpochLink): Uint8Array {
    const known = this.#bytes.get(link);
    if (known) return known;
    const bytes = encode(epochLinkShape, link);
    this.#bytes.set(link, bytes);
    return bytes;
  }
}
