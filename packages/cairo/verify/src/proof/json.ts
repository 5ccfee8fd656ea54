// Stone's JSON: proof parameters, public input, proof bytes, read and written.
import {
  attempt,
  attemptTyped,
  byteHash,
  demand,
  Fields,
  type JsonValue,
  LIMITS,
  layoutNamed,
  type Proof,
  type ProofParameters,
  type PublicCell,
  type PublicInput,
  parseJson,
  Rejected,
  readInteger,
} from '@fatty/cairo-air';
import { fromHex, toHex } from '@fatty/codec';
import type { Outcome } from '@fatty/interface';

const UINT16 = 0xffff;
const UINT32 = 0xffffffff;

const KEYS: readonly string[] = [
  'proof_parameters',
  'public_input',
  'proof_hex',
  'annotations',
  'extra_annotations',
  'private_input',
  'prover_config',
  'version',
];

/**
 * Reads Stone's JSON: `proof_parameters`, `public_input`, `proof_hex`; what else Stone writes into
 * the file (annotations, private input, prover configuration, version) is not looked at, any other
 * key is refused. Absent parameters, and those that are `null`, get Stone's defaults; hex may be in
 * either case. Never throws. Codes: `too_large malformed duplicate_key unknown_key wrong_shape
 * bad_number bad_hex bad_field felt_range`, and `unsupported_layout` in place of the last six when
 * the layout is none of ours: such a file need not fit what was made for ours.
 */
export function parseStoneJson(text: string): Outcome<Proof> {
  return attempt(() => {
    const root = readRoot(text);
    const layout = readLayoutName(root);
    const read = attemptTyped(() => readProof(root));
    if (read.ok) return read.value;
    layoutNamed(layout);
    throw Rejected.of(read.failure);
  });
}

/** @throws Rejected `too_large malformed duplicate_key` */
export function readRoot(text: string): JsonValue {
  const { jsonBytes } = LIMITS;
  demand(text.length <= jsonBytes, 'too_large', `≤ ${jsonBytes} characters`, text.length);
  return parseJson(text);
}

/** The layout that a proof's file names, of any length. @throws Rejected `wrong_shape` */
export function readLayoutName(root: JsonValue): string {
  const input = new Fields(root, 'proof', undefined).get('public_input');
  return new Fields(input, 'public_input', undefined).text('layout', LIMITS.jsonBytes);
}

function readProof(root: JsonValue): Proof {
  const file = new Fields(root, 'proof', KEYS);
  return {
    parameters: readParameters(file.get('proof_parameters')),
    publicInput: readPublicInput(file.get('public_input')),
    proofBytes: readHex(file.text('proof_hex', 2 + 2 * LIMITS.proofBytesRead)),
  };
}

function readHex(text: string): Uint8Array {
  const bytes = /^0x/i.test(text) ? fromHex(text.slice(2)) : undefined;
  if (bytes === undefined)
    throw new Rejected('bad_hex', 'proof_hex: hex of whole bytes', text.slice(0, 16));
  return bytes;
}

/** @throws Rejected with the codes of {@link parseStoneJson} */
export function readParameters(value: JsonValue | undefined): ProofParameters {
  const top = new Fields(value, 'proof_parameters', [
    'field',
    'stark',
    'use_extension_field',
    'statement',
    'channel_hash',
    'commitment_hash',
    'pow_hash',
    'n_verifier_friendly_commitment_layers',
    'verifier_friendly_commitment_hash',
    'verifier_friendly_channel_updates',
  ]);
  const field = top.text('field');
  demand(field === 'PrimeField0', 'bad_field', 'PrimeField0', field);
  demand(!top.flag('use_extension_field', false), 'bad_field', 'no extension field', 'one');
  const stark = new Fields(top.get('stark'), 'stark', ['fri', 'log_n_cosets']);
  const fri = new Fields(stark.get('fri'), 'fri', [
    'fri_step_list',
    'last_layer_degree_bound',
    'n_queries',
    'proof_of_work_bits',
  ]);
  const statement = new Fields(top.get('statement') ?? new Map(), 'statement', ['page_hash']);
  const channelHash = top.optionalText('channel_hash', 'keccak256');
  const steps = fri.list('fri_step_list', LIMITS.friSteps);
  const layers = 'n_verifier_friendly_commitment_layers';
  return {
    channelHash,
    commitmentHash: top.optionalText('commitment_hash', 'keccak256_masked160_msb'),
    pageHash: statement.optionalText('page_hash', 'keccak256'),
    powHash: readPowHash(top, channelHash),
    friStepList: steps.map((step) => readInteger(step, 'fri_step_list', UINT16)),
    lastLayerDegreeBound: fri.integer('last_layer_degree_bound', UINT32),
    logNCosets: stark.integer('log_n_cosets', UINT16),
    nQueries: fri.integer('n_queries', UINT16),
    powBits: fri.integer('proof_of_work_bits', UINT16),
    nVerifierFriendlyLayers: top.has(layers) ? top.integer(layers, UINT32) : 0,
    verifierFriendlyHash: top.optionalText('verifier_friendly_commitment_hash', ''),
    verifierFriendlyChannel: top.flag('verifier_friendly_channel_updates', false),
  };
}

