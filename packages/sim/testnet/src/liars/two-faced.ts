// A liar that wraps an honest replica and shows each half of the others another block.
import {
  bodyDigest,
  bodyShape,
  type Header,
  headerMessage,
  headerShape,
  type SignedBlock,
  signedBlockShape,
} from '@fatty/broadcast';
import { decode, encode, type Signer, toHex } from '@fatty/codec';
import type { CellId } from '@fatty/interface';
import type { Committee } from '@fatty/protocol';
import {
  decodeMessage,
  encodeMessage,
  type ReplicaEffect,
  type ReplicaEvent,
} from '@fatty/replica';
import type { Peer } from '../world/host.ts';

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
/** Twins that wait for one peer. */
const HELD_MAX = 64;

/**
 * A replica that says two things at once: half of the others get every own block; the other half get
 * a twin of the same slot, signed with the same key one millisecond later, as soon as they have gone
 * on to the next round. So late, nobody builds on the twin, and the liar can keep up with the cell. It
 * wraps an honest replica and rewrites what that one sends; everything else about it is in order.
 */
export class TwoFacedReplica implements Peer {
  readonly #inner: Peer;
  readonly #face: TwoFaced;
  readonly #me: number;
  readonly #fooled: ReadonlySet<number>;
  readonly #held = new Map<number, readonly { round: number; twin: Uint8Array }[]>();
  readonly #twins = new Map<string, Uint8Array>();
  /** Signatures of twins, which the wrapped replica must not hear. */
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
    const effects = this.#inner.step(this.#deaf(event)).flatMap((effect) => this.#bent(effect));
    return [...this.#released(event), ...effects];
  }

  /** The twins of rounds that a fooled peer has just left behind. */
  #released(event: ReplicaEvent): readonly ReplicaEffect[] {
    if (event.kind !== 'message' || !this.#fooled.has(event.peer)) return [];
    const message = decodeMessage(event.bytes, BYTES_MAX);
    const block = message.ok && message.value.kind === 'push' ? message.value.block : undefined;
    const header = block && headerIn(block);
    if (header === undefined || header.author !== event.peer) return [];
    const held = this.#held.get(event.peer) ?? [];
    this.#held.set(
      event.peer,
      held.filter(({ round }) => round >= header.round),
    );
    return held
      .filter(({ round }) => round < header.round)
      .map(({ twin }) => {
        const bytes = encodeMessage({ kind: 'push', block: twin });
        return { kind: 'send', peer: event.peer, bytes, priority: 1 };
      });
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

  /** Own blocks are kept from the fooled half; their twins wait. */
  #bent(effect: ReplicaEffect): readonly ReplicaEffect[] {
    if (effect.kind !== 'send' || !this.#fooled.has(effect.peer)) return [effect];
    const message = decodeMessage(effect.bytes, BYTES_MAX);
    if (!message.ok || message.value.kind !== 'push') return [effect];
    const { block } = message.value;
    const header = headerIn(block);
    if (header?.author !== this.#me) return [effect];
    const held = this.#held.get(effect.peer) ?? [];
    const twin = this.#twinOf(block, header.round);
    if (twin)
      this.#held.set(effect.peer, [...held, { round: header.round, twin }].slice(-HELD_MAX));
    return [];
  }

  #twinOf(block: Uint8Array, round: number): Uint8Array | undefined {
    const signed = decode(signedBlockShape, block, BYTES_MAX);
    const header = headerIn(block);
    if (!signed.ok || header === undefined) return undefined;
    const name = toHex(signed.value.sig);
    const known = this.#twins.get(name);
    if (known) return known;
    const twin = this.#sign(signed.value, header.ts + 1);
    if (this.#twins.size >= TWINS_MAX) this.#twins.clear();
    this.#twins.set(name, twin);
    this.#face.lied(round);
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

/** The header of a signed block's bytes, whoever signed it. */
export function headerIn(block: Uint8Array): Header | undefined {
  const signed = decode(signedBlockShape, block, BYTES_MAX);
  const header = signed.ok ? decode(headerShape, signed.value.header, BYTES_MAX) : signed;
  return header.ok ? header.value : undefined;
}
