// The sizes of a proof, read from its parameters and checked before any work.
import { P } from '../felt/felt.ts';
import type { Layout } from '../layouts/expression.ts';
import { layoutNamed } from '../layouts/layouts.ts';
import { LIMITS, type Proof, type ProofParameters, type PublicInput } from '../proof/proof.ts';
import { demand, Rejected } from '../proof/rejected.ts';
import { byteHash, type CommitmentHash, commitmentHash, type Hashes } from './hashes.ts';
import { readPages } from './pages.ts';

/**
 * The counts that bound all work of a verification, and the hashes it uses; known before it
 * starts.
 */
export interface ProofSize {
  readonly layout: Layout;
  /** Of the channel and of proof of work; a verifier-friendly channel uses it for work alone. */
  readonly channelHash: keyof Hashes;
  /** Whether the channel is Poseidon's. */
  readonly friendlyChannel: boolean;
  readonly commitmentHash: CommitmentHash;
  /** log2 of trace rows, of the evaluation domain, and of the last FRI layer's degree bound. */
  readonly rowsLog: number;
  readonly domainLog: number;
  readonly lastLayerLog: number;
}

const POSEIDON = 'poseidon3';
const N_STEPS_LOG_MAX = 24;
const N_COSETS_LOG_MAX = 6;
const N_QUERIES_MAX = 512;
const POW_BITS_MAX = 64;
const FRI_STEP_MAX = 4;
const LAST_LAYER_LOG_MAX = 10;
/** More than any tree has; Stone's way to say “all of them”. */
const FRIENDLY_LAYERS_MAX = 9999;
/** A Pedersen hash takes 0.3 ms or more, and there are two per public cell. */
const PEDERSEN_CELLS_MAX = 1024;

/**
 * @throws Rejected `unsupported_layout unsupported_hash bad_counts felt_range too_large pages` for a
 * proof that this verifier could not check whatever its bytes are
 */
export function readSizes(proof: Proof): ProofSize {
  const { parameters, publicInput, proofBytes } = proof;
  const layout = layoutNamed(publicInput.layout);
  const hashes = readHashes(parameters);
  const { proofBytes: max } = LIMITS;
  demand(proofBytes.length <= max, 'too_large', `≤ ${max} bytes`, proofBytes.length);
  const { nSteps, dynamicParams } = publicInput;
  const rowsLog = exactLog(nSteps, 'n_steps', N_STEPS_LOG_MAX) + Math.log2(layout.rowsPerStep);
  const stepsMin = layout.rowsMin / layout.rowsPerStep;
  demand(nSteps >= stepsMin, 'bad_counts', `at least ${stepsMin} steps`, nSteps);
  demand(dynamicParams.length === 0, 'bad_counts', 'no dynamic params', dynamicParams.length);
  const cellsMax = 2 ** rowsLog / layout.rowsPerPublicCell;
  readMemory(
    publicInput,
    hashes.friendlyChannel ? Math.min(cellsMax, PEDERSEN_CELLS_MAX) : cellsMax,
  );
  const lastLayerLog = readFri(parameters, rowsLog);
  return { layout, ...hashes, rowsLog, domainLog: rowsLog + parameters.logNCosets, lastLayerLog };
}

type ProofHashes = Pick<ProofSize, 'channelHash' | 'friendlyChannel' | 'commitmentHash'>;

function readHashes(parameters: ProofParameters): ProofHashes {
  const { channelHash, commitmentHash: commitment } = parameters;
  const table = commitmentHash(commitment);
  if (table === undefined)
    throw new Rejected('unsupported_hash', 'commitment keccak256 blake256', commitment);
  return channelHash === POSEIDON
    ? readFriendlyHashes(parameters, table)
    : readByteHashes(parameters, table);
}

