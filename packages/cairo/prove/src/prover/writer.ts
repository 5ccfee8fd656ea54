// Writes the bytes of a proof, and what the channel absorbs of them.
import { type Channel, toBytes32, toMontgomery } from '@fatty/cairo-air';
import { concatBytes } from '@fatty/codec';

/** The prover's side of a transcript: what it says is appended to the proof and absorbed. */
export class Writer {
  readonly channel: Channel;
  readonly #parts: Uint8Array[] = [];
  #querying = false;

  constructor(channel: Channel) {
    this.channel = channel;
  }

  say(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    if (!this.#querying) this.channel.absorb(bytes);
  }

  /** Field elements in standard form, as one message. */
  felts(values: readonly bigint[]): void {
    this.say(concatBytes(...values.map((value) => toBytes32(toMontgomery(value)))));
  }

  /** Ascending query indices, each once; nothing is absorbed after them. */
  queries(count: number, bound: number): number[] {
    const drawn = new Set<number>();
    for (let i = 0; i < count; i++) drawn.add(this.channel.index(bound));
    this.#querying = true;
    return [...drawn].sort((a, b) => a - b);
  }

  finish(): Uint8Array {
    return concatBytes(...this.#parts);
  }
}
