// The STARK: whether a proof is true.
import {
  add,
  airParameters,
  attemptTyped,
  Channel,
  composition,
  demand,
  evaluateNodes,
  evaluatePeriodic,
  type FiatShamir,
  friendlySeed,
  fromMontgomery,
  type Hashes,
  masked,
  mul,
  PoseidonChannel,
  type Proof,
  type ProofSize,
  pedersenChain,
  Rejected,
  type SeedVersion,
  transcriptSeed,
} from '@fatty/cairo-air';
import { type Deep, deepQuotient } from './deep.ts';
import { checkFri, readFriCommitment } from './fri.ts';
import { decommit, type Table } from './table.ts';
import { type Observer, Transcript } from './transcript.ts';
import { byteTree, friendlyTree, type TreeHash } from './tree-hash.ts';
import { checkWork } from './work.ts';

const PATH = '/cpu air/STARK';

/**
 * Checks a Stone proof against its public input: commitments and challenges, the identity at the
 * out-of-domain point, proof of work, then the decommitments. Cheapest first: garbage dies before
 * the first Merkle path, and getting further costs the sender its proof of work each time. `seeds`
 * are tried in turn: a wrong one fails that identity, and the failure reported is the first's.
 * @throws Rejected with a `parse` or `stark` code
 */
export function checkStark(
  hashes: Hashes,
  proof: Proof,
  size: ProofSize,
  [seed = 'stone6', ...others]: readonly SeedVersion[],
  observer?: Observer,
): void {
  try {
    checkSeeded(hashes, proof, size, seed, observer);
  } catch (error) {
    const isSeed = error instanceof Rejected && error.failure.code === 'bad_oods';
    if (!isSeed || others.length === 0) throw error;
    const next = attemptTyped(() => checkStark(hashes, proof, size, others, observer));
    if (!next.ok) throw error;
  }
}

function checkSeeded(
  hashes: Hashes,
  proof: Proof,
  size: ProofSize,
  seed: SeedVersion,
  observer?: Observer,
): void {
  const { parameters, proofBytes } = proof;
  const { domainLog } = size;
  const bytes = masked(hashes, size.commitmentHash);
  const layers = parameters.nVerifierFriendlyLayers;
  const hash = layers === 0 ? byteTree(bytes) : friendlyTree(bytes, layers);
  const transcript = new Transcript(proofBytes, openChannel(hashes, proof, size, seed), observer);
  const committed = readCommitments(transcript, proof, size);
  const { friStepList, lastLayerDegreeBound, powBits, nQueries } = parameters;
  const fri = readFriCommitment(transcript, domainLog, friStepList, lastLayerDegreeBound);
  checkWork(transcript, hashes[size.channelHash], powBits);
  const indices = transcript.queries(
    nQueries,
    2 ** domainLog,
    (i) => `${PATH}/FRI/QueryIndices: ${i}`,
  );
  const rows = readRows(transcript, hash, committed.tables, indices);
  const values = deepQuotient(committed.deep, indices, rows);
  checkFri(transcript, hash, fri, domainLog, values);
  transcript.end();
}

function openChannel(
  hashes: Hashes,
  { parameters, publicInput }: Proof,
  { layout, channelHash, friendlyChannel }: ProofSize,
  seed: SeedVersion,
): FiatShamir {
  if (!friendlyChannel)
    return new Channel(
      hashes[channelHash],
      transcriptSeed(publicInput, layout, hashes.keccak256, seed),
    );
  const { nVerifierFriendlyLayers: layers } = parameters;
  return new PoseidonChannel(friendlySeed(publicInput, layout, pedersenChain, seed, layers));
}

interface Committed {
  readonly tables: readonly Table[];
  readonly deep: Deep;
}

/** Trace, interaction and composition commitments, out-of-domain values and their identity. */
function readCommitments(transcript: Transcript, proof: Proof, size: ProofSize): Committed {
  const { layout, rowsLog, domainLog } = size;
  const { columnsFirst, columnsSecond, compositionColumns, interactionElements } = layout;
  const commit = (columns: number, at: string, i: number): Table => ({
    root: transcript.digest(() => `${PATH}/${at}/Commit on Trace: Commitment`),
    rowsLog: domainLog,
    columns,
    label: `${PATH}/FRI/Decommitment/Layer 0/Virtual Oracle/Trace ${i}`,
  });
  const random = 'Constraint polynomial random element';
  const first = commit(columnsFirst, 'Original', 0);
  const drawn = interactionElements.map((name, i): [string, bigint] => {
    const label = (): string => `${PATH}/Interaction: Interaction element #${i}`;
    return [name, transcript.challenge(label)];
  });
  const second = commit(columnsSecond, 'Interaction', 1);
  const constraintAlpha = transcript.challenge(() => `${PATH}/Original: ${random}`);
  const third = commit(compositionColumns, 'Out Of Domain Sampling', 2);
  const sampling = `${PATH}/Out Of Domain Sampling`;
  const z = transcript.challenge(() => `${sampling}/OODS values: Evaluation point`);
  const count = layout.mask.length + compositionColumns;
  const values = transcript.outOfDomain(count, `${sampling}/OODS values`);
  checkOutOfDomain(proof, size, new Map(drawn), values.map(fromMontgomery), z, constraintAlpha);
  const alpha = transcript.challenge(() => `${sampling}: ${random}`);
  const deep = { layout, rowsLog, domainLog, z, alpha, values };
  return { tables: [first, second, third], deep };
}

/**
 * The constraints at z, from the mask values, are the composition columns: C(z) = H0(z²) +
 * z·H1(z²).
 */
function checkOutOfDomain(
  { publicInput }: Proof,
  { layout, rowsLog }: ProofSize,
  interaction: ReadonlyMap<string, bigint>,
  values: readonly bigint[],
  z: bigint,
  alpha: bigint,
): void {
  const publicCells = 2 ** rowsLog / layout.rowsPerPublicCell;
  const parameters = airParameters(publicInput, interaction, publicCells);
  for (const column of layout.periodicColumns)
    parameters.set(column.name, evaluatePeriodic(column, z, rowsLog));
  const nodes = evaluateNodes(layout, values, parameters);
  const expected = composition(layout, rowsLog, nodes, z, alpha);
  const columns = values.slice(layout.mask.length);
  const actual = columns.reduceRight((sum, column) => add(mul(sum, z), column), 0n);
  const holds = expected === actual;
  demand(holds, 'bad_oods', `composition 0x${expected.toString(16)}`, `0x${actual.toString(16)}`);
}

/** All columns at the queries, table after table. */
function readRows(
  transcript: Transcript,
  hash: TreeHash,
  tables: readonly Table[],
  indices: readonly number[],
): bigint[][] {
  const parts = tables.map((table) => decommit(transcript, hash, table, indices, () => undefined));
  return indices.map((_, i) => parts.flatMap((rows) => rows[i] as bigint[]));
}
