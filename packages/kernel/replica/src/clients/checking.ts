// Batches whose slow checks are under way.
import type { CarriedBatch, ClosedBatch } from '@fatty/broadcast';
import { equalBytes, toHex } from '@fatty/codec';
import type { PublicKey } from '@fatty/interface';
import type { Batch } from '@fatty/protocol';
import type { Cost } from '../checks/validate.ts';

/** A batch that a gateway has taken and may not put into a block yet. */
export interface Entry {
  readonly batch: CarriedBatch;
  /** Names the submission in a refusal. */
  readonly tag: number;
  /** Slow checks without a verdict. */
  readonly jobs: Set<string>;
  readonly cost: Cost;
}

/** Batches of one session in here: no client has more under way (R3). */
export const BEHIND_MAX = 64;

/**
 * Batches whose slow checks are under way, and later ones of the same sessions, which wait behind
 * them: a batch that overtook its predecessor would find no turn (R3), and be lost.
 */
export class Checking {
  readonly #entries = new Map<string, Entry>();
  readonly #bySession = new Map<string, Set<Entry>>();
  #bytes = 0;

  get size(): number {
    return this.#entries.size;
  }

  /** Of the batches in here. */
  get bytes(): number {
    return this.#bytes;
  }

  has(id: string): boolean {
    return this.#entries.has(id);
  }

  /** True while an earlier batch of its session is in here. */
  isBehind({ batch }: ClosedBatch): boolean {
    const entries = this.#bySession.get(toHex(batch.session)) ?? [];
    return [...entries].some((one) => one.batch.batch.seq < batch.seq);
  }

  /** A batch of this (session, seq) is in here. */
  holdsPlace({ session, seq }: Pick<Batch, 'session' | 'seq'>): boolean {
    const entries = this.#bySession.get(toHex(session)) ?? [];
    return [...entries].some((one) => one.batch.batch.seq === seq);
  }

  /** Batches with a slow check under way: all, and those of one client. */
  busy(client: PublicKey): { readonly all: number; readonly own: number } {
    const busy = [...this.#entries.values()].filter(({ jobs }) => jobs.size > 0);
    const own = busy.filter(({ batch }) => equalBytes(batch.batch.client, client));
    return { all: busy.length, own: own.length };
  }

  /** False when the session has {@link BEHIND_MAX} in here. */
  add(entry: Entry): boolean {
    const { id, batch, signed } = entry.batch;
    const session = toHex(batch.session);
    const entries = this.#bySession.get(session) ?? new Set();
    if (entries.size >= BEHIND_MAX) return false;
    this.#entries.set(toHex(id), entry);
    this.#bySession.set(session, entries.add(entry));
    this.#bytes += signed.core.length;
    return true;
  }

  remove(entry: Entry): void {
    const { id, batch, signed } = entry.batch;
    const session = toHex(batch.session);
    if (!this.#entries.delete(toHex(id))) return;
    this.#bytes -= signed.core.length;
    const entries = this.#bySession.get(session);
    entries?.delete(entry);
    if (entries?.size === 0) this.#bySession.delete(session);
  }

  waitingFor(job: string): readonly Entry[] {
    return [...this.#entries.values()].filter(({ jobs }) => jobs.has(job));
  }

  /** Takes out, in their order, the first batches of this one's session that wait for nothing. */
  release({ batch }: CarriedBatch): readonly Entry[] {
    const entries = [...(this.#bySession.get(toHex(batch.session)) ?? [])];
    entries.sort((a, b) => a.batch.batch.seq - b.batch.batch.seq);
    const busy = entries.findIndex(({ jobs }) => jobs.size > 0);
    const ready = busy < 0 ? entries : entries.slice(0, busy);
    for (const entry of ready) this.remove(entry);
    return ready;
  }
}
