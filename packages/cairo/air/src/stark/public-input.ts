// What follows from a public input: the seed of the channel, the parameters of the constraints.
import { concatBytes, utf8 } from '@fatty/codec';
import { add, inverse, mul, pow, readUint, sub, toBytes32 } from '../felt/felt.ts';
import { dilutedFinal } from '../layouts/diluted.ts';
import type { Layout } from '../layouts/expression.ts';
import type { PublicCell, PublicInput, SeedVersion } from '../proof/proof.ts';
import { demand, Rejected } from '../proof/rejected.ts';
import type { Hash } from './hashes.ts';
import { readPages } from './pages.ts';

/** The first public cell pads the list to its full length. */
function padding(input: PublicInput): PublicCell {
  const [first] = input.publicMemory;
  if (first === undefined) throw new Rejected('bad_counts', 'a public cell', 'none');
  return first;
}

/**
 * The words that seed a channel: the public input but for its memory, then of every page its size
 * and hash, behind the address where it begins if it is not the first.
 */
function seedWords(
  input: PublicInput,
  layout: Layout,
  version: SeedVersion,
  friendlyLayers: number,
  pageHash: (values: readonly bigint[]) => bigint,
): bigint[] {
  const { nSteps, rcMin, rcMax } = input;
  const { main, others } = readPages(input);
  const first = padding(input);
  const name = utf8(layout.name).reduce((word, byte) => word * 256n + BigInt(byte), 0n);
  const segments = layout.segments.flatMap((wanted) => {
    const found = input.segments.find((one) => one.name === wanted);
    if (found === undefined) throw new Rejected('segments', wanted, 'no such segment');
    return [found.beginAddr, found.stopPtr];
  });
  const head = version === 'stone6' ? [friendlyLayers] : [];
  const words = [...head, Math.log2(nSteps), rcMin, rcMax, name, ...segments, first.address];
  const cells = main.flatMap(({ address, value }) => [BigInt(address), value]);
  const pages = [1 + others.length, main.length, pageHash(cells)];
  const rest = others.flatMap(({ start, values }) => [start, values.length, pageHash(values)]);
  return [...words, first.value, ...pages, ...rest].map(BigInt);
}

/**
 * The bytes that seed a byte channel, as Stone writes them without verifier-friendly layers: 32-byte
 * big-endian words.
 */
export function transcriptSeed(
  input: PublicInput,
  layout: Layout,
  pageHash: Hash,
  version: SeedVersion = 'stone6',
): Uint8Array {
  const hash = (values: readonly bigint[]): bigint =>
    readUint(pageHash(concatBytes(...values.map(toBytes32))), 0, 32);
  return concatBytes(...seedWords(input, layout, version, 0, hash).map(toBytes32));
}

/** The field elements that seed a Poseidon channel. */
export function friendlySeed(
  input: PublicInput,
  layout: Layout,
  pageHash: (values: readonly bigint[]) => bigint,
  version: SeedVersion,
  friendlyLayers: number,
): bigint[] {
  return seedWords(input, layout, version, friendlyLayers, pageHash);
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

/** Every parameter that the constraints of a CPU layout name, but its periodic columns. */
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
  const z = interaction.get('diluted_z');
  const alpha = interaction.get('diluted_alpha');
  const pool = z === undefined || alpha === undefined ? [] : [dilutedFinal(z, alpha)];
  return new Map([
    ...interaction,
    ...pool.map((value): [string, bigint] => ['diluted_final', value]),
    ...input.segments.map(({ name, beginAddr }): [string, bigint] => [
      `${name}_begin`,
      BigInt(beginAddr),
    ]),
    ['initial_pc', BigInt(program.beginAddr)],
    ['final_pc', BigInt(program.stopPtr)],
    ['initial_ap', BigInt(execution.beginAddr)],
    ['final_ap', BigInt(execution.stopPtr)],
    ['rc_min', BigInt(input.rcMin)],
    ['rc_max', BigInt(input.rcMax)],
    ['memory_product', publicMemoryProduct(input, interaction, publicCells)],
  ]);
}
