// `fatty cairo`: assemble, run, prove, verify, inspect.
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  idOfProgram,
  LIMITS,
  listProgram,
  type ParameterOptions,
  type ProofParameters,
  type PublicInput,
  parseStoneJson,
  proofParameters,
  type Run,
  type RunOptions,
  readInputs,
  runProgram,
  writeAirPrivateInput,
  writeAirPublicInput,
  writeMemory,
  writeStoneJson,
  writeTrace,
} from '@fatty/cairo';
import { type ProofJobOptions, proverPool } from '@fatty/client/worker';
import type { Failure } from '@fatty/interface';
import { EXIT, ExitError, type Io, wholeNumber } from '../terminal/io.ts';
import { formatOf, show } from '../terminal/output.ts';
import { type Register, withFormat } from './command.ts';
import { isJson, type Read, readProgramFile, readText, unreadable } from './program.ts';
import { inspectProofFile, type ProofFlags, verifyProofFile, withProofOptions } from './proof.ts';

interface CairoFlags extends ProofFlags {
  readonly input?: string;
  readonly layout?: string;
  readonly cells?: string | number;
  readonly provable?: boolean;
  readonly trace?: string;
  readonly memory?: string;
  readonly public?: string;
  readonly private?: string;
  readonly params?: string;
  readonly friSteps?: string | number;
  readonly out?: string;
  readonly progress?: boolean;
  readonly threads?: string | number;
}

type Action = (file: string, flags: CairoFlags, io: Io) => number | Promise<number>;

const ACTIONS: Readonly<Record<string, Action>> = {
  asm,
  disasm,
  run,
  prove,
  verify: verifyProofFile,
  inspect: inspectProofFile,
};

function write(path: string, content: string | Uint8Array): void {
  try {
    writeFileSync(path, content);
  } catch (error) {
    throw new ExitError(EXIT.usage, `unwritable: ${(error as Error).message}`);
  }
}

/** Refused: code, expected, actual and where, on stdout. */
function refused(io: Io, flags: CairoFlags, failure: Failure): number {
  show(io, formatOf(flags.output), { verdict: 'refused', ...failure });
  return EXIT.refused;
}

// ── asm, disasm ──────────────────────────────────────────────────────────────

const PRIME = `0x${(2n ** 251n + 17n * 2n ** 192n + 1n).toString(16)}`;

/** As much of the JSON of `cairo-compile` as it takes to run, prove or pin a program. */
function compiledJson({ builtins, words, start, end, main, cells }: Read): string {
  const entries = { __start__: start, __end__: end, main };
  const identifiers = Object.entries(entries).flatMap(([name, pc]) =>
    pc === undefined ? [] : [[`__main__.${name}`, { pc, type: 'label' }]],
  );
  const file = {
    prime: PRIME,
    builtins,
    data: words.map((word) => `0x${word.toString(16)}`),
    hints: {},
    identifiers: Object.fromEntries(identifiers),
    main_scope: '__main__',
    reference_manager: { references: [] },
    cells,
  };
  return `${JSON.stringify(file, undefined, 2)}\n`;
}

function asm(path: string, flags: CairoFlags, io: Io): number {
  // Hints would be lost: what we write has none.
  if (isJson(readText(path))) throw new ExitError(EXIT.usage, `asm: ${path} is compiled already`);
  const program = readProgramFile(path);
  const json = compiledJson(program);
  if (flags.out === undefined) {
    io.out(json);
    return EXIT.done;
  }
  write(flags.out, json);
  const { words, builtins, cells } = program;
  const programId = idOfProgram(program, flags.layout ?? 'plain');
  show(io, formatOf(flags.output), { programId, words: words.length, builtins, cells });
  return EXIT.done;
}

function disasm(path: string, flags: CairoFlags, io: Io): number {
  const text = listProgram(readProgramFile(path));
  if (flags.out === undefined) io.out(text);
  else write(flags.out, text);
  return EXIT.done;
}