function readByteHashes(parameters: ProofParameters, table: CommitmentHash): ProofHashes {
  const { channelHash: channel, powHash, pageHash } = parameters;
  const base = byteHash(channel);
  const supported = `channel keccak256 blake256 ${POSEIDON}`;
  if (base === undefined) throw new Rejected('unsupported_hash', supported, channel);
  demand(powHash === channel, 'unsupported_hash', `proof of work ${channel}`, powHash);
  demand(pageHash === 'keccak256', 'unsupported_hash', 'page keccak256', pageHash);
  const { nVerifierFriendlyLayers: layers, verifierFriendlyChannel } = parameters;
  demand(layers === 0, 'unsupported_hash', 'no verifier-friendly layers', layers);
  demand(!verifierFriendlyChannel, 'unsupported_hash', 'a byte channel', 'verifier-friendly');
  return { channelHash: base, friendlyChannel: false, commitmentHash: table };
}

/** Digests go into the channel as field elements, so that they must be masked below p. */
function readFriendlyHashes(parameters: ProofParameters, table: CommitmentHash): ProofHashes {
  const { pageHash, nVerifierFriendlyLayers: layers, verifierFriendlyHash } = parameters;
  const powHash = byteHash(parameters.powHash);
  if (powHash === undefined)
    throw new Rejected('unsupported_hash', 'work keccak256 blake256', parameters.powHash);
  demand(pageHash === 'pedersen', 'unsupported_hash', 'page pedersen', pageHash);
  const { verifierFriendlyChannel: friendly, commitmentHash: name } = parameters;
  demand(friendly, 'unsupported_hash', 'a verifier-friendly channel', 'a byte channel');
  demand(table.from > 0, 'unsupported_hash', 'a commitment masked to its low bits', name);
  const holds = layers <= FRIENDLY_LAYERS_MAX;
  demand(holds, 'bad_counts', `≤ ${FRIENDLY_LAYERS_MAX} verifier-friendly layers`, layers);
  const inner = layers === 0 || verifierFriendlyHash === POSEIDON;
  demand(inner, 'unsupported_hash', `verifier-friendly ${POSEIDON}`, verifierFriendlyHash);
  return { channelHash: powHash, friendlyChannel: true, commitmentHash: table };
}

function exactLog(value: number, name: string, max: number): number {
  const log = Math.round(Math.log2(value));
  const holds = value >= 1 && log <= max && 2 ** log === value;
  demand(holds, 'bad_counts', `${name} a power of two ≤ 2^${max}`, value);
  return log;
}

function readMemory(input: PublicInput, cellsMax: number): void {
  const { rcMin, rcMax, publicMemory } = input;
  const count = publicMemory.length;
  demand(count >= 1 && count <= cellsMax, 'bad_counts', `1..${cellsMax} public cells`, count);
  const holds = rcMin <= rcMax && rcMax < 2 ** 16;
  demand(holds, 'bad_counts', '0 ≤ rc_min ≤ rc_max < 2^16', `${rcMin}, ${rcMax}`);
  const reduced = publicMemory.every(({ value }) => value >= 0n && value < P);
  demand(reduced, 'felt_range', 'public values below p', 'one at or above p');
  readPages(input);
}

/** Checks the FRI parameters and answers log2 of the last layer's degree bound. */
function readFri(parameters: ProofParameters, rowsLog: number): number {
  const { friStepList: steps, nQueries, powBits, logNCosets, lastLayerDegreeBound } = parameters;
  const between = (name: string, value: number, min: number, max: number): void =>
    demand(value >= min && value <= max, 'bad_counts', `${name} ${min}..${max}`, value);
  between('n_queries', nQueries, 1, N_QUERIES_MAX);
  between('proof_of_work_bits', powBits, 0, POW_BITS_MAX);
  between('log_n_cosets', logNCosets, 1, N_COSETS_LOG_MAX);
  const lastLog = exactLog(lastLayerDegreeBound, 'last_layer_degree_bound', LAST_LAYER_LOG_MAX);
  const [first, ...others] = steps;
  const shape = first === 0 && others.length > 0;
  demand(shape, 'bad_counts', 'fri steps 0, then others', steps.join(' '));
  for (const step of others) between('fri step', step, 1, FRI_STEP_MAX);
  const sum = others.reduce((all, step) => all + step, 0);
  const wanted = `fri steps of sum ${rowsLog - lastLog} (2^${rowsLog} rows, last layer 2^${lastLog})`;
  demand(sum === rowsLog - lastLog, 'bad_counts', wanted, `${steps.join(' ')}, sum ${sum}`);
  return lastLog;
}
