import type { Layout } from '../air/expression.ts';
import { PLAIN } from '../air/plain.ts';
import { P } from '../felt/felt.ts';
import { LIMITS, type Proof, type ProofParameters, type PublicInput } from '../proof/proof.ts';
import { demand, Rejected } from '../proof/rejected.ts';
import { byteHash, type CommitmentHash, commitmentHash, type Hashes } from './hashes.ts';

/**
 * The counts that bound all work of a verification, and the hashes it uses; known before it
 * starts.
 */
export interface ProofSize {
  readonly layout: Layout;
  readonly channelHash: keyof Hashes;
  readonly commitmentHash: CommitmentHash;
  /** log2 of trace rows, of the evaluation domain, and of the last FRI layer's degree bound. */
  readonly rowsLog: number;
  readonly domainLog: number;
  readonly lastLayerLog: number;
}

const LAYOUTS: ReadonlyMap<string, Layout> = new Map([[PLAIN.name, PLAIN]]);
const N_STEPS_LOG_MAX = 24;
const N_COSETS_LOG_MAX = 6;
const N_QUERIES_MAX = 512;
const POW_BITS_MAX = 64;
const FRI_STEP_MAX = 4;
const LAST_LAYER_LOG_MAX = 10;

/**
 * @throws Rejected `unsupported_layout unsupported_hash bad_counts felt_range too_large` for a proof
 * that this verifier could not check whatever its bytes are
 */
export function readSizes(proof: Proof): ProofSize {
  const { parameters, publicInput, proofBytes } = proof;
  const layout = LAYOUTS.get(publicInput.layout);
  if (layout === undefined)
    throw new Rejected('unsupported_layout', [...LAYOUTS.keys()].join(' '), publicInput.layout);
  const hashes = readHashes(parameters);
  const { proofBytes: max } = LIMITS;
  demand(proofBytes.length <= max, 'too_large', `≤ ${max} bytes`, proofBytes.length);
  const { nSteps, dynamicParams } = publicInput;
  const rowsLog = exactLog(nSteps, 'n_steps', N_STEPS_LOG_MAX) + Math.log2(layout.rowsPerStep);
  demand(rowsLog >= 6, 'bad_counts', 'at least 4 steps', nSteps);
  demand(dynamicParams.length === 0, 'bad_counts', 'no dynamic params', dynamicParams.length);
  readMemory(publicInput, 2 ** rowsLog / layout.rowsPerPublicCell);
  const lastLayerLog = readFri(parameters, rowsLog);
  return { layout, ...hashes, rowsLog, domainLog: rowsLog + parameters.logNCosets, lastLayerLog };
}

function readHashes(
  parameters: ProofParameters,
): Pick<ProofSize, 'channelHash' | 'commitmentHash'> {
  const { channelHash: channel, commitmentHash: commitment, powHash, pageHash } = parameters;
  const base = byteHash(channel);
  const table = commitmentHash(commitment);
  const supported = 'keccak256 blake256';
  if (base === undefined) throw new Rejected('unsupported_hash', `channel ${supported}`, channel);
  if (table === undefined)
    throw new Rejected('unsupported_hash', `commitment ${supported}`, commitment);
  demand(powHash === channel, 'unsupported_hash', `proof of work ${channel}`, powHash);
  demand(pageHash === 'keccak256', 'unsupported_hash', 'page keccak256', pageHash);
  const { nVerifierFriendlyLayers: layers, verifierFriendlyChannel } = parameters;
  demand(layers === 0, 'unsupported_hash', 'no verifier-friendly layers', layers);
  demand(!verifierFriendlyChannel, 'unsupported_hash', 'a byte channel', 'verifier-friendly');
  return { channelHash: base, commitmentHash: table };
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
  const sum = others.reduce((all, step) => all + step, 0) + lastLog;
  demand(sum === rowsLog, 'bad_counts', `fri steps down from 2^${rowsLog}`, `2^${sum}`);
  return lastLog;
}