// ── run ──────────────────────────────────────────────────────────────────────

/** `--input`: a file, or the JSON object itself. */
function inputsOf({ input }: CairoFlags): Pick<RunOptions, 'inputs'> {
  if (input === undefined) return {};
  const inputs = readInputs(isJson(input) ? input : readText(input));
  return inputs.ok ? { inputs: inputs.value } : unreadable('--input', inputs.failure);
}

function runFile(
  path: string,
  flags: CairoFlags,
  provable: boolean,
): ReturnType<typeof runProgram> {
  const { layout = 'plain', cells } = flags;
  const statement = cells === undefined ? {} : { statementCells: wholeNumber('--cells', cells) };
  const options = { ...inputsOf(flags), ...statement, layout, provable };
  return runProgram(readProgramFile(path), options);
}

function run(path: string, flags: CairoFlags, io: Io): number {
  const format = formatOf(flags.output);
  const outcome = runFile(path, flags, flags.provable === true);
  if (!outcome.ok) return refused(io, flags, outcome.failure);
  writeRun(outcome.value, flags);
  const { publicInput, cells, output, stepsUsed } = outcome.value;
  const { layout, nSteps } = publicInput;
  show(io, format, { verdict: 'ran', layout, steps: nSteps, stepsUsed, cells, output });
  return EXIT.done;
}

function writeRun(made: Run, flags: CairoFlags): void {
  const { publicInput, privateInput, trace, memory } = made;
  if (flags.trace !== undefined) write(flags.trace, writeTrace(trace));
  if (flags.memory !== undefined) write(flags.memory, writeMemory(memory));
  if (flags.public !== undefined) write(flags.public, writeAirPublicInput(publicInput));
  if (flags.private === undefined) return;
  if (flags.trace === undefined || flags.memory === undefined)
    throw new ExitError(EXIT.usage, '--private: names the files of --trace and --memory');
  const paths = { trace: resolve(flags.trace), memory: resolve(flags.memory) };
  write(flags.private, writeAirPrivateInput(publicInput.layout, privateInput, paths));
}

// ── prove ────────────────────────────────────────────────────────────────────

const OPTIONS: Readonly<Record<keyof ParameterOptions, 'number' | 'string' | 'numbers'>> = {
  bits: 'number',
  logNCosets: 'number',
  powBits: 'number',
  commitmentHash: 'string',
  channelHash: 'string',
  lastLayerDegreeBound: 'number',
  friStepList: 'numbers',
};

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;

function kindOf(value: unknown): string {
  const isList = Array.isArray(value) && value.length <= LIMITS.friSteps && value.every(isCount);
  return isList ? 'numbers' : typeof value;
}

/** `--fri-steps 0,4,3`. */
function friStepsOf({ friSteps }: CairoFlags): Pick<ParameterOptions, 'friStepList'> {
  if (friSteps === undefined) return {};
  const friStepList = String(friSteps).split(',').map(Number);
  if (/^\d+(,\d+)*$/.test(String(friSteps)) && kindOf(friStepList) === 'numbers')
    return { friStepList };
  throw new ExitError(EXIT.usage, `--fri-steps: expected numbers as in 0,4,3, got ${friSteps}`);
}

/** `--params`: Stone's parameter file, or an object of {@link ParameterOptions}. */
function parametersOf({ params }: CairoFlags, publicInput: PublicInput): ProofParameters {
  const { nSteps } = publicInput;
  if (params === undefined) return proofParameters(nSteps);
  const file = parametersObject(readText(params));
  if (Object.hasOwn(file, 'stark')) return stoneParameters(file, publicInput);
  for (const [name, value] of Object.entries(file)) {
    const kind = Object.hasOwn(OPTIONS, name) ? OPTIONS[name as keyof ParameterOptions] : undefined;
    if (kind !== kindOf(value))
      throw new ExitError(EXIT.usage, `--params: no ${name} of that kind`);
  }
  return proofParameters(nSteps, file);
}

