// Records what one replica sees, for charts.
import { LOCK_WORDS } from '@fatty/api';
import { decode, sha256, toHex } from '@fatty/codec';
import type { SendEffect } from '@fatty/host';
import type { Clock, PublicKey, Receipt, TracedOp, TraceEvent } from '@fatty/interface';
import { batchId, batchShape, signedBatchShape } from '@fatty/protocol';
import { type ReplicaEffect, type ReplicaEvent, Teller, type Telling } from '@fatty/replica';
import { LRUCache } from 'lru-cache';
import { TraceFile, type TraceFileOptions } from './trace-file.ts';

/** Batches and clients of this gateway that are remembered at once. */
const REMEMBERED_MAX = 10_000;
const STOPPED = 'stopped';

type Tale = Omit<TraceEvent, 'atMs' | 'who'>;

/** A batch that a client gave to this gateway. */
interface Submission {
  readonly client: string;
  readonly label: string;
  readonly ops: readonly TracedOp[];
}

/** A client's lifeline: the beginning of its key. */
export function clientName(client: PublicKey): string {
  return `c${toHex(client.subarray(0, 3))}`;
}

/**
 * Writes what one replica sees as trace lines, from which charts are made. A packet is named by its
 * two ends and the hash of its bytes. All that comes of one event has the event's time, on a clock
 * that only goes forward: a chart finds the offset of each life by what it exchanged.
 */
export class Recorder {
  readonly #file: TraceFile;
  readonly #me: string;
  readonly #clock: Clock;
  readonly #wallMs: number;
  readonly #monotonicMs: number;
  readonly #teller = new Teller(clientName, LOCK_WORDS);
  readonly #byTag = new LRUCache<number, Submission>({ max: REMEMBERED_MAX });
  readonly #byBatch = new LRUCache<string, Submission>({ max: REMEMBERED_MAX });
  /** Whose notices go out here, too. */
  readonly #clients = new LRUCache<string, true>({ max: REMEMBERED_MAX });
  #nowMs: number;
  #lost = 0;
  #hashed: { readonly bytes: Uint8Array; readonly name: string } | undefined;

  /** Where the last life did not end with {@link close}, its end is told as a crash. */
  constructor(path: string, me: number, clock: Clock, options: TraceFileOptions = {}) {
    this.#me = `r${me}`;
    this.#clock = clock;
    this.#wallMs = clock.nowMs();
    this.#monotonicMs = clock.monotonicMs();
    this.#nowMs = this.#wallMs;
    this.#file = new TraceFile(path, options);
    const { last } = this.#file;
    if (last !== undefined && last.kind !== 'crash' && last.label !== STOPPED) {
      const label = 'or kill: no stop was recorded';
      this.#file.write({ atMs: last.atMs, who: this.#me, kind: 'crash', label });
    }
    this.#write({ kind: 'restart', label: 'started' });
  }

  event(event: ReplicaEvent): void {
    this.#nowMs = this.#readMs();
    if (event.kind === 'submit') this.#submitted(event.batch, event.tag);
    if (event.kind === 'peerUp') this.#write({ kind: 'note', label: `linked to r${event.peer}` });
    if (event.kind === 'peerDown') {
      this.#write({ kind: 'note', label: `no link to r${event.peer}` });
    }
    if (event.kind !== 'message') return;
    const peer = `r${event.peer}`;
    const packet = `${peer}>${this.#me} ${this.#hashOf(event.bytes)}`;
    this.#write({ kind: 'receive', peer, packet, ...this.#teller.message(event.bytes) });
  }

  effect(effect: ReplicaEffect): void {
    if (effect.kind === 'delivered') {
      this.#write({ kind: 'deliver', ...this.#teller.delivered(effect.ref) });
    }
    if (effect.kind === 'committed') this.#committed(effect);
    if (effect.kind === 'refused') this.#refused(effect);
    if (effect.kind === 'note') {
      const noted = this.#teller.noted(effect.note);
      if (noted !== undefined) this.#write(noted);
    }
    if (effect.kind !== 'halt') return;
    const { code, expected, actual } = effect.failure;
    const label = `${code} at ${this.#me}: expected ${expected}, got ${actual}`;
    this.#write({ kind: 'broken', label });
  }

  /** A packet that no link took (none is up, or its queue is full) is sent and lost at once. */
  sent({ peer: to, bytes }: SendEffect, taken: boolean): void {
    const peer = `r${to}`;
    const way = `${this.#me}>${peer}`;
    const told = this.#teller.message(bytes);
    // One that is lost here must not be taken for an equal one that arrives.
    const packet = taken
      ? `${way} ${this.#hashOf(bytes)}`
      : `${way} lost ${this.#nowMs} ${this.#lost++}`;
    this.#write({ kind: 'send', peer, packet, ...told });
    if (!taken) this.#write({ kind: 'drop', peer, packet, ...told });
  }

  close(): Promise<void> {
    this.#nowMs = this.#readMs();
    this.#write({ kind: 'note', label: STOPPED });
    return this.#file.close();
  }

  /** A wall clock that nobody can set while we live; to the microsecond. */
  #readMs(): number {
    const elapsedMs = this.#clock.monotonicMs() - this.#monotonicMs;
    return Math.round((this.#wallMs + elapsedMs) * 1000) / 1000;
  }

  #write(tale: Tale): void {
    this.#file.write({ atMs: this.#nowMs, who: this.#me, ...tale });
  }

  #submitted(signed: Uint8Array, tag: number): void {
    const told = this.#teller.batch(signed);
    const outer = decode(signedBatchShape, signed, signed.length);
    const batch = outer.ok ? decode(batchShape, outer.value.core, signed.length) : outer;
    if (!outer.ok || !batch.ok) return;
    const client = clientName(batch.value.client);
    const submission = { client, label: told.label, ops: told.ops ?? [] };
    this.#byTag.set(tag, submission);
    this.#byBatch.set(toHex(batchId(outer.value.core)), submission);
    this.#clients.set(toHex(batch.value.client), true);
    this.#write({ kind: 'receive', peer: client, ...told });
  }

  #committed(effect: Extract<ReplicaEffect, { kind: 'committed' }>): void {
    this.#write({ kind: 'commit', ...this.#teller.committed(effect) });
    for (const receipt of effect.applied.receipts) this.#answered(receipt);
    for (const notice of effect.applied.notices) {
      if (this.#clients.get(toHex(notice.client)) === undefined) continue;
      const told = this.#teller.notice(notice);
      if (told !== undefined) this.#tellClient(clientName(notice.client), told);
    }
  }

  #answered(receipt: Receipt): void {
    const batch = toHex(receipt.batch);
    const submission = this.#byBatch.get(batch);
    if (submission === undefined) return;
    this.#byBatch.delete(batch);
    this.#tellClient(submission.client, this.#teller.answered(receipt, submission.ops));
  }

  #refused({ tag, failure }: Extract<ReplicaEffect, { kind: 'refused' }>): void {
    const submission = this.#byTag.get(tag);
    if (submission === undefined) return;
    const { client, label, ops } = submission;
    this.#write({ kind: 'reject', peer: client, label: `${label}: ${failure.code}`, ops });
  }

  /** No packet: clients record nothing, so nobody sees it arrive. */
  #tellClient(client: string, told: Telling): void {
    this.#write({ kind: 'send', peer: client, ...told });
  }

  /** A broadcast is hashed once. */
  #hashOf(bytes: Uint8Array): string {
    if (this.#hashed?.bytes !== bytes) {
      this.#hashed = { bytes, name: toHex(sha256(bytes).subarray(0, 8)) };
    }
    return this.#hashed.name;
  }
}
