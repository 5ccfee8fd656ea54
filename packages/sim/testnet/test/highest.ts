import { ACCEPT, decode, encode, hash, reject, u53 } from '@fatty/codec';
import type { Algorithm, Digest, Source, Verdict } from '@fatty/interface';

/** The highest number that anybody has ever said. */
export class Highest implements Algorithm {
  value = 0;

  /** Bytes alone: no state, no clock. What fails here never gets into a block. */
  validate(_source: Source, op: Uint8Array): Verdict {
    const said = decode(u53, op, 9);
    if (said.ok) return ACCEPT;
    return reject(said.failure.code, said.failure.expected, said.failure.actual);
  }

  /** The delivered view: concurrent ops come in any order, the ops of a session in theirs. */
  deliver(_source: Source, op: Uint8Array): void {
    const said = decode(u53, op, 9);
    if (said.ok) this.value = Math.max(this.value, said.value);
  }

  /** The committed state: one order for all. Answers what the client gets; never throws. */
  apply(source: Source, op: Uint8Array): Uint8Array {
    this.deliver(source, op);
    return encode(u53, this.value);
  }

  snapshot(): Uint8Array {
    return encode(u53, this.value);
  }

  restore(snapshot: Uint8Array): void {
    const state = decode(u53, snapshot, 9);
    if (state.ok) this.value = state.value;
  }

  root(): Digest {
    return hash('highest', this.snapshot());
  }
}
