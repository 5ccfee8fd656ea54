import { concatBytes, utf8 } from '@fatty/codec';
import { dilutedFinal } from '../air/diluted.ts';
import type { Layout } from '../air/expression.ts';
import { add, inverse, mul, pow, sub, toBytes32 } from '../felt/felt.ts';
import type { PublicCell, PublicInput, SeedVersion } from '../proof/proof.ts';
import { demand, Rejected } from '../proof/rejected.ts';
import type { Hash } from './hashes.ts';

/** The first public cell pads the list to its full length. */
function padding(input: PublicInput): PublicCell {
  const [first] = input.publicMemory;
  if (first === undefined) throw new Rejected('bad_counts', 'a public cell', 'none');
  return first;
}

/** The words of the seed before the hash of the page, for one page of public memory. */
function seedWords(
  input: PublicInput,
  layout: Layout,
  version: SeedVersion,
  friendlyLayers: number,
): bigint[] {
  const { nSteps, rcMin, rcMax, publicMemory } = input;
  const first = padding(input);
  const name = utf8(layout.name).reduce((word, byte) => word * 256n + BigInt(byte), 0n);
  const segments = layout.segments.flatMap((wanted) => {
    const found = input.segments.find((one) => one.name === wanted);
    if (found === undefined) throw new Rejected('segments', wanted, 'no such segment');
    return [found.beginAddr, found.stopPtr];
  });
  const head = version === 'stone6' ? [friendlyLayers] : [];
  const words = [...head, Math.log2(nSteps), rcMin, rcMax, name, ...segments, first.address];
  return [...words, first.value, 1, publicMemory.length].map(BigInt);
}

/**
 * The bytes that seed a byte channel, as Stone writes them for one page and no verifier-friendly
 * layers: 32-byte big-endian words.
 */
export function transcriptSeed(
  input: PublicInput,
  layout: Layout,
  pageHash: Hash,
  version: SeedVersion = 'stone6',
): Uint8Array {
  const page = input.publicMemory.flatMap(({ address, value }) => [BigInt(address), value]);
  const words = seedWords(input, layout, version, 0);
  const digest = pageHash(concatBytes(...page.map(toBytes32)));
  return concatBytes(...words.map(toBytes32), digest);
}

/** The field elements that seed a Poseidon channel; `pageHash` of addresses and values in turn. */
export function friendlySeed(
  input: PublicInput,
  layout: Layout,
  pageHash: (values: readonly bigint[]) => bigint,
  version: SeedVersion,
  friendlyLayers: number,
): bigint[] {
  const page = input.publicMemory.flatMap(({ address, value }) => [BigInt(address), value]);
  return [...seedWords(input, layout, version, friendlyLayers), pageHash(page)];
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
