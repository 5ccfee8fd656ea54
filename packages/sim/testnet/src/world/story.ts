// Turns what happens in a world into trace events.
import { LOCK_WORDS } from '@fatty/api';
import type { Ref } from '@fatty/broadcast';
import { decode, toHex } from '@fatty/codec';
import type { PublicKey, TraceEvent, Tracer } from '@fatty/interface';
import { batchShape, signedBatchShape } from '@fatty/protocol';
import { type ReplicaEffect, type ReplicaNote, Teller } from '@fatty/replica';
import type { Packet } from './network.ts';
import type { Violation } from './observation.ts';

type Extra = Omit<Partial<TraceEvent>, 'atMs' | 'who' | 'kind' | 'label'>;

/** Notes that a chart of a world has no use for: every block that is accepted is delivered soon. */
const UNTOLD: ReadonlySet<ReplicaNote['what']> = new Set(['accepted']);

/** Turns what happens in a world into trace events; silent, and for nothing, without a tracer. */
export class Storyteller {
  readonly #elapsedMs: () => number;
  readonly #tracer: Tracer | undefined;
  /** Lifelines of clients by their keys as hex. */
  readonly #clients = new Map<string, string>();
  readonly #teller = new Teller((client) => this.#nameOf(client), LOCK_WORDS);

  constructor(elapsedMs: () => number, tracer: Tracer | undefined) {
    this.#elapsedMs = elapsedMs;
    this.#tracer = tracer;
  }

  tell(kind: TraceEvent['kind'], who: string, label: string, extra: Extra = {}): void {
    this.#tracer?.trace({ atMs: this.#elapsedMs(), who, kind, label, ...extra });
  }

  /**
   * The ops of a batch, told before its bytes leave. A key belongs to the client that sends with it
   * first.
   */
  submitted(who: string, signed: Uint8Array): Pick<TraceEvent, 'ops'> {
    if (this.#tracer === undefined) return {};
    const outer = decode(signedBatchShape, signed, signed.length);
    const batch = outer.ok ? decode(batchShape, outer.value.core, signed.length) : outer;
    if (!batch.ok) return {};
    const key = toHex(batch.value.client);
    if (!this.#clients.has(key)) this.#clients.set(key, who);
    const { ops } = this.#teller.batch(signed);
    return ops === undefined ? {} : { ops };
  }

  packet(kind: 'send' | 'receive' | 'drop', packet: Packet, why = ''): void {
    if (this.#tracer === undefined) return;
    const here = kind === 'receive' ? packet.to : packet.from;
    const there = kind === 'receive' ? packet.from : packet.to;
    const { label, ...told } = this.#teller.message(packet.bytes);
    const words = why === '' ? label : `${label}: ${why}`;
    this.tell(kind, `r${here}`, words, { peer: `r${there}`, packet: packet.id, ...told });
  }

  delivered(replica: number, ref: Ref): void {
    if (this.#tracer === undefined) return;
    const { label, ...told } = this.#teller.delivered(ref);
    this.tell('deliver', `r${replica}`, label, told);
  }

  committed(replica: number, effect: Extract<ReplicaEffect, { kind: 'committed' }>): void {
    if (this.#tracer === undefined) return;
    const { label, ...told } = this.#teller.committed(effect);
    this.tell('commit', `r${replica}`, label, told);
  }

  noted(replica: number, note: ReplicaNote): void {
    if (this.#tracer === undefined || UNTOLD.has(note.what)) return;
    const noted = this.#teller.noted(note);
    if (noted === undefined) return;
    const { kind, label, ...told } = noted;
    this.tell(kind, `r${replica}`, label, told);
  }

  /** An invariant does not hold; `replica` −1: of nobody in particular. */
  broken({ rule, expected, actual, replica }: Violation): void {
    const where = replica < 0 ? '' : ` at r${replica}`;
    const label = `${rule}${where}: expected ${expected}, got ${actual}`;
    this.tell('broken', `r${Math.max(0, replica)}`, label);
  }

  #nameOf(client: PublicKey): string {
    const key = toHex(client);
    return this.#clients.get(key) ?? `c${key.slice(0, 6)}`;
  }
}
