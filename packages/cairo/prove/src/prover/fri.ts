// The prover's side of FRI: layers, foldings, openings.
import { GENERATOR, mul, pow, reverseBits, rootOfUnity } from '@fatty/cairo-air';
import { type Bytes, type Kernels, slice, type Vector } from '../kernels/kernels.ts';
import { fillPowers } from '../kernels/transform.ts';
import { evaluateOn, type Geometry, overCosets, Tree } from './commitment.ts';
import type { Writer } from './writer.ts';

const DIGEST = 32;

/** A committed layer: Stone's bytes of all its values, 2^step of them to a leaf. */
interface Layer {
  readonly step: number;
  readonly tree: Tree;
  readonly values: Bytes;
}

/**
 * FRI on coefficients: a halving is E + beta·O there, and a layer's values come from its
 * coefficients by transforms as small as the layer.
 */
export class Fri {
  readonly #geometry: Geometry;
  readonly #layers: Layer[] = [];

  constructor(geometry: Geometry) {
    this.#geometry = geometry;
  }

  /**
   * The commit phase for a polynomial on 3·⟨g⟩, which is overwritten. Steps without the first 0.
   */
  *commit(writer: Writer, polynomial: Vector, steps: readonly number[]): Generator<number, void> {
    const { kernels } = this.#geometry;
    // FRI works on ⟨g⟩ itself: coefficient i takes the 3^i.
    const mark = kernels.mark();
    const powers = kernels.vector(polynomial.length);
    fillPowers(kernels, powers, 1n, GENERATOR);
    kernels.mul(polynomial, polynomial, powers);
    kernels.release(mark);
    let coefficients = polynomial;
    let done = 0;
    for (const step of steps) {
      // A layer has at most half the values of the one before.
      writer.say(yield* this.#commitLayer(coefficients, step, done));
      done = (1 + done) / 2;
      let beta = writer.channel.felt();
      for (let i = 0; i < step; i++) {
        const half = slice(kernels, coefficients, 0, coefficients.length / 2);
        kernels.fold(half, coefficients, beta);
        coefficients = half;
        beta = mul(beta, beta);
      }
    }
    writer.felts(kernels.read(coefficients));
  }

  *#commitLayer(coefficients: Vector, step: number, done: number): Generator<number, Uint8Array> {
    const { kernels, cosetsLog } = this.#geometry;
    const size = coefficients.length;
    const log = Math.log2(size) + cosetsLog;
    const values = kernels.bytes(size * 2 ** cosetsLog * DIGEST);
    const tree = new Tree(kernels, log - step);
    const cosets = overCosets(this.#geometry, (coset) => {
      const first = reverseBits(coset, cosetsLog) * size;
      const rows = { at: values.at + first * DIGEST, length: size * DIGEST };
      const offset = pow(rootOfUnity(log), BigInt(coset));
      evaluateOn(this.#geometry, offset, [coefficients], (layer) => {
        kernels.pack(rows, DIGEST, layer);
      });
      tree.fill(first / 2 ** step, rows, DIGEST * 2 ** step);
    });
    for (const share of cosets) yield done + ((1 - done) / 2) * share;
    this.#layers.push({ step, tree, values });
    return tree.close(2 ** cosetsLog);
  }

  /** The query phase: per layer the cells that folding does not give, and their authentication. */
  open(writer: Writer, indices: readonly number[]): void {
    const { kernels } = this.#geometry;
    let known = indices;
    for (const { step, tree, values } of this.#layers) {
      const width = 2 ** step;
      const rows = [...new Set(known.map((index) => Math.floor(index / width)))];
      const given = new Set(known);
      for (const row of rows)
        for (let index = row * width; index < (row + 1) * width; index++)
          if (!given.has(index)) writer.say(cellAt(kernels, values, index));
      tree.authenticate(writer, rows);
      known = rows;
    }
  }
}

const cellAt = (kernels: Kernels, values: Bytes, index: number): Uint8Array =>
  kernels.peek({ at: values.at + index * DIGEST, length: DIGEST });