/** Stone's byte channels work with their own hash, whatever the file says; Poseidon's reads it. */
function readPowHash(top: Fields, channelHash: string): string {
  const named = top.optionalText(
    'pow_hash',
    channelHash === 'poseidon3' ? 'blake256' : channelHash,
  );
  return byteHash(channelHash) === undefined ? named : channelHash;
}

/** @throws Rejected with the codes of {@link parseStoneJson} */
export function readPublicInput(value: JsonValue | undefined): PublicInput {
  const input = new Fields(value, 'public_input', [
    'layout',
    'n_steps',
    'rc_min',
    'rc_max',
    'memory_segments',
    'public_memory',
    'dynamic_params',
  ]);
  const segments = new Fields(input.get('memory_segments'), 'memory_segments', undefined);
  const params = new Fields(input.get('dynamic_params') ?? new Map(), 'dynamic_params', undefined);
  const { address, publicCells, dynamicParams } = LIMITS;
  return {
    layout: input.text('layout'),
    nSteps: input.integer('n_steps', UINT32),
    rcMin: input.integer('rc_min', UINT32),
    rcMax: input.integer('rc_max', UINT32),
    segments: sortedNames(segments, LIMITS.segments).map((name) => {
      const one = new Fields(segments.get(name), name, ['begin_addr', 'stop_ptr']);
      const beginAddr = one.integer('begin_addr', address - 1);
      return { name, beginAddr, stopPtr: one.integer('stop_ptr', address - 1) };
    }),
    dynamicParams: sortedNames(params, dynamicParams).map((name) => ({
      name,
      value: params.integer(name, UINT32),
    })),
    publicMemory: input.list('public_memory', publicCells).map(readCell),
  };
}

function sortedNames(fields: Fields, max: number): string[] {
  const names = fields.names().sort((a, b) => (a < b ? -1 : 1));
  demand(names.length <= max, 'wrong_shape', `at most ${max} names`, names.length);
  const long = names.find((name) => name.length > LIMITS.name);
  demand(long === undefined, 'wrong_shape', `names of at most ${LIMITS.name}`, `${long?.length}`);
  return names;
}

function readCell(value: JsonValue): PublicCell {
  const cell = new Fields(value, 'public_memory', ['address', 'value', 'page']);
  return {
    address: cell.integer('address', LIMITS.address - 1),
    value: cell.felt('value'),
    page: cell.integer('page', UINT32),
  };
}

/** The JSON that Stone's verifier takes; `parseStoneJson` of it is the same proof. */
export function writeStoneJson({ parameters, publicInput, proofBytes }: Proof): string {
  return JSON.stringify({
    proof_parameters: writeParameters(parameters),
    public_input: writePublicInput(publicInput),
    proof_hex: `0x${toHex(proofBytes)}`,
  });
}

/** Stone's `public_input`, ready for `JSON.stringify`. */
export function writePublicInput(input: PublicInput): object {
  const { segments, dynamicParams, publicMemory } = input;
  return {
    layout: input.layout,
    n_steps: input.nSteps,
    rc_min: input.rcMin,
    rc_max: input.rcMax,
    memory_segments: Object.fromEntries(
      segments.map(({ name, beginAddr, stopPtr }) => [
        name,
        { begin_addr: beginAddr, stop_ptr: stopPtr },
      ]),
    ),
    dynamic_params:
      dynamicParams.length === 0
        ? null
        : Object.fromEntries(dynamicParams.map(({ name, value }) => [name, value])),
    public_memory: publicMemory.map(({ address, value, page }) => ({
      address,
      value: `0x${value.toString(16)}`,
      page,
    })),
  };
}

function writeParameters(parameters: ProofParameters): object {
  const { verifierFriendlyHash: friendly } = parameters;
  return {
    field: 'PrimeField0',
    use_extension_field: false,
    channel_hash: parameters.channelHash,
    commitment_hash: parameters.commitmentHash,
    pow_hash: parameters.powHash,
    n_verifier_friendly_commitment_layers: parameters.nVerifierFriendlyLayers,
    ...(friendly === '' ? {} : { verifier_friendly_commitment_hash: friendly }),
    verifier_friendly_channel_updates: parameters.verifierFriendlyChannel,
    statement: { page_hash: parameters.pageHash },
    stark: {
      log_n_cosets: parameters.logNCosets,
      fri: {
        fri_step_list: parameters.friStepList,
        last_layer_degree_bound: parameters.lastLayerDegreeBound,
        n_queries: parameters.nQueries,
        proof_of_work_bits: parameters.powBits,
      },
    },
  };
}
