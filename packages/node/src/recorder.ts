import {
  closeSync,
  createWriteStream,
  fstatSync,
  openSync,
  readSync,
  type WriteStream,
} from 'node:fs';
import type { Ref } from '@fatty/broadcast';
import { headerDigest, headerShape, signedBlockShape } from '@fatty/broadcast';
import { decode, sha256, toHex } from '@fatty/codec';
import type { Clock, TraceEvent } from '@fatty/interface';
import { readTrace, traceLine } from '@fatty/msc';
import { decodeMessage, type ReplicaEffect, type ReplicaEvent } from '@fatty/replica';
import type { SendEffect } from './driver.ts';

const HEADER_BYTES_MAX = 16 * 1024;
const NAMES_MAX = 100_000;
/** The last line is in here: labels are short. */
const TAIL_BYTES = 16 * 1024;
const STOPPED = 'stopped';

/** `r2/17 3f9c`: author, round and the first bytes of the digest. */
export function nameRef(ref: Ref): string {
  return `r${ref.author}/${ref.round} ${toHex(ref.digest.subarray(0, 2))}`;
}

interface Spoken {
  readonly label: string;
  readonly round?: number;
}

/**
 * Writes what one replica sees as trace lines, from which charts are made. A packet is named by its
 * two ends, the hash of its bytes and how often these bytes have gone that way.
 */
export class Recorder {
  readonly #file: WriteStream;
  readonly #me: string;
  readonly #clock: Clock;
  readonly #blockBytesMax: number;
  readonly #counts = new Map<string, number>();

  #lost = 0;

  /** Where the last life did not end with {@link close}, its end is told as a crash. */
  constructor(path: string, me: number, clock: Clock, blockBytesMax: number) {
    const last = tailOf(path);
    this.#file = createWriteStream(path, { flags: 'a' });
    this.#me = `r${me}`;
    this.#clock = clock;
    this.#blockBytesMax = blockBytesMax;
    if (last.torn) this.#file.write('\n');
    if (last.event && !(last.event.kind === 'note' && last.event.label === STOPPED)) {
      const { atMs } = last.event;
      this.#file.write(
        traceLine({ atMs, who: this.#me, kind: 'crash', label: 'or kill: no stop was recorded' }),
      );
    }
    this.write({ kind: 'restart', label: 'started' });
  }

  event(event: ReplicaEvent): void {
    if (event.kind !== 'message') return;
    const peer = `r${event.peer}`;
    const packet = this.#packet(`${peer}>${this.#me}`, event.bytes);
    this.write({ kind: 'receive', peer, packet, ...this.#spoken(event.bytes) });
  }

  effect(effect: ReplicaEffect): void {
    if (effect.kind === 'delivered') {
      const { ref } = effect;
      this.write({ kind: 'deliver', label: nameRef(ref), round: ref.round });
    } else if (effect.kind === 'committed') {
      const { index, leader } = effect.commit;
      const ops = effect.input.batches.reduce((sum, batch) => sum + batch.ops.length, 0);
      const label = `commit ${index} by ${nameRef(leader)}, ${ops} ops`;
      this.write({ kind: 'commit', label, round: leader.round });
    } else if (effect.kind === 'note') {
      this.#note(effect);
    }
  }

  /** A packet that no link took (none is up, or its queue is full) is sent and lost at once. */
  sent({ peer: to, bytes }: SendEffect, taken: boolean): void {
    const peer = `r${to}`;
    const way = `${this.#me}>${peer}`;
    const spoken = this.#spoken(bytes);
    // Of a lost one the receiver counts nothing; so it has a name of its own.
    const packet = taken
      ? this.#packet(way, bytes)
      : `${way} lost ${this.#clock.nowMs()} ${this.#lost++}`;
    this.write({ kind: 'send', peer, packet, ...spoken });
    if (!taken) this.write({ kind: 'drop', peer, packet, ...spoken });
  }

  write(event: Omit<TraceEvent, 'atMs' | 'who'>): void {
    this.#file.write(traceLine({ atMs: this.#clock.nowMs(), who: this.#me, ...event }));
  }

  close(): Promise<void> {
    this.write({ kind: 'note', label: STOPPED });
    return new Promise((resolve) => this.#file.end(() => resolve()));
  }

  #note({ note }: Extract<ReplicaEffect, { kind: 'note' }>): void {
    const { what, ref, failure } = note;
    const round = note.round ?? ref?.round;
    const at = round === undefined ? {} : { round };
    if (failure && note.peer !== undefined) {
      const label = `${what}: ${failure.code}`;
      this.write({ kind: 'reject', peer: `r${note.peer}`, label, ...at });
    } else if (ref && (what === 'accepted' || what === 'equivocation')) {
      this.write({ kind: 'note', label: `${what} ${nameRef(ref)}`, ...at });
    }
  }

  #packet(way: string, bytes: Uint8Array): string {
    const name = `${way} ${toHex(sha256(bytes).subarray(0, 6))}`;
    const count = this.#counts.get(name) ?? 0;
    // Repetitions are near one another; old names need not be remembered.
    if (this.#counts.size > NAMES_MAX) this.#counts.clear();
    this.#counts.set(name, count + 1);
    return `${name} ${count}`;
  }

  #spoken(bytes: Uint8Array): Spoken {
    const message = decodeMessage(bytes, this.#blockBytesMax);
    if (!message.ok) return { label: message.failure.code };
    if (message.value.kind === 'push') return nameBlock(message.value.block);
    if (message.value.kind !== 'status') return { label: message.value.kind };
    const { highestRound, commitIndex } = message.value;
    return { label: `status commit ${commitIndex}`, round: highestRound };
  }
}

function nameBlock(bytes: Uint8Array): Spoken {
  const block = decode(signedBlockShape, bytes, bytes.length);
  const header = block.ok ? decode(headerShape, block.value.header, HEADER_BYTES_MAX) : block;
  if (!block.ok || !header.ok) return { label: 'block, unreadable' };
  const { author, round } = header.value;
  const digest = headerDigest(block.value.header);
  return { label: `block ${nameRef({ author, round, digest })}`, round };
}

interface Tail {
  readonly event: TraceEvent | undefined;
  /** The last line has no end: it was being written. */
  readonly torn: boolean;
}

/** How an earlier recording ends, if there is one. */
function tailOf(path: string): Tail {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return { event: undefined, torn: false };
  }
  try {
    const { size } = fstatSync(file);
    const bytes = new Uint8Array(Math.min(size, TAIL_BYTES));
    readSync(file, bytes, 0, bytes.length, size - bytes.length);
    const { events } = readTrace(new TextDecoder().decode(bytes));
    return { event: events.at(-1), torn: bytes.length > 0 && bytes.at(-1) !== 0x0a };
  } finally {
    closeSync(file);
  }
}
