// `fatty job`: declare, list, stat, claim, run, result, cancel.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { baseName, decodeJobPieces, type JobPiece } from '@fatty/api';
import { bindingCell, decodeProof, idOfProgram, LEASE_CELLS, writeStoneJson } from '@fatty/cairo';
import type { DeclareJobOptions } from '@fatty/client/node';
import { commandProver, type JobEvent, runJobs } from '@fatty/client/worker';
import { toHex } from '@fatty/codec';
import type { CellId } from '@fatty/interface';
import { EXIT, ExitError, type Io, wholeNumber } from '../terminal/io.ts';
import { type Format, formatOf, json, printable, show } from '../terminal/output.ts';
import { type CellFlags, milliseconds, withClient } from './client.ts';
import { type Register, withCell } from './command.ts';
import { readProgramFile, unreadable } from './program.ts';

interface JobFlags extends CellFlags {
  readonly s?: string;
  readonly steps?: string;
  readonly span?: string;
  readonly input?: string;
  readonly window?: string;
  readonly outputs?: string;
  readonly lease?: string;
  readonly deadline?: string;
  readonly giveUp?: string;
  readonly priority?: string;
  readonly prover?: string;
  readonly to?: string;
  /** `--no-wait` makes it false. */
  readonly wait?: boolean;
}

type Action = (path: string, rest: readonly string[], flags: JobFlags, io: Io) => Promise<number>;

const ACTIONS: Readonly<Record<string, Action>> = {
  declare,
  list,
  stat,
  claim,
  run,
  result,
  cancel,
};

function wrong(name: string, expected: string, actual: unknown): never {
  throw new ExitError(EXIT.usage, `${name}: expected ${expected}, got ${String(actual)}`);
}

function numberOf(name: string, text: string): bigint {
  if (/^(0x[0-9a-fA-F]+|[0-9]+)$/.test(text)) return BigInt(text);
  return wrong(name, 'a decimal or 0x… number', text);
}

// ── declare ──────────────────────────────────────────────────────────────────

const WINDOW_MAX = 31;
const OUTPUTS_MAX = 30;

/** A number, a job's path, or `path:output`. */
function inputOf(text: string): bigint | { readonly path: string; readonly output?: number } {
  if (!text.startsWith('/')) return numberOf('--input', text);
  const [, path = text, output] = /^(.*):([0-9]+)$/.exec(text) ?? [];
  return output === undefined ? { path } : { path, output: Number(output) };
}

function inputsOf({ input }: JobFlags): DeclareJobOptions['inputs'] & object {
  if (input === undefined) return [];
  return input.split(',').map(inputOf);
}

function programOf(rest: readonly string[]): ReturnType<typeof readProgramFile> {
  const [file, ...more] = rest;
  if (file === undefined || more.length > 0) return wrong('job declare', 'one program file', rest);
  return readProgramFile(file);
}

/** Outputs: the cells that the program names beyond the six and the inputs, unless told. */
function declaration(rest: readonly string[], flags: JobFlags): DeclareJobOptions {
  const program = programOf(rest);
  const { s = '0', steps = '1', span = steps, lease, deadline, giveUp, priority } = flags;
  const window = wholeNumber('--window', flags.window ?? 0, { max: WINDOW_MAX });
  const named = program.cells.length - LEASE_CELLS - (window === 0 ? 0 : 1 + window);
  return {
    programId: idOfProgram(program, 'plain'),
    s: numberOf('--s', s),
    steps: numberOf('--steps', steps),
    span: numberOf('--span', span),
    inputs: inputsOf(flags),
    window,
    outputs: wholeNumber('--outputs', flags.outputs ?? Math.max(0, named), { max: OUTPUTS_MAX }),
    ...(lease === undefined ? {} : { leaseMs: milliseconds('--lease', lease) }),
    ...(deadline === undefined ? {} : { deadlineMs: milliseconds('--deadline', deadline) }),
    ...(giveUp === undefined ? {} : { giveUpAfter: wholeNumber('--give-up', giveUp, { max: 16 }) }),
    ...(priority === undefined
      ? {}
      : { priority: wholeNumber('--priority', priority, { max: 255 }) }),
  };
}

async function declare(
  path: string,
  rest: readonly string[],
  flags: JobFlags,
  io: Io,
): Promise<number> {
  const format = formatOf(flags.output);
  const terms = declaration(rest, flags);
  const position = await withClient(flags, io, (client) => client.job(path).declare(terms));
  show(io, format, { path, programId: terms.programId, position });
  return EXIT.done;
}

// ── list, stat, claim, cancel ────────────────────────────────────────────────

async function list(path: string, _: readonly string[], flags: JobFlags, io: Io): Promise<number> {
  const format = formatOf(flags.output);
  return withClient(flags, io, async (client) => {
    for await (const { name, ...job } of client.job(path).list()) {
      if (format === 'json') io.out(`${json({ name, ...job })}\n`);
      else {
        const { status, t, steps, claims, refused, worker } = job;
        const by = worker === undefined ? '' : `  by ${toHex(worker).slice(0, 8)}`;
        const counts = `${claims} claims  ${refused} refused`;
        io.out(`${printable(name)}  ${status}  ${t}/${steps}  ${counts}${by}\n`);
      }
    }
    return EXIT.done;
  });
}

async function stat(path: string, _: readonly string[], flags: JobFlags, io: Io): Promise<number> {
  const format = formatOf(flags.output);
  const {
    kind: _kind,
    progress,
    ...job
  } = await withClient(flags, io, (client) => client.job(path).stat());
  show(io, format, { path, ...progress, ...job });
  return EXIT.done;
}

