// Fetches bytes whose chunks a certified frame names, from several peers.
import { equalBytes } from '@fatty/codec';
import type { Digest } from '@fatty/interface';
import { chunkDigestOf } from '@fatty/protocol';
import type { Sent } from '../boundary/fetching.ts';

/** What a certificate says of the bytes: nothing here is a peer's word. */
export interface Named {
  readonly bytes: number;
  /** Of every chunk but the last, which has what is left. */
  readonly chunkBytes: number;
  readonly chunks: readonly Digest[];
}

/** Something that happens to a fetch. */
export type ChunkEvent =
  | { readonly kind: 'tick' }
  /** The peer has the bytes, by what it says. */
  | { readonly kind: 'source'; readonly peer: number }
  /** The peer's link has ended, or it has these bytes no more. */
  | { readonly kind: 'gone'; readonly peer: number }
  | {
      readonly kind: 'chunk';
      readonly peer: number;
      readonly chunk: number;
      readonly bytes: Uint8Array;
    };

/** What a fetch asks for. */
export type ChunkEffect =
  | { readonly kind: 'ask'; readonly peer: number; readonly chunk: number }
  | { readonly kind: 'wake'; readonly atMs: number }
  /** The peer has sent what the certificate does not name. */
  | { readonly kind: 'lied'; readonly peer: number }
  /** All is here, and checked. */
  | { readonly kind: 'done'; readonly bytes: Uint8Array };

/** Questions to one peer that are open. */
const OPEN_MAX = 4;
/** How long a chunk is waited for at first; the time doubles each time that a peer is silent. ms. */
const WAIT_MS = 1_000;
const WAIT_MS_MAX = 32_000;

interface Source {
  /** Chunks it was asked for, and until when they are waited for. */
  readonly open: Map<number, number>;
  /** All that it was ever asked for, and has not sent: nothing else is taken. */
  readonly asked: Set<number>;
  waitMs: number;
}

/**
 * One fetch: a pure state machine. Each chunk is asked of one peer at a time and checked by its digest; when it
 * does not come in time it is asked of another, and who is late gets more time, so that slow links end too. A
 * late chunk is as good as one in time. Who sends a wrong one is asked for nothing more.
 */
export class ChunkFetch {
  readonly #named: Named;
  readonly #bytes: Uint8Array;
  readonly #missing: Set<number>;
  readonly #sources = new Map<number, Source>();
  readonly #liars = new Set<number>();
  readonly #sent = new Map<number, Sent>();

  constructor(named: Named) {
    this.#named = named;
    this.#bytes = new Uint8Array(named.bytes);
    this.#missing = new Set(named.chunks.keys());
  }

  get chunksHere(): number {
    return this.#named.chunks.length - this.#missing.size;
  }

  get bytesHere(): number {
    return this.from.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Whose chunks are here, ascending by peer. */
  get from(): readonly Sent[] {
    return [...this.#sent.values()].sort((a, b) => a.peer - b.peer);
  }

  /** False: nobody is left to ask. */
  get hasSources(): boolean {
    return this.#sources.size > 0;
  }

  step(event: ChunkEvent, nowMs: number): readonly ChunkEffect[] {
    const out: ChunkEffect[] = [];
    if (event.kind === 'source') this.#join(event.peer);
    if (event.kind === 'gone') this.#sources.delete(event.peer);
    if (event.kind === 'chunk') this.#take(event, out);
    this.#giveUpLate(nowMs);
    this.#ask(nowMs, out);
    return out;
  }

  #join(peer: number): void {
    if (this.#liars.has(peer) || this.#sources.has(peer)) return;
    this.#sources.set(peer, { open: new Map(), asked: new Set(), waitMs: WAIT_MS });
  }

  #take({ peer, chunk, bytes }: Extract<ChunkEvent, { kind: 'chunk' }>, out: ChunkEffect[]): void {
    const digest = this.#named.chunks[chunk];
    const source = this.#sources.get(peer);
    if (source === undefined) return;
    const isAsked = source.asked.delete(chunk);
    if (digest === undefined || !isAsked || !this.#isRight(chunk, bytes, digest)) {
      this.#liars.add(peer);
      this.#sources.delete(peer);
      out.push({ kind: 'lied', peer });
      return;
    }
    source.open.delete(chunk);
    if (!this.#missing.delete(chunk)) return;
    this.#bytes.set(bytes, chunk * this.#named.chunkBytes);
    const sent = this.#sent.get(peer) ?? { peer, chunks: 0, bytes: 0 };
    this.#sent.set(peer, { peer, chunks: sent.chunks + 1, bytes: sent.bytes + bytes.length });
    if (this.#missing.size === 0) out.push({ kind: 'done', bytes: this.#bytes });
  }

  /** The length first: a digest costs what the bytes are long. */
  #isRight(chunk: number, bytes: Uint8Array, digest: Digest): boolean {
    const { bytes: all, chunkBytes } = this.#named;
    const length = Math.min(chunkBytes, all - chunk * chunkBytes);
    return bytes.length === length && equalBytes(chunkDigestOf(bytes), digest);
  }

  #giveUpLate(nowMs: number): void {
    for (const source of this.#sources.values()) {
      const late = [...source.open].filter(([, untilMs]) => untilMs <= nowMs);
      for (const [chunk] of late) source.open.delete(chunk);
      if (late.length > 0) source.waitMs = Math.min(WAIT_MS_MAX, source.waitMs * 2);
    }
  }

  #ask(nowMs: number, out: ChunkEffect[]): void {
    const asked = new Set([...this.#sources.values()].flatMap(({ open }) => [...open.keys()]));
    // The prompt first: a late peer gets what they have no place for.
    const sources = [...this.#sources].sort(([a, x], [b, y]) => x.waitMs - y.waitMs || a - b);
    for (const chunk of this.#missing) {
      if (asked.has(chunk)) continue;
      const free = sources.find(([, source]) => source.open.size < placesOf(source));
      if (free === undefined) break;
      const [peer, source] = free;
      source.open.set(chunk, nowMs + source.waitMs);
      source.asked.add(chunk);
      out.push({ kind: 'ask', peer, chunk });
    }
    const nextMs = Math.min(...sources.flatMap(([, { open }]) => [...open.values()]));
    if (this.#missing.size > 0 && Number.isFinite(nextMs)) out.push({ kind: 'wake', atMs: nextMs });
  }
}

/** Who has been late is asked for one chunk at a time. */
function placesOf({ waitMs }: Source): number {
  return waitMs > WAIT_MS ? 1 : OPEN_MAX;
}
