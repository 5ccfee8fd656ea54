// The verifier's side of FRI: layer commitments, foldings, the last layer.
import { add, Domain, demand, mul, sub } from '@fatty/cairo-air';
import { decommit, type Table } from './table.ts';
import type { Transcript } from './transcript.ts';
import type { TreeHash } from './tree-hash.ts';

/** One committed FRI layer and the challenge that folds it into the next. */
interface FriLayer {
  readonly table: Table;
  readonly step: number;
  readonly point: bigint;
}

/** What the prover committed to before the queries were drawn. */
export interface FriCommitment {
  readonly layers: readonly FriLayer[];
  /** Coefficients of the last layer, lowest first, Montgomery form. */
  readonly lastLayer: readonly bigint[];
}

const PATH = '/cpu air/STARK/FRI';

/**
 * The commit phase: roots and challenges alternate, the first root before the first challenge
 * because the first step is 0. A row of layer i holds the 2^step values that fold into one.
 */
export function readFriCommitment(
  transcript: Transcript,
  domainLog: number,
  steps: readonly number[],
  lastLayerSize: number,
): FriCommitment {
  const layers: FriLayer[] = [];
  let log = domainLog;
  for (const [i, step] of steps.slice(1).entries()) {
    const root = transcript.digest(() => `${PATH}/Commitment/Layer ${i + 1}: Commitment`);
    const point = transcript.challenge(() => `${PATH}/Commitment/Layer ${i + 2}: Evaluation point`);
    log -= step;
    const label = `${PATH}/Decommitment/Layer ${i + 1}`;
    layers.push({ table: { root, rowsLog: log, columns: 2 ** step, label }, step, point });
  }
  const lastLayer = transcript.felts(
    lastLayerSize,
    () => `${PATH}/Commitment/Last Layer: Coefficients`,
  );
  return { layers, lastLayer };
}

/**
 * The query phase: every layer is decommitted where the one before folds to, and the last folded
 * values are compared with the last layer's polynomial. `values` maps ascending indices of the
 * evaluation domain to the first layer's values (Montgomery form; all of this is linear in them).
 * @throws Rejected `truncated felt_range bad_merkle bad_fri`
 */
export function checkFri(
  transcript: Transcript,
  hash: TreeHash,
  { layers, lastLayer }: FriCommitment,
  domainLog: number,
  values: ReadonlyMap<number, bigint>,
): void {
  let current = values;
  let domain = new Domain(domainLog);
  for (const layer of layers) {
    current = foldLayer(transcript, hash, layer, domain, current);
    domain = new Domain(domain.log - layer.step);
  }
  for (const [index, value] of current) {
    const expected = evaluatePolynomial(lastLayer, domain.at(index));
    demand(value === expected, 'bad_fri', 'the last layer at the folded query', `index ${index}`);
  }
}

function foldLayer(
  transcript: Transcript,
  hash: TreeHash,
  { table, step, point }: FriLayer,
  domain: Domain,
  values: ReadonlyMap<number, bigint>,
): Map<number, bigint> {
  const width = 2 ** step;
  const indices = [...new Set([...values.keys()].map((index) => Math.floor(index / width)))];
  const known = (row: number, column: number): bigint | undefined =>
    values.get(row * width + column);
  const rows = decommit(transcript, hash, table, indices, known);
  return new Map(
    rows.map((row, i) => [indices[i] as number, fold(row, i, indices, point, domain)]),
  );
}

/** Folds one row of 2^step values, neighbours (x, −x) first, into one. */
function fold(
  row: readonly bigint[],
  i: number,
  indices: readonly number[],
  point: bigint,
  domain: Domain,
): bigint {
  const start = (indices[i] as number) * row.length;
  let values = row;
  let inverses = row.filter((_, j) => j % 2 === 0).map((_, j) => domain.inverseAt(start + 2 * j));
  let beta = point;
  while (values.length > 1) {
    values = foldPairs(values, inverses, beta);
    inverses = inverses.filter((_, j) => j % 2 === 0).map((x) => mul(x, x));
    beta = mul(beta, beta);
  }
  return values[0] as bigint;
}

/**
 * f(x) + f(−x) + beta/x · (f(x) − f(−x)): twice the even part plus beta times twice the odd part.
 */
function foldPairs(values: readonly bigint[], inverses: readonly bigint[], beta: bigint): bigint[] {
  return inverses.map((inverted, j) => {
    const [plus, minus] = [values[2 * j] as bigint, values[2 * j + 1] as bigint];
    return add(add(plus, minus), mul(mul(beta, inverted), sub(plus, minus)));
  });
}

function evaluatePolynomial(coefficients: readonly bigint[], x: bigint): bigint {
  return coefficients.reduceRight((sum, coefficient) => add(mul(sum, x), coefficient), 0n);
}
