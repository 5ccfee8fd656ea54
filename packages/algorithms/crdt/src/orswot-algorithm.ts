// A plain ORSWOT as an algorithm of a cell.
import {
  array,
  bytes,
  decode,
  encode,
  hash,
  invariant,
  record,
  type Shape,
  u32,
  union,
} from '@fatty/codec';
import type { Algorithm, Digest, Outcome, Position, Source } from '@fatty/interface';
import { type Dot, dot } from './causal-context.ts';
import { MEMBER_BYTES_MAX, Orswot, type OrswotOp, orswot } from './orswot.ts';

/** What a client submits. The dot of an add is the cell's to give: (session, adds so far + 1). */
export type SetOp =
  | { readonly kind: 'add'; readonly member: Uint8Array }
  | { readonly kind: 'remove'; readonly member: Uint8Array; readonly dots: readonly Dot[] };

/** `dots`: what an add made, or what a remove took. */
export type SetResult =
  | { readonly kind: 'done'; readonly dots: readonly Dot[] }
  | { readonly kind: 'refused'; readonly code: number };

/** Result code of a remove that names an add the set has never seen. */
export const UNKNOWN_DOT = 1;

const OP_BYTES_MAX = 320 * 1024;
const DOTS_MAX = 1024;

/** Canonical bytes of an op. */
export const setOp: Shape<SetOp> = union<SetOp>({
  add: [0, record({ member: bytes(MEMBER_BYTES_MAX) })],
  remove: [1, record({ member: bytes(MEMBER_BYTES_MAX), dots: array(dot, DOTS_MAX) })],
});

/** Canonical bytes of a result. */
export const setResult: Shape<SetResult> = union<SetResult>({
  done: [0, record({ dots: array(dot, DOTS_MAX) })],
  refused: [1, record({ code: u32 })],
});

/**
 * A plain ORSWOT as a hosted algorithm: it needs SecureBroadcast only, so `apply` is `deliver` in
 * commit order. Source order makes the adds of a session count up, so dots need no client.
 */
export class OrswotAlgorithm implements Algorithm<SetOp> {
  #set: Orswot = Orswot.EMPTY;
  /** Delivered removes that name an add not delivered yet. */
  #held: OrswotOp[] = [];

  /** The set as far as this instance has come. */
  get value(): Orswot {
    return this.#set;
  }

  /** Codes: those of `decode`. */
  open(bytes: Uint8Array): Outcome<SetOp> {
    return decode(setOp, bytes, OP_BYTES_MAX);
  }

  deliver(source: Source, op: SetOp): void {
    this.#held.push(this.#dotted(source, op));
    for (let at = this.#firstReady(); at >= 0; at = this.#firstReady()) {
      for (const next of this.#held.splice(at, 1)) this.#set = this.#set.apply(next);
    }
  }

  apply(source: Source, op: SetOp, _position: Position): Uint8Array {
    return encode(setResult, this.#commit(source, op));
  }

  /** Committed state only: held ops belong to a delivered view, which never snapshots. */
  snapshot(): Uint8Array {
    return encode(orswot, this.#set);
  }

  restore(bytes: Uint8Array): void {
    const read = decode(orswot, bytes, bytes.length);
    invariant(read.ok, 'a snapshot is restored as it was taken');
    this.#set = read.value;
    this.#held = [];
  }

  root(): Digest {
    return hash('orswot', this.snapshot());
  }

  #commit(source: Source, said: SetOp): SetResult {
    const op = this.#dotted(source, said);
    if (!this.#set.ready(op)) return { kind: 'refused', code: UNKNOWN_DOT };
    this.#set = this.#set.apply(op);
    return { kind: 'done', dots: op.kind === 'add' ? [op.dot] : op.dots };
  }

  #dotted(source: Source, op: SetOp): OrswotOp {
    return op.kind === 'add' ? this.#set.add(source.session, op.member) : op;
  }

  #firstReady(): number {
    return this.#held.findIndex((op) => this.#set.ready(op));
  }
}
