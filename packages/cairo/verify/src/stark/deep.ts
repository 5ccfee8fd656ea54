// The DEEP quotient at the queried points.
import {
  add,
  batchInverse,
  Domain,
  demand,
  GENERATOR,
  type Layout,
  mul,
  pow,
  reduce,
  rootOfUnity,
  sub,
} from '@fatty/cairo-air';

/** Out-of-domain values and challenges of the DEEP quotient; `values` in Montgomery form. */
export interface Deep {
  readonly layout: Layout;
  readonly rowsLog: number;
  readonly domainLog: number;
  /** The out-of-domain point. */
  readonly z: bigint;
  readonly alpha: bigint;
  /** Mask values in mask order, then the composition columns. */
  readonly values: readonly bigint[];
}

/** All terms with one denominator x − point: Σ coefficient · column(x) − constant. */
interface Group {
  readonly point: bigint;
  readonly terms: { readonly column: number; readonly coefficient: bigint }[];
  constant: bigint;
}

/** The terms alpha^i · (column(x) − value_i) / (x − z·g^row), gathered by row. */
function groups({ layout, rowsLog, z, alpha, values }: Deep): Group[] {
  const generator = rootOfUnity(rowsLog);
  const byRow = new Map<number, Group>();
  const composition: Group = { point: mul(z, z), terms: [], constant: 0n };
  const columns = layout.columnsFirst + layout.columnsSecond;
  let coefficient = 1n;
  for (const [i, value] of values.entries()) {
    const cell = layout.mask[i];
    const row = cell?.row ?? 0;
    const known = cell === undefined ? composition : byRow.get(row);
    const point = mul(z, pow(generator, BigInt(row)));
    const group = known ?? { point, terms: [], constant: 0n };
    if (known === undefined) byRow.set(row, group);
    const column = cell?.column ?? columns + i - layout.mask.length;
    group.terms.push({ column, coefficient });
    group.constant = add(group.constant, mul(coefficient, value));
    coefficient = mul(coefficient, alpha);
  }
  return [...byRow.values(), composition];
}

/**
 * The first FRI layer at the queries: `rows[i]` are all columns (trace, then composition) at
 * `indices[i]`, Montgomery form, and so is the answer.
 * @throws Rejected `bad_point` when the out-of-domain point is in the evaluation domain
 */
export function deepQuotient(
  deep: Deep,
  indices: readonly number[],
  rows: readonly (readonly bigint[])[],
): Map<number, bigint> {
  const domain = new Domain(deep.domainLog);
  const all = groups(deep);
  const denominators = indices.flatMap((index) => {
    const x = mul(GENERATOR, domain.at(index));
    return all.map((group) => sub(x, group.point));
  });
  demand(!denominators.includes(0n), 'bad_point', 'a point out of the domain', 'a query');
  const inverses = batchInverse(denominators);
  const quotient = (row: readonly bigint[], i: number): bigint => {
    let sum = 0n;
    all.forEach(({ terms, constant }, j) => {
      let numerator = 0n;
      for (const { column, coefficient } of terms)
        numerator += coefficient * (row[column] as bigint);
      sum += (numerator - constant) * (inverses[i * all.length + j] as bigint);
    });
    return sum;
  };
  return new Map(rows.map((row, i) => [indices[i] as number, reduce(quotient(row, i))]));
}
