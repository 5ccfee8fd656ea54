// Memory of a run: segments whose cells are written once.
import { RunError } from './failure.ts';
import { Address, same, show, type Value } from './value.ts';

/** Looks at a value before it is written into its segment. @throws RunError */
export type WriteRule = (address: Address, value: Value) => void;

/** Cells beyond this offset are refused: no honest run of 2^20 steps gets there. */
const OFFSET_END = 2 ** 30;

/** Write-once memory in segments; remembers the order of first writes, as memory.bin has it. */
export class Memory {
  readonly #segments: Map<number, Value>[] = [];
  readonly #sizes: number[] = [];
  readonly #rules: (WriteRule | undefined)[] = [];
  readonly #order: Address[] = [];

  addSegment(rule?: WriteRule): Address {
    this.#segments.push(new Map());
    this.#sizes.push(0);
    this.#rules.push(rule);
    return new Address(this.#segments.length - 1, 0);
  }

  get segments(): number {
    return this.#segments.length;
  }

  /** One more than the highest offset written. */
  size(segment: number): number {
    return this.#sizes[segment] ?? 0;
  }

  /** Addresses in the order of their first write. */
  get order(): readonly Address[] {
    return this.#order;
  }

  /** Undefined where nothing was written; a number is no address, so nothing is there either. */
  get(address: Value): Value | undefined {
    if (typeof address === 'bigint') return undefined;
    return this.#segments[address.segment]?.get(address.offset);
  }

  /** @throws RunError `unknown_cell` */
  read(address: Value): Value {
    const value = this.get(address);
    if (value === undefined)
      throw new RunError('unknown_cell', 'a known cell', `[${show(address)}]`);
    return value;
  }

  /** @throws RunError `bad_address memory_conflict`, and what the segment's rule throws */
  set(address: Value, value: Value): void {
    if (typeof address === 'bigint' || address.offset < 0 || address.offset >= OFFSET_END)
      throw new RunError('bad_address', `an address below ${OFFSET_END}`, show(address));
    const { segment, offset } = address;
    const cells = this.#segments[segment];
    const old = cells?.get(offset);
    if (old !== undefined) {
      if (same(old, value)) return;
      const expected = `${show(old)}, which [${show(address)}] holds since it was written`;
      throw new RunError('memory_conflict', expected, show(value));
    }
    this.#rules[segment]?.(address, value);
    cells?.set(offset, value);
    this.#order.push(address);
    this.#sizes[segment] = Math.max(this.size(segment), offset + 1);
  }
}
