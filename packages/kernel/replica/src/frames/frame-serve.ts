// Serves the frames on disk.
import type { Outbox } from '../boundary/outbox.ts';
import type { Served } from '../catchup/served.ts';
import type { Keeper } from './keeper.ts';

/** What FrameServe needs of its replica. */
export interface FrameServePort {
  readonly keeper: Pick<Keeper, 'kept' | 'fromRound'>;
  readonly out: Outbox;
  readonly served: Served;
}

interface Read {
  readonly peer: number;
  readonly index: number;
  readonly n: number;
}

/** Reads under way for one peer: more than an honest one asks for at once. */
const READS_MAX = 8;
/** What an answer without a payload takes, beyond its chunk digests. Bytes. */
const FRAME_BYTES = 16 * 1024;
const DIGEST_BYTES = 34;

/**
 * Answers questions for frames and chunks: from the files that are there, a part of one at a time. What it
 * costs is charged to who asks (R12, Memory).
 */
export class FrameServe {
  readonly #port: FrameServePort;
  readonly #reads = new Map<number, Read>();
  /** By peer; of all guests together. */
  readonly #readsOf = new Map<number, number>();
  #request = 0;

  constructor(port: FrameServePort) {
    this.#port = port;
  }

  /** The newest frame, if it is above that commit, and where the log begins. */
  serveFrame(peer: number, above: number): void {
    const { keeper, out, served } = this.#port;
    if (!served.hasBudget(peer)) return;
    const newest = keeper.kept.at(-1);
    const isNews = newest !== undefined && newest.frame.index > above;
    const offer = isNews ? { frame: newest.frame, cert: newest.cert } : undefined;
    served.charge(peer, FRAME_BYTES + DIGEST_BYTES * (offer?.frame.copy?.chunks.length ?? 0));
    out.send([peer], { kind: 'frame', fromRound: keeper.fromRound, offer });
  }

  /** No bytes: the frame is not here, or has no such chunk. A question beyond the budget is dropped. */
  serveChunk(peer: number, index: number, n: number): void {
    const { keeper, out, served } = this.#port;
    if (!served.hasBudget(peer)) return;
    const copy = keeper.kept.find(({ frame }) => frame.index === index)?.frame.copy;
    const bytes =
      copy && Math.min(copy.chunkBytes, copy.commitsBytes + copy.stateBytes - n * copy.chunkBytes);
    if (copy === undefined || bytes === undefined || bytes <= 0) {
      return out.send([peer], { kind: 'chunk', index, n, bytes: new Uint8Array() });
    }
    const open = this.#readsOf.get(slotOf(peer)) ?? 0;
    if (open >= READS_MAX) return;
    this.#readsOf.set(slotOf(peer), open + 1);
    served.charge(peer, bytes);
    const request = ++this.#request;
    this.#reads.set(request, { peer, index, n });
    out.push({ kind: 'readFrame', request, index, from: n * copy.chunkBytes, bytes });
  }

  /** Answer to a `readFrame` effect. What is damaged is as good as gone: the asker would see it. */
  read(request: number, bytes: Uint8Array | undefined): void {
    const read = this.#reads.get(request);
    if (read === undefined) return;
    this.#reads.delete(request);
    const { peer, index, n } = read;
    this.#readsOf.set(slotOf(peer), (this.#readsOf.get(slotOf(peer)) ?? 1) - 1);
    this.#port.out.send([peer], { kind: 'chunk', index, n, bytes: bytes ?? new Uint8Array() });
  }
}

/** Guests have numbers below 0. */
function slotOf(peer: number): number {
  return Math.max(peer, -1);
}
