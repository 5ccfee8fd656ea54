// `fatty machine`: declare, stat, post, run.
import { type Binding, entryOf, type InboxAnswer, type Neglect, opKey } from '@fatty/api';
import { idOfProgram, LEASE_CELLS, readInputs } from '@fatty/cairo';
import type { DeclareOptions, MachineAnswer } from '@fatty/client/node';
import {
  type CellValues,
  commandProver,
  type RunMachineOptions,
  type WorkerEvent,
} from '@fatty/client/worker';
import { utf8 } from '@fatty/codec';
import { EXIT, ExitError, type Io, wholeNumber } from '../terminal/io.ts';
import { type Format, formatOf, json, printable, type Row, show } from '../terminal/output.ts';
import { type CellFlags, milliseconds, withClient } from './client.ts';
import { type Register, withCell } from './command.ts';
import { isJson, readProgramFile, readText } from './program.ts';

interface MachineFlags extends CellFlags {
  readonly t?: string;
  readonly s?: string;
  readonly inbox?: string;
  readonly neglect?: string;
  readonly outputs?: string;
  readonly period?: string;
  readonly lockDelay?: string;
  readonly binding?: string;
  readonly text?: boolean;
  readonly await?: string;
  readonly every?: string;
  readonly max?: string;
  readonly input?: string;
  readonly prover?: string;
  /** `--no-wait` makes it false. */
  readonly wait?: boolean;
}

type Action = (
  path: string,
  rest: readonly string[],
  flags: MachineFlags,
  io: Io,
) => Promise<number>;

const ACTIONS: Readonly<Record<string, Action>> = { declare, stat, post, run };

function wrong(name: string, expected: string, actual: unknown): never {
  throw new ExitError(EXIT.usage, `${name}: expected ${expected}, got ${String(actual)}`);
}

function feltOf(name: string, text: string): bigint {
  if (/^(0x[0-9a-fA-F]+|[0-9]+)$/.test(text)) return BigInt(text);
  return wrong(name, 'a decimal or 0x… number', text);
}

function oneOf<T extends string>(name: string, value: unknown, known: readonly T[]): T {
  return known.find((one) => one === value) ?? wrong(name, known.join(' or '), value);
}

function fileOf(rest: readonly string[], action: string): string {
  const [file, ...more] = rest;
  if (file === undefined || more.length > 0) wrong(`machine ${action}`, 'one program file', rest);
  return file;
}

// ── declare ──────────────────────────────────────────────────────────────────

const WINDOW_MAX = 31;
const OUTPUTS_MAX = 30;

/** Outputs: the cells that the program names beyond the six and the inbox, unless told. */
function declaration(file: string, flags: MachineFlags): DeclareOptions {
  const program = readProgramFile(file);
  const { inbox = 0, neglect = 'shown', binding = 'lessee', period, lockDelay } = flags;
  const window = wholeNumber('--inbox', inbox, { max: WINDOW_MAX });
  const named = program.cells.length - LEASE_CELLS - (window === 0 ? 0 : 1 + window);
  const outputs = wholeNumber('--outputs', flags.outputs ?? Math.max(0, named), {
    max: OUTPUTS_MAX,
  });
  const terms = { window, neglect: oneOf<Neglect>('--neglect', neglect, ['shown', 'refused']) };
  return {
    programId: idOfProgram(program, 'plain'),
    t: feltOf('--t', flags.t ?? '0'),
    s: feltOf('--s', flags.s ?? '0'),
    outputs,
    binding: oneOf<Binding>('--binding', binding, ['lessee', 'open']),
    ...(window === 0 ? {} : { inbox: terms }),
    ...(period === undefined ? {} : { periodMs: milliseconds('--period', period) }),
    ...(lockDelay === undefined ? {} : { lockDelayMs: milliseconds('--lock-delay', lockDelay) }),
  };
}

async function declare(
  path: string,
  rest: readonly string[],
  flags: MachineFlags,
  io: Io,
): Promise<number> {
  const format = formatOf(flags.output);
  const terms = declaration(fileOf(rest, 'declare'), flags);
  const nonce = await withClient(flags, io, (client) => client.machine(path).declare(terms));
  const { programId, inbox, outputs } = terms;
  show(io, format, { path, programId, inbox: inbox?.window ?? 0, outputs, nonce });
  return EXIT.done;
}

// ── stat, post ───────────────────────────────────────────────────────────────

function inboxRow(inbox: InboxAnswer | undefined): Row {
  if (inbox === undefined) return {};
  const { terms, pending, consumed, neglectedSince } = inbox;
  const entries = pending.map(({ value }) => value);
  return { ...terms, in: inbox.in, consumed, pending: entries, neglectedSince };
}

function statRow(path: string, machine: MachineAnswer): Row {
  const { id, inbox, published, ...rest } = machine;
  const node = opKey(id);
  return { path, node, ...rest, ...inboxRow(inbox), publishedBytes: published.length };
}

async function stat(
  path: string,
  _rest: readonly string[],
  flags: MachineFlags,
  io: Io,
): Promise<number> {
  const format = formatOf(flags.output);
  const found = await withClient(flags, io, (client) => client.machine(path).stat());
  show(io, format, statRow(path, found));
  return EXIT.done;
}

const POLL_MS = 100;

