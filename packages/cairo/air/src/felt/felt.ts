// Arithmetic of Cairo's prime field on BigInts.

/**
 * The prime field of Cairo, p = 2^251 + 17·2^192 + 1, as BigInts in 0..p−1.
 * This is the reference that every faster kernel is compared with.
 */
export const P: bigint = (1n << 251n) + 17n * (1n << 192n) + 1n;

/** Generates the whole multiplicative group; also the offset of the evaluation coset. */
export const GENERATOR = 3n;

/** Montgomery radix of Stone's byte form. */
const R: bigint = (1n << 256n) % P;

/** Reduces any BigInt into 0..p−1. */
export function reduce(a: bigint): bigint {
  const r = a % P;
  return r < 0n ? r + P : r;
}

/** a + b in the field; a and b in 0..p−1. */
export function add(a: bigint, b: bigint): bigint {
  const sum = a + b;
  return sum >= P ? sum - P : sum;
}

/** a − b in the field; a and b in 0..p−1. */
export function sub(a: bigint, b: bigint): bigint {
  return a >= b ? a - b : a - b + P;
}

/** a · b in the field; any size, but not negative. */
export function mul(a: bigint, b: bigint): bigint {
  return (a * b) % P;
}

/** a^e by squaring; e ≥ 0. */
export function pow(a: bigint, e: bigint): bigint {
  let result = 1n;
  let base = a;
  for (let left = e; left > 0n; left >>= 1n) {
    if (left & 1n) result = mul(result, base);
    base = mul(base, base);
  }
  return result;
}

/** 1/a, and 0 for 0, by the extended Euclidean algorithm. */
export function inverse(a: bigint): bigint {
  let [r0, r1] = [P, a];
  let [t0, t1] = [0n, 1n];
  while (r1 !== 0n) {
    const q = r0 / r1;
    [r0, r1] = [r1, r0 - q * r1];
    [t0, t1] = [t1, t0 - q * t1];
  }
  return a === 0n ? 0n : reduce(t0);
}

/**
 * Every inverse for the price of one inversion and three multiplications each. No entry may be 0.
 */
export function batchInverse(values: readonly bigint[]): bigint[] {
  const prefix: bigint[] = [];
  let product = 1n;
  for (const value of values) {
    prefix.push(product);
    product = mul(product, value);
  }
  let left = inverse(product);
  const result = Array.from(prefix);
  for (let i = values.length - 1; i >= 0; i--) {
    result[i] = mul(left, prefix[i] as bigint);
    left = mul(left, values[i] as bigint);
  }
  return result;
}

const roots: bigint[] = [];

/** A generator of the subgroup of 2^log elements, 0 ≤ log ≤ 192; computed once each. */
export function rootOfUnity(log: number): bigint {
  const root = roots[log] ?? pow(GENERATOR, (P - 1n) >> BigInt(log));
  roots[log] = root;
  return root;
}

/** The big-endian integer in `size` bytes from `at`; `size` a multiple of 8. */
export function readUint(bytes: Uint8Array, at: number, size: number): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let value = 0n;
  for (let i = at; i < at + size; i += 8) value = (value << 64n) | view.getBigUint64(i);
  return value;
}

/** 32 bytes, big-endian, of a value below 2^256. */
export function toBytes32(value: bigint): Uint8Array {
  const bytes = new Uint8Array(32);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < 4; i++)
    view.setBigUint64(24 - 8 * i, BigInt.asUintN(64, value >> BigInt(64 * i)));
  return bytes;
}

const R_INVERSE: bigint = inverse(R);

/** Standard value of a Montgomery form. */
export function fromMontgomery(a: bigint): bigint {
  return mul(a, R_INVERSE);
}

/** Montgomery form a·2^256 mod p: how Stone writes field elements into a proof. */
export function toMontgomery(a: bigint): bigint {
  return mul(a, R);
}
