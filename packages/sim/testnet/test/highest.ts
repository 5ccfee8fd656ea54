// highest.ts: an algorithm whose state is one number.
import { decode, encode, hash, u53 } from '@fatty/codec';
import type { Algorithm, Digest, Outcome, Source } from '@fatty/interface';

/** The highest number that anybody has ever said. */
export class Highest implements Algorithm<number> {
  value = 0;

  /** Bytes alone: no state, no clock. What fails here never gets into a block. */
  open(bytes: Uint8Array): Outcome<number> {
    return decode(u53, bytes, 9);
  }

  /** The delivered view: concurrent ops come in any order, the ops of a session in theirs. */
  deliver(_source: Source, said: number): void {
    this.value = Math.max(this.value, said);
  }

  /** The committed state: one order for all. Answers what the client gets; never throws. */
  apply(source: Source, said: number): Uint8Array {
    this.deliver(source, said);
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

  /** Whoever asks gets the value, whatever he asks. */
  query(): Uint8Array {
    return this.snapshot();
  }
}