/** Exit 1 when `--await` ends before the machine has taken in what was posted. */
async function post(
  path: string,
  rest: readonly string[],
  flags: MachineFlags,
  io: Io,
): Promise<number> {
  const format = formatOf(flags.output);
  if (rest.length === 0) wrong('machine post', 'entries', 'none');
  const entries = rest.map((one) => (flags.text ? entryOf(utf8(one)) : feltOf('entry', one)));
  const awaitMs = flags.await === undefined ? undefined : milliseconds('--await', flags.await);
  return withClient(flags, io, async (client) => {
    const machine = client.machine(path);
    let number = 0;
    for (const entry of entries) ({ number } = await machine.post(entry));
    const endMs = performance.now() + (awaitMs ?? 0);
    for (;;) {
      const { inbox, t } = await machine.stat();
      const { consumed = 0, neglectedSince } = inbox ?? {};
      const isConsumed = consumed >= number;
      if (!isConsumed && performance.now() < endMs) {
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        continue;
      }
      show(io, format, { path, number, entries, consumed, isConsumed, neglectedSince, t });
      return isConsumed || awaitMs === undefined ? EXIT.done : EXIT.refused;
    }
  });
}

// ── run ──────────────────────────────────────────────────────────────────────

/** `--input`: output cells that are inputs, a JSON object or a file of one. */
function inputsOf({ input }: MachineFlags): { readonly inputs?: CellValues } {
  if (input === undefined) return {};
  const inputs = readInputs(isJson(input) ? input : readText(input));
  if (!inputs.ok) return wrong('--input', inputs.failure.expected, inputs.failure.actual);
  return { inputs: Object.fromEntries(inputs.value) };
}

const TRANSITIONS_MAX = 2 ** 20;

function transitionsOf({ every, max }: MachineFlags): Pick<RunMachineOptions, 'transitions'> {
  const everyMs = every === undefined ? {} : { everyMs: milliseconds('--every', every) };
  const most =
    max === undefined ? {} : { max: wholeNumber('--max', max, { max: TRANSITIONS_MAX }) };
  return { transitions: { ...everyMs, ...most } };
}

/** A line an event: what a person wants to see of it, or all of it as JSON. */
function tell(io: Io, format: Format, event: WorkerEvent): void {
  if (event.kind === 'proving') return;
  if (format === 'json') {
    io.out(`${json(event)}\n`);
    return;
  }
  const ms = (value: number): string => `${Math.round(value)} ms`;
  if (event.kind === 'held') {
    const { how, t, s, entries, tookMs, spareMs } = event;
    const early = how === 'renewed' ? `, ${ms(spareMs)} early` : '';
    io.out(`${how}  t ${t}  s ${s}  ${entries} entries  in ${ms(tookMs)}${early}\n`);
  } else if (event.kind === 'proved') {
    const { n, nSteps, bytes, tookMs } = event;
    io.out(`proved  ${n} transitions  ${nSteps} steps  ${bytes} bytes  in ${ms(tookMs)}\n`);
  } else if (event.kind === 'waiting') io.out(`waiting  ${event.code}  ${ms(event.waitMs)}\n`);
  else if (event.kind === 'published') io.out(`published  ${printable(event.address)}\n`);
  else if (event.kind === 'retry') io.out(`retry  ${printable(String(event.error))}\n`);
}

/** Works until it is interrupted, or the lease is lost. */
async function run(
  path: string,
  rest: readonly string[],
  flags: MachineFlags,
  io: Io,
): Promise<number> {
  const format = formatOf(flags.output);
  const program = readProgramFile(fileOf(rest, 'run'));
  const options = { ...inputsOf(flags), ...transitionsOf(flags) };
  const { prover: command } = flags;
  const prover = command === undefined ? {} : { prover: commandProver({ command }) };
  return withClient(flags, io, async (client, stop) => {
    const controller = new AbortController();
    void stop.takeOverOnce().then(() => controller.abort());
    const end = await client.machine(path).run({
      program,
      ...options,
      ...prover,
      wait: flags.wait !== false,
      signal: controller.signal,
      onProgress: (event) => tell(io, format, event),
    });
    const { reason, error, t, s, renewals } = end;
    const row = { kind: 'end', reason, code: error?.code, t, s, renewals };
    if (format === 'json') io.out(`${json(row)}\n`);
    else io.out(`${reason}  ${error?.code ?? ''}  t ${t}  s ${s}  ${renewals} renewals\n`);
    return reason === 'lost' ? EXIT.lost : EXIT.done;
  });
}

/** machine declare|stat|post|run PATH. */
export const registerMachine: Register = ({ cli, io, run: wrap }) => {
  withCell(cli.command('machine <action> <path> [...rest]', 'declare, stat, post or run'))
    .option('--t <n>', 'declare: first state clock; default 0')
    .option('--s <n>', 'declare: first state; default 0')
    .option('--inbox <n>', 'declare: entries that one proof may consume; default: no inbox')
    .option('--neglect <what>', 'declare: an ignored inbox is shown (default), or renewals refused')
    .option('--outputs <n>', 'declare: output cells; default: those that the program names')
    .option('--period <ms>', 'declare: longest time between two proofs; default 12000')
    .option('--lock-delay <ms>', 'declare: pause before others may have it after a loss')
    .option('--binding <kind>', 'declare: lessee (default) or open')
    .option('--text', 'post: entries are texts, of which the hash goes in')
    .option('--await <ms>', 'post: until they are consumed, so long at most')
    .option('--every <ms>', 'run: a transition in so much time; default: the period')
    .option('--max <n>', 'run: most transitions in one proof; default 1024')
    .option('--input <json>', 'run: output cells that are inputs, a JSON object or a file of one')
    .option('--prover <command>', 'run: a prover outside, with {public_input} {private_input} …')
    .option('--no-wait', 'run: fail when somebody else holds the machine')
    .example('fatty machine declare /till till.casm --inbox 4')
    .example('fatty machine post /till 5 6 7 --await 30000')
    .action(
      wrap(async (action: string, path: string, rest: readonly string[], flags: MachineFlags) => {
        const known = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined;
        if (known !== undefined) return known(path, rest, flags, io);
        return wrong('machine', Object.keys(ACTIONS).join(', '), action);
      }),
    );
};
