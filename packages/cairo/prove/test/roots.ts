// Roots of polynomials over the field, for points that a test needs.
import { add, inverse, mul, P, sub } from '../../air/src/felt/felt.ts';

/** Coefficients, lowest first, the highest not zero. */
type Polynomial = readonly bigint[];

function trim(polynomial: readonly bigint[]): Polynomial {
  let size = polynomial.length;
  while (size > 0 && polynomial[size - 1] === 0n) size--;
  return polynomial.slice(0, size);
}

const times = (a: Polynomial, b: Polynomial): Polynomial => {
  const product = Array.from({ length: Math.max(0, a.length + b.length - 1) }, () => 0n);
  for (const [i, x] of a.entries())
    for (const [j, y] of b.entries()) product[i + j] = add(product[i + j] ?? 0n, mul(x, y));
  return trim(product);
};

const minus = (a: Polynomial, b: Polynomial): Polynomial =>
  trim(Array.from({ length: Math.max(a.length, b.length) }, (_, i) => sub(a[i] ?? 0n, b[i] ?? 0n)));

function divided(a: Polynomial, by: Polynomial): { quotient: Polynomial; rest: Polynomial } {
  const rest = [...a];
  const scale = inverse(by.at(-1) ?? 0n);
  const quotient: bigint[] = [];
  for (let i = a.length - by.length; i >= 0; i--) {
    const factor = mul(rest[i + by.length - 1] ?? 0n, scale);
    quotient[i] = factor;
    for (const [j, one] of by.entries()) rest[i + j] = sub(rest[i + j] ?? 0n, mul(factor, one));
  }
  return { quotient: trim(quotient), rest: trim(rest) };
}

const gcd = (a: Polynomial, b: Polynomial): Polynomial =>
  b.length === 0 ? a : gcd(b, divided(a, b).rest);

function powerModulo(base: Polynomial, exponent: bigint, modulus: Polynomial): Polynomial {
  let result: Polynomial = [1n];
  let power = divided(base, modulus).rest;
  for (let e = exponent; e > 0n; e >>= 1n) {
    if (e & 1n) result = divided(times(result, power), modulus).rest;
    power = divided(times(power, power), modulus).rest;
  }
  return result;
}

/** The polynomial of degree below `size` that has the values of `at` at 1, 2, …, `size`. */
function interpolated(size: number, at: (x: bigint) => bigint): Polynomial {
  let sum: Polynomial = [];
  for (let i = 1n; i <= BigInt(size); i++) {
    let basis: Polynomial = [at(i)];
    for (let j = 1n; j <= BigInt(size); j++)
      if (i !== j) basis = times(basis, [sub(0n, j), 1n]).map((c) => mul(c, inverse(sub(i, j))));
    sum = minus(sum, minus([], basis));
  }
  return sum;
}

/** Equal-degree splitting of what is a product of different x − root. */
function split(polynomial: Polynomial, shift: bigint): bigint[] {
  if (polynomial.length <= 1) return [];
  if (polynomial.length === 2)
    return [mul(sub(0n, polynomial[0] ?? 0n), inverse(polynomial[1] ?? 0n))];
  const half = powerModulo([shift, 1n], (P - 1n) / 2n, polynomial);
  const part = gcd(polynomial, minus(half, [1n]));
  const isPart = part.length > 1 && part.length < polynomial.length;
  if (!isPart) return split(polynomial, shift + 1n);
  return [...split(part, shift + 1n), ...split(divided(polynomial, part).quotient, shift + 1n)];
}

/** All roots in the field of a polynomial of degree below `size`, given by its values. */
export function rootsOf(size: number, at: (x: bigint) => bigint): bigint[] {
  const polynomial = interpolated(size, at);
  if (polynomial.length < 2) return [];
  const linear = gcd(polynomial, minus(powerModulo([0n, 1n], P, polynomial), [0n, 1n]));
  return split(linear, 1n);
}
