import type { Committee } from '@fatty/api';
import {
  bodyDigest,
  bodyShape,
  headerMessage,
  headerShape,
  type SignedBlock,
  signedBlockShape,
} from '@fatty/broadcast';
import { decode, encode, type Signer, toHex } from '@fatty/codec';
import type { CellId } from '@fatty/interface';
import {
  decodeMessage,
  encodeMessage,
  type ReplicaEffect,
  type ReplicaEvent,
} from '@fatty/replica';
import type { Peer } from '../host.ts';

/** What the two-faced liar knows besides the replica it wraps. */
export interface TwoFaced {
  readonly committee: Committee;
  readonly cellId: CellId;
  readonly signer: Signer;
  /** Called once per slot that was filled twice. */
  readonly lied: (round: number) => void;
}

const BYTES_MAX = 4 * 1024 * 1024;
const TWINS_MAX = 1_024;

/**
 * A replica that says two things at once: half of the others get every own block, the other half a
 * twin of the same slot, signed with the same key one millisecond later. It wraps an honest replica
 * and rewrites what that one sends, so everything else about it is in order.
 */
export class TwoFacedReplica implements Peer {
  readonly #inner: Peer;
  readonly #face: TwoFaced;
  readonly #me: number;
  readonly #fooled: ReadonlySet<number>;
  readonly #twins = new Map<string, Uint8Array>();
  /** Signatures of twins: what it must not hear again. */
  readonly #signed = new Set<string>();

  constructor(inner: Peer, face: TwoFaced) {
    this.#inner = inner;
    this.#face = face;
    const own = toHex(face.signer.publicKey);
    const keys = face.committee.members.map(toHex);
    this.#me = keys.indexOf(own);
    const others = keys.map((_, i) => i).filter((i) => i !== this.#me);
    this.#fooled = new Set(others.slice(others.length >> 1));
  }

  step(event: ReplicaEvent): readonly ReplicaEffect[] {
    return this.#inner.step(this.#deaf(event)).map((effect) => this.#bent(effect));
  }

  /** An honest replica that hears its own key stops signing, so it must not hear of the twins. */
  #deaf(event: ReplicaEvent): ReplicaEvent {
    if (event.kind !== 'message') return event;
    const message = decodeMessage(event.bytes, BYTES_MAX);
    if (!message.ok) return event;
    const { value } = message;
    if (value.kind === 'push' && this.#isTwin(value.block)) {
      return { ...event, bytes: encodeMessage({ kind: 'blocks', blocks: [] }) };
    }
    if (value.kind !== 'blocks' && value.kind !== 'rounds') return event;
    const blocks = value.blocks.filter((block) => !this.#isTwin(block));
    if (blocks.length === value.blocks.length) return event;
    return { ...event, bytes: encodeMessage({ ...value, blocks }) };
  }

  #isTwin(block: Uint8Array): boolean {
    const signed = decode(signedBlockShape, block, BYTES_MAX);
    return signed.ok && this.#signed.has(toHex(signed.value.sig));
  }

  #bent(effect: ReplicaEffect): ReplicaEffect {
    if (effect.kind !== 'send' || !this.#fooled.has(effect.peer)) return effect;
    const message = decodeMessage(effect.bytes, BYTES_MAX);
    if (!message.ok || message.value.kind !== 'push') return effect;
    const twin = this.#twinOf(message.value.block);
    return twin ? { ...effect, bytes: encodeMessage({ kind: 'push', block: twin }) } : effect;
  }

  /** The other block of the same slot; undefined for blocks of other authors. */
  #twinOf(block: Uint8Array): Uint8Array | undefined {
    const signed = decode(signedBlockShape, block, BYTES_MAX);
    const header = signed.ok ? decode(headerShape, signed.value.header, BYTES_MAX) : signed;
    if (!signed.ok || !header.ok || header.value.author !== this.#me) return undefined;
    const name = toHex(signed.value.sig);
    const known = this.#twins.get(name);
    if (known) return known;
    const twin = this.#sign(signed.value, header.value.ts + 1);
    if (this.#twins.size >= TWINS_MAX) this.#twins.clear();
    this.#twins.set(name, twin);
    this.#face.lied(header.value.round);
    return twin;
  }

  #sign(original: SignedBlock, ts: number): Uint8Array {
    const { cellId, signer } = this.#face;
    const header = decode(headerShape, original.header, BYTES_MAX);
    const body = decode(bodyShape, original.body, BYTES_MAX);
    if (!header.ok || !body.ok) return encode(signedBlockShape, original);
    const bodyBytes = encode(bodyShape, { ...body.value, batches: [] });
    const bytes = encode(headerShape, { ...header.value, ts, bodyHash: bodyDigest(bodyBytes) });
    const sig = signer.sign(headerMessage(cellId, bytes));
    this.#signed.add(toHex(sig));
    return encode(signedBlockShape, { header: bytes, sig, body: bodyBytes });
  }
}
