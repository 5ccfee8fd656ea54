import { concatBytes, utf8 } from '@fatty/codec';
import type { Layout } from '../air/expression.ts';
import { add, inverse, mul, pow, sub, toBytes32 } from '../felt/felt.ts';
import type { PublicCell, PublicInput } from '../proof/proof.ts';
import { demand, Rejected } from '../proof/rejected.ts';
import type { Hash } from './hashes.ts';

/** The first public cell pads the list to its full length. */
function padding(input: PublicInput): PublicCell {
  const [first] = input.publicMemory;
  if (first === undefined) throw new Rejected('bad_counts', 'a public cell', 'none');
  return first;
}

/**
 * The bytes that seed the channel, as Stone's public release ("stone6") writes them for one page
 * and no verifier-friendly layers: 32-byte big-endian words.
 */
export function transcriptSeed(input: PublicInput, layout: Layout, pageHash: Hash): Uint8Array {
  const { nSteps, rcMin, rcMax, publicMemory } = input;
  const first = padding(input);
  const name = utf8(layout.name).reduce((word, byte) => word * 256n + BigInt(byte), 0n);
  const segments = layout.segments.flatMap((wanted) => {
    const found = input.segments.find((one) => one.name === wanted);
    if (found === undefined) throw new Rejected('segments', wanted, 'no such segment');
    return [found.beginAddr, found.stopPtr];
  });
  const words = [0, Math.log2(nSteps), rcMin, rcMax, name, ...segments, first.address, first.value];
  const page = concatBytes(
    ...publicMemory.flatMap(({ address, value }) => [toBytes32(BigInt(address)), toBytes32(value)]),
  );
  return concatBytes(
    ...[...words, 1, publicMemory.length].map((word) => toBytes32(BigInt(word))),
    pageHash(page),
  );
}

/** Drawn from the channel after the first trace commitment. */
export type Interaction = ReadonlyMap<string, bigint>;

/**
 * What the memory permutation must come to: z^n / (Π (z − hash(cell)) · (z − hash(padding))^(n −
 * len)), since every public cell stands in the trace as (0, 0).
 * @throws Rejected `bad_point` when a challenge hits a cell
 */
export function publicMemoryProduct(
  input: PublicInput,
  interaction: Interaction,
  count: number,
): bigint {
  const z = interaction.get('memory_z') as bigint;
  const alpha = interaction.get('memory_alpha') as bigint;
  const factor = ({ address, value }: PublicCell): bigint =>
    sub(z, add(BigInt(address), mul(alpha, value)));
  const { publicMemory } = input;
  let product = pow(factor(padding(input)), BigInt(count - publicMemory.length));
  for (const cell of publicMemory) product = mul(product, factor(cell));
  demand(product !== 0n, 'bad_point', 'a challenge beside every public cell', 'one on a cell');
  return mul(pow(z, BigInt(count)), inverse(product));
}

/** Every parameter that the constraints of a CPU layout name. */
export function airParameters(
  input: PublicInput,
  interaction: Interaction,
  publicCells: number,
): Map<string, bigint> {
  const segment = (name: string): { beginAddr: number; stopPtr: number } => {
    const found = input.segments.find((one) => one.name === name);
    if (found === undefined) throw new Rejected('segments', name, 'no such segment');
    return found;
  };
  const program = segment('program');
  const execution = segment('execution');
  return new Map([
    ...interaction,
    ['initial_pc', BigInt(program.beginAddr)],
    ['final_pc', BigInt(program.stopPtr)],
    ['initial_ap', BigInt(execution.beginAddr)],
    ['final_ap', BigInt(execution.stopPtr)],
    ['rc_min', BigInt(input.rcMin)],
    ['rc_max', BigInt(input.rcMax)],
    ['memory_product', publicMemoryProduct(input, interaction, publicCells)],
  ]);
}