function parametersObject(text: string): object {
  try {
    return { ...(JSON.parse(text) as object) };
  } catch {
    throw new ExitError(EXIT.usage, '--params: expected a JSON object');
  }
}

/** Read as they would be in a proof: with its strictness. */
function stoneParameters(file: object, publicInput: PublicInput): ProofParameters {
  const empty = { parameters: proofParameters(publicInput.nSteps), publicInput };
  const proof = writeStoneJson({ ...empty, proofBytes: new Uint8Array() });
  const text = JSON.stringify({ ...(JSON.parse(proof) as object), proof_parameters: file });
  const parsed = parseStoneJson(text);
  return parsed.ok ? parsed.value.parameters : unreadable('--params', parsed.failure);
}

async function prove(path: string, flags: CairoFlags, io: Io): Promise<number> {
  const format = formatOf(flags.output);
  const { out } = flags;
  if (out === undefined) throw new ExitError(EXIT.usage, 'prove: --out FILE is missing');
  const made = runFile(path, flags, true);
  if (!made.ok) return refused(io, flags, made.failure);
  const { publicInput, cells } = made.value;
  const parameters = { ...parametersOf(flags, publicInput), ...friStepsOf(flags) };
  const { threads } = flags;
  const prover = proverPool(
    threads === undefined
      ? {}
      : { threads: wholeNumber('--threads', threads, { min: 1, max: 64 }) },
  );
  const startMs = performance.now();
  const proof = await prover.prove(made.value, parameters, progressOf(flags, io));
  await prover.close();
  if (!proof.ok) return refused(io, flags, proof.failure);
  const provingMs = Math.round(performance.now() - startMs);
  write(out, writeStoneJson(proof.value));
  const bytes = proof.value.proofBytes.length;
  show(io, format, { verdict: 'proved', steps: publicInput.nSteps, cells, bytes, provingMs });
  return EXIT.done;
}

/** A line of stderr for every tenth of a phase. */
function progressOf({ progress }: CairoFlags, io: Io): ProofJobOptions {
  if (progress !== true) return {};
  let last = '';
  return {
    onProgress: ({ phase, fraction }) => {
      const line = `${phase} ${10 * Math.floor(10 * fraction)} %\n`;
      if (line !== last) io.err(line);
      last = line;
    },
  };
}

/** cairo asm|disasm|run|prove|verify|inspect FILE. */
export const registerCairo: Register = ({ cli, io, run: wrap }) => {
  withProofOptions(
    withFormat(cli.command('cairo <action> <file>', 'asm, disasm, run, prove, verify or inspect')),
  )
    .option('--input <json>', 'run, prove: inputs by name, a JSON object or a file of one')
    .option('--cells <n>', 'run, prove: public frame cells; default: those the program names')
    .option('--layout <layout>', 'run: plain or small; default plain')
    .option('--provable', 'run: pad until it can be proved')
    .option('--trace <file>', 'run: write trace.bin')
    .option('--memory <file>', 'run: write memory.bin')
    .option('--public <file>', 'run: write air-public-input.json')
    .option('--private <file>', 'run: write air-private-input.json')
    .option('--params <file>', 'prove: Stone’s parameters, or {bits, logNCosets, powBits, …}')
    .option('--fri-steps <list>', 'prove: halvings per FRI layer, as in 0,4,3')
    .option('--out <file>', 'asm, disasm, prove: where to write')
    .option('--progress', 'prove: tell the phases on stderr')
    .option('--threads <n>', 'prove: that make the proof together; default one per core, at most 4')
    .example('fatty cairo prove tick.casm --input \'{"binding":0,…}\' --out proof.json')
    .action(
      wrap(async (action: string, file: string, flags: CairoFlags) => {
        const known = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined;
        if (known !== undefined) return known(file, flags, io);
        const actions = Object.keys(ACTIONS).join(', ');
        throw new ExitError(EXIT.usage, `cairo: expected ${actions}, got ${action}`);
      }),
    );
};