async function claim(path: string, _: readonly string[], flags: JobFlags, io: Io): Promise<number> {
  const format = formatOf(flags.output);
  const claimed = await withClient(flags, io, (client) => client.job(path).claim());
  show(io, format, { ...claimed });
  return EXIT.done;
}

async function cancel(
  path: string,
  _: readonly string[],
  flags: JobFlags,
  io: Io,
): Promise<number> {
  const format = formatOf(flags.output);
  await withClient(flags, io, (client) => client.job(path).cancel());
  show(io, format, { path, status: 'cancelled' });
  return EXIT.done;
}

// ── run ──────────────────────────────────────────────────────────────────────

function tell(io: Io, format: Format, event: JobEvent): void {
  if (format === 'json') io.out(`${json(event)}\n`);
  else if (event.kind === 'proved') {
    const { path, t, s, done, bytes, tookMs } = event;
    const end = done ? '  done' : '';
    io.out(`proved  ${path}  t ${t}  s ${s}  ${bytes} bytes  in ${Math.round(tookMs)} ms${end}\n`);
  } else if (event.kind === 'claimed') io.out(`claimed  ${event.path}\n`);
  else io.out(`${event.kind}  ${event.path}  ${printable(String(event.error))}\n`);
}

/** Works until it is interrupted, or (`--no-wait`) nothing is left to claim. */
async function run(
  path: string,
  rest: readonly string[],
  flags: JobFlags,
  io: Io,
): Promise<number> {
  const format = formatOf(flags.output);
  if (rest.length === 0) wrong('job run', 'program files', 'none');
  const programs = rest.map(readProgramFile);
  const { prover: command } = flags;
  const prover = command === undefined ? {} : { prover: commandProver({ command }) };
  return withClient(flags, io, async (client, stop) => {
    const controller = new AbortController();
    void stop.takeOverOnce().then(() => controller.abort());
    const { done } = await runJobs(client, {
      path,
      programs,
      ...prover,
      wait: flags.wait !== false,
      signal: controller.signal,
      onProgress: (event) => tell(io, format, event),
    });
    if (format === 'json') io.out(`${json({ kind: 'end', done })}\n`);
    else io.out(`${done.length} jobs done\n`);
    return EXIT.done;
  });
}

// ── result ───────────────────────────────────────────────────────────────────

/** Writes the proofs as files that `fatty proof verify` takes; a row each. */
function writeProofs(
  pieces: readonly JobPiece[],
  { cellId, path, to }: { readonly cellId: CellId; readonly path: string; readonly to: string },
  io: Io,
  format: Format,
): void {
  mkdirSync(to, { recursive: true });
  let number = 0;
  for (const { worker, nonce, proofs } of pieces) {
    const binding = bindingCell(cellId, path, worker, nonce);
    for (const { digest, envelope } of proofs) {
      number += 1;
      const proof = envelope && decodeProof(envelope);
      if (proof?.ok === false) unreadable(path, proof.failure);
      const file = proof?.ok ? join(to, `${baseName(path)}-${number}.json`) : undefined;
      if (proof?.ok && file !== undefined) writeFileSync(file, writeStoneJson(proof.value));
      show(io, format, { proof: number, file, digest, worker, nonce, binding });
    }
  }
}

/** What a job came to; exit 1 while it has not. With `--to`, its proofs as files. */
async function result(
  path: string,
  _: readonly string[],
  flags: JobFlags,
  io: Io,
): Promise<number> {
  const format = formatOf(flags.output);
  return withClient(flags, io, async (client) => {
    const job = await client.job(path).stat();
    const { t, s, outputs } = job.progress;
    const { status, programId, proofs, proofsDigest } = job;
    show(io, format, { path, status, t, s, outputs, programId, proofs, proofsDigest });
    if (flags.to !== undefined) {
      const pieces = decodeJobPieces((await client.get(path)).content);
      if (!pieces.ok) return unreadable(path, pieces.failure);
      const { cellId } = client.cell;
      writeProofs(pieces.value, { cellId, path, to: flags.to }, io, format);
    }
    return status === 'done' ? EXIT.done : EXIT.refused;
  });
}

/** job declare|list|stat|claim|run|result|cancel PATH. */
export const registerJob: Register = ({ cli, io, run: wrap }) => {
  withCell(cli.command('job <action> <path> [...rest]', 'work for a fleet: declare … run, result'))
    .option('--s <n>', 'declare: the state it starts from; default 0')
    .option('--steps <n>', 'declare: steps of the whole job; default 1')
    .option('--span <n>', 'declare: steps of one proof; default: all')
    .option(
      '--input <what>',
      'declare: numbers, paths of other jobs, path:output; commas between them',
    )
    .option('--window <n>', 'declare: inputs that one proof takes in; default 0')
    .option('--outputs <n>', 'declare: output cells; default: those that the program names')
    .option('--lease <ms>', 'declare: longest time to a proof; default 12000')
    .option('--deadline <ms>', 'declare: default an hour')
    .option('--give-up <n>', 'declare: after so many workers have failed it; default 3')
    .option('--priority <n>', 'declare: 0 (default) to 255, higher ones first')
    .option('--prover <command>', 'run: a prover outside, with {public_input} {private_input} …')
    .option('--no-wait', 'run: end when nothing is left to claim')
    .option('--to <dir>', 'result: writes its proofs there, for fatty proof verify')
    .example('fatty job declare /fleet/sum till.casm --window 4 --input 5,6')
    .example('fatty job run /fleet till.casm --no-wait')
    .action(
      wrap(async (action: string, path: string, rest: readonly string[], flags: JobFlags) => {
        const known = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined;
        if (known !== undefined) return known(path, rest, flags, io);
        return wrong('job', Object.keys(ACTIONS).join(', '), action);
      }),
    );
};
