// A run to a proof, phase by phase.
import {
  airParameters,
  Channel,
  type Hashes,
  type Proof,
  type ProofParameters,
  type ProofSize,
  transcriptSeed,
} from '@fatty/cairo-air';
import { concatBytes } from '@fatty/codec';
import type { Kernels, Vector } from '../kernels/kernels.ts';
import { Transforms } from '../kernels/transform.ts';
import { checkSteps } from './check.ts';
import { Commitment, type Geometry } from './commitment.ts';
import { composeConstraints } from './composition.ts';
import { Fri } from './fri.ts';
import { interactionColumns } from './interaction.ts';
import { compileComposition } from './program.ts';
import { samplePoint } from './sampling.ts';
import { fillTable, type ProvableRun, type TraceTable } from './table.ts';
import { Writer } from './writer.ts';

/** What the prover does, in order. */
export const PHASES = [
  'trace',
  'commit',
  'interaction',
  'composition',
  'sampling',
  'fri',
  'work',
  'queries',
] as const;

/** One of {@link PHASES}. */
export type Phase = (typeof PHASES)[number];

/** `fraction` of a phase is done, 0..1. */
export interface Progress {
  readonly phase: Phase;
  readonly fraction: number;
}

const MAGIC = Uint8Array.of(0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xed);
const NONCES_PER_TURN = 2 ** 14;

/** Everything fixed before the first byte. */
export interface Job {
  readonly hashes: Hashes;
  readonly kernels: Kernels;
  readonly run: ProvableRun;
  readonly parameters: ProofParameters;
  readonly size: ProofSize;
}

/**
 * Stone's prover for a layout with one interaction: commitments to the trace, to the running
 * products and to the composition of all constraints, values at a random point, FRI, proof of work,
 * queries. Deterministic: it draws nothing, and takes the smallest nonce.
 * @throws ProverError `bad_run no_room`
 */
export function* proveRun(job: Job): Generator<Progress, Proof> {
  const { hashes, kernels, run, parameters, size } = job;
  const { layout, rowsLog } = size;
  const { publicInput } = run;
  const turn = (phase: Phase, fraction: number): Progress => ({ phase, fraction });
  yield turn('trace', 0);
  const table = fillTable(run);
  yield turn('trace', 0.5);
  checkSteps(layout, table, publicInput);
  const cosetsLog = parameters.logNCosets;
  const transforms = new Transforms(kernels, rowsLog + 1);
  // Beyond that, keeping the values is cheaper than computing them again for every query.
  const keep = parameters.nQueries > 2 * 2 ** cosetsLog;
  const geometry: Geometry = { kernels, transforms, rowsLog, cosetsLog };
  const seed = transcriptSeed(publicInput, layout, hashes.keccak256);
  const writer = new Writer(new Channel(hashes[size.channelHash], seed));

  const first = new Commitment(geometry, traceColumns(geometry, table), keep);
  writer.say(yield* during('commit', first.commit()));
  const drawn = new Map(
    layout.interactionElements.map((name) => [name, writer.channel.felt()] as const),
  );
  yield turn('interaction', 0);
  const publicCells = 2 ** rowsLog / layout.rowsPerPublicCell;
  const known = airParameters(publicInput, drawn, publicCells);
  const product = known.get('memory_product') as bigint;
  const products = interactionColumns(kernels, table, drawn, product);
  interpolateRows(geometry, products);
  const second = new Commitment(geometry, products, keep);
  writer.say(yield* during('interaction', second.commit()));

  const program = compileComposition(layout, known, writer.channel.felt());
  const composed = composeConstraints(geometry, layout, program, [
    ...first.columns,
    ...second.columns,
  ]);
  const halves = yield* during('composition', composed, 0, 0.5);
  const third = new Commitment(geometry, halves, keep);
  const commitments = [first, second, third];
  writer.say(yield* during('composition', third.commit(), 0.5));

  yield turn('sampling', 0);
  const deep = samplePoint(
    geometry,
    layout,
    writer,
    commitments.flatMap((one) => one.columns),
  );
  const fri = new Fri(geometry);
  yield* during('fri', fri.commit(writer, deep, parameters.friStepList.slice(1)));
  yield* during('work', work(job, writer));
  const indices = writer.queries(parameters.nQueries, 2 ** size.domainLog);
  for (const [i, commitment] of commitments.entries()) {
    yield turn('queries', i / commitments.length);
    commitment.open(writer, indices);
  }
  fri.open(writer, indices);
  return { parameters, publicInput, proofBytes: writer.finish() };
}

/** Turns the fractions of a part, that is `from`..`to` of its phase, into progress. */
function* during<T>(
  phase: Phase,
  work: Generator<number, T>,
  from = 0,
  to = 1,
): Generator<Progress, T> {
  yield { phase, fraction: from };
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
    yield { phase, fraction: from + value * (to - from) };
  }
}

function traceColumns(geometry: Geometry, table: TraceTable): Vector[] {
  const { kernels } = geometry;
  const columns = table.columns.map((values) => {
    const column = kernels.vector(table.rows);
    kernels.write(column, values);
    return column;
  });
  interpolateRows(geometry, columns);
  return columns;
}

/** Values on the trace's rows in natural order become coefficients, in place. */
function interpolateRows({ kernels, transforms }: Geometry, columns: readonly Vector[]): void {
  kernels.together(
    columns.map((column) => () => {
      const values = kernels.vector(column.length);
      kernels.reverse(values, column);
      transforms.interpolate(values, 1n);
      kernels.copy(column, 1, values, 1, column.length);
    }),
  );
}

/** Finds and says the smallest nonce; nothing for 0 bits. */
function* work(job: Job, writer: Writer): Generator<number, void> {
  const { kernels, hashes, parameters, size } = job;
  const { powBits: bits } = parameters;
  if (bits === 0) return;
  const { channel } = writer;
  const challenge = hashes[size.channelHash](
    concatBytes(MAGIC, channel.state, Uint8Array.of(bits)),
  );
  for (let first = 0; ; first += NONCES_PER_TURN) {
    const nonce = kernels.grind(challenge, bits, first, NONCES_PER_TURN);
    // The share of the search that is behind us in half of all cases.
    yield 1 - 2 ** (-first / 2 ** bits);
    if (nonce === undefined) continue;
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(nonce));
    writer.say(bytes);
    return;
  }
}
