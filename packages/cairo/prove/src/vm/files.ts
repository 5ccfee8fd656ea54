// StarkWare's files of a run: trace, memory, public and private input, program input.
import {
  attempt,
  demand,
  Fields,
  type JsonValue,
  LIMITS,
  P,
  type PublicInput,
  parseJson,
  Rejected,
  reduce,
} from '@fatty/cairo-air';
import { readPublicInput, writePublicInput } from '@fatty/cairo-verify';
import type { Outcome } from '@fatty/interface';
import type { MemoryCell, PrivateInput, TraceEntry } from './relocation.ts';

/** Bytes of a step in trace.bin, and of a cell in memory.bin. */
const STEP_SIZE = 24;
const CELL_SIZE = 40;

/** trace.bin of `cairo-run`: per step ap, fp and pc, each 8 bytes, little-endian. */
export function writeTrace(trace: readonly TraceEntry[]): Uint8Array {
  const bytes = new Uint8Array(STEP_SIZE * trace.length);
  const view = new DataView(bytes.buffer);
  trace.forEach(({ ap, fp, pc }, i) => {
    [ap, fp, pc].forEach((value, j) => {
      view.setBigUint64(STEP_SIZE * i + 8 * j, BigInt(value), true);
    });
  });
  return bytes;
}

/** Codes: `truncated` (no whole steps), `bad_number` (address from 2^50). Never throws. */
export function readTrace(bytes: Uint8Array): Outcome<readonly TraceEntry[]> {
  return attempt(() =>
    records(bytes, STEP_SIZE).map((view) => ({
      ap: addressAt(view, 0),
      fp: addressAt(view, 8),
      pc: addressAt(view, 16),
    })),
  );
}

/** memory.bin of `cairo-run`: per cell its address, 8 bytes, and value, 32 bytes, little-endian. */
export function writeMemory(memory: readonly MemoryCell[]): Uint8Array {
  const bytes = new Uint8Array(CELL_SIZE * memory.length);
  const view = new DataView(bytes.buffer);
  memory.forEach(({ address, value }, i) => {
    view.setBigUint64(CELL_SIZE * i, BigInt(address), true);
    for (let j = 0; j < 4; j++)
      view.setBigUint64(
        CELL_SIZE * i + 8 + 8 * j,
        BigInt.asUintN(64, value >> BigInt(64 * j)),
        true,
      );
  });
  return bytes;
}

/** Codes: `truncated bad_number felt_range`, and `not_canonical` for a cell twice. Never throws. */
export function readMemory(bytes: Uint8Array): Outcome<readonly MemoryCell[]> {
  return attempt(() => {
    const seen = new Set<number>();
    return records(bytes, CELL_SIZE).map((view) => {
      const address = addressAt(view, 0);
      demand(!seen.has(address), 'not_canonical', 'every address once', address);
      seen.add(address);
      let value = 0n;
      for (let j = 3; j >= 0; j--) value = (value << 64n) | view.getBigUint64(8 + 8 * j, true);
      demand(value < P, 'felt_range', 'a value below p', `0x${value.toString(16)}`);
      return { address, value };
    });
  });
}

function records(bytes: Uint8Array, size: number): DataView[] {
  const count = bytes.length / size;
  demand(Number.isInteger(count), 'truncated', `a multiple of ${size} bytes`, bytes.length);
  return Array.from(
    { length: count },
    (_, i) => new DataView(bytes.buffer, bytes.byteOffset + size * i, size),
  );
}

function addressAt(view: DataView, at: number): number {
  const address = Number(view.getBigUint64(at, true));
  demand(address < LIMITS.address, 'bad_number', 'an address below 2^50', address);
  return address;
}

/** air-public-input.json, as Stone's prover reads it. */
export function writeAirPublicInput(input: PublicInput): string {
  return `${JSON.stringify(writePublicInput(input), undefined, 4)}\n`;
}

/** The inverse of {@link writeAirPublicInput}; codes as `parseStoneJson`. Never throws. */
export function readAirPublicInput(text: string): Outcome<PublicInput> {
  const { jsonBytes } = LIMITS;
  return attempt(() => {
    demand(text.length <= jsonBytes, 'too_large', `≤ ${jsonBytes} characters`, text.length);
    return readPublicInput(parseJson(text));
  });
}

/** air-private-input.json: where trace and memory lie, and the builtins' instances. */
export function writeAirPrivateInput(
  layout: string,
  { pedersen, rangeCheck }: PrivateInput,
  paths: { readonly trace: string; readonly memory: string },
): string {
  const hex = (value: bigint): string => `0x${value.toString(16)}`;
  const instances = {
    pedersen: pedersen.map(({ index, x, y }) => ({ index, x: hex(x), y: hex(y) })),
    range_check: rangeCheck.map(({ index, value }) => ({ index, value: hex(value) })),
    ecdsa: [],
  };
  const places = { trace_path: paths.trace, memory_path: paths.memory };
  const file = layout === 'plain' ? places : { ...places, ...instances };
  return JSON.stringify(file, undefined, 4);
}

/**
 * A run's inputs: a JSON object of names to integers, as numbers of any length or as text, decimal
 * or 0x…; −n is p − n. Codes: as `parseStoneJson`, and `felt_range`. Never throws.
 */
export function readInputs(text: string): Outcome<ReadonlyMap<string, bigint>> {
  return attempt(() => {
    demand(text.length <= INPUTS_SIZE_MAX, 'too_large', INPUTS_SIZE_MAX, text.length);
    const file = new Fields(parseJson(text), 'inputs', undefined);
    return new Map(file.names().map((name) => [name, readInput(file.get(name), name)] as const));
  });
}

const INPUTS_SIZE_MAX = 1_048_576;

function readInput(value: JsonValue | undefined, name: string): bigint {
  const isNumber = value !== null && typeof value === 'object' && 'number' in value;
  const digits = isNumber ? value.number : value;
  if (typeof digits !== 'string' || !/^(?:-?[0-9]{1,78}|0x[0-9a-fA-F]{1,64})$/.test(digits))
    throw new Rejected('bad_number', `${name}: an integer, decimal or 0x…`, typeof value);
  const number = BigInt(digits);
  demand(number > -P && number < P, 'felt_range', `${name}: −p < n < p`, digits);
  return reduce(number);
}
