// Values of the machine: field elements and pointers.
import {
  add as addFelts,
  mul as mulFelts,
  P,
  reduce,
  sub as subtractFelts,
} from '@fatty/cairo-air';
import { printFelt } from '../assembler/print.ts';
import { RunError } from './failure.ts';

/**
 * A pointer into a segment whose place in memory is decided after the run. `offset` may be negative
 * while a program computes with it, but not when it is used.
 */
export class Address {
  readonly segment: number;
  readonly offset: number;
  constructor(segment: number, offset: number) {
    this.segment = segment;
    this.offset = offset;
  }

  /** @throws RunError `bad_address` when the offset leaves ±2^50 */
  plus(distance: number): Address {
    return new Address(this.segment, checked(this.offset + distance));
  }

  toString(): string {
    return `${this.segment}:${this.offset}`;
  }
}

/** What a memory cell holds: an element of the field, or a pointer. */
export type Value = bigint | Address;

const OFFSET_MAX = 2 ** 50;

function checked(offset: number): number {
  if (Math.abs(offset) < OFFSET_MAX) return offset;
  throw new RunError('bad_address', 'an offset within ±2^50', `${offset}`);
}

/** A field element as a signed distance. @throws RunError `bad_address` beyond ±2^50 */
function distanceOf(value: bigint): number {
  return checked(Number(value > P / 2n ? value - P : value));
}

/** @throws RunError `bad_value` for the sum of two pointers */
export function add(a: Value, b: Value): Value {
  if (typeof a === 'bigint' && typeof b === 'bigint') return addFelts(a, b);
  if (typeof a === 'bigint') return add(b, a);
  if (typeof b === 'bigint') return a.plus(distanceOf(b));
  throw new RunError('bad_value', 'at most one pointer in a sum', `${show(a)} + ${show(b)}`);
}

/** @throws RunError `bad_value` for number − pointer, or pointers of two segments */
export function sub(a: Value, b: Value): Value {
  if (typeof b === 'bigint') return add(a, subtractFelts(0n, b));
  if (typeof a !== 'bigint' && a.segment === b.segment) return reduce(BigInt(a.offset - b.offset));
  throw new RunError('bad_value', 'pointers of one segment', `${show(a)} - ${show(b)}`);
}

/** @throws RunError `bad_value` for a pointer */
export function mul(a: Value, b: Value): bigint {
  if (typeof a === 'bigint' && typeof b === 'bigint') return mulFelts(a, b);
  throw new RunError('bad_value', 'numbers in a product', `${show(a)} * ${show(b)}`);
}

/** Whether two values are one; a number is never a pointer. */
export function same(a: Value, b: Value): boolean {
  if (typeof a === 'bigint' || typeof b === 'bigint') return a === b;
  return a.segment === b.segment && a.offset === b.offset;
}

/** For people: numbers as in assembly, pointers as segment:offset. */
export function show(value: Value | undefined): string {
  if (value === undefined) return 'nothing';
  return typeof value === 'bigint' ? printFelt(value) : value.toString();
}
