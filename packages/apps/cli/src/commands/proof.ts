// `fatty proof`: verifies and inspects proofs.
import {
  ANY_POLICY,
  type CairoVerifier,
  COMMITTEE_POLICY,
  createCairoVerifier,
  EXTRA_CELLS_MAX,
  type Inspection,
  idOfProgram,
  inspectStoneJson,
  MACHINE_POLICY,
  type Policy,
  type Proof,
  parseStoneJson,
  type Strength,
  type VerifyOptions,
} from '@fatty/cairo-verify';
import type { Digest, Failure, Outcome } from '@fatty/interface';
import type { Command } from 'cac';
import { EXIT, ExitError, type Io, wholeNumber } from '../terminal/io.ts';
import { formatOf, type Row, show } from '../terminal/output.ts';
import { type Register, withFormat } from './command.ts';
import { idOf, looksLikeId } from './ids.ts';
import { innerOf, isPinned, outerOf } from './outer.ts';
import { readProgramToPin, readText } from './program.ts';

/** Options of `proof` and of `cairo verify`. */
export interface ProofFlags {
  readonly output?: string;
  readonly program?: string;
  readonly statement?: string;
  readonly extra?: string | number;
  readonly policy?: string;
  readonly outer?: string;
  readonly run?: boolean;
}

/** Codes that say that the file is no proof at all, rather than a bad one. */
const UNREADABLE: readonly string[] = ['malformed', 'too_large', 'wrong_shape'];

const NAMED_POLICIES: Readonly<Record<string, Policy>> = {
  committee: COMMITTEE_POLICY,
  machine: MACHINE_POLICY,
  any: ANY_POLICY,
};

/** `committee`, `machine`, `any`, a JSON file, or `name=value,…` over the committee's. */
function policyOf(text: string | undefined, otherwise: Policy): Policy {
  if (text === undefined) return otherwise;
  const named = Object.hasOwn(NAMED_POLICIES, text) ? NAMED_POLICIES[text] : undefined;
  if (named !== undefined) return named;
  const changes = text.includes('=') ? pairs(text) : jsonObject(readText(text));
  const policy: Record<string, unknown> = { ...COMMITTEE_POLICY };
  for (const [name, value] of Object.entries(changes)) {
    const now = policy[name];
    const list = Array.isArray(now) && typeof value === 'string' ? value.split('+') : value;
    if (
      now === undefined ||
      typeof list !== typeof now ||
      Array.isArray(list) !== Array.isArray(now)
    ) {
      throw new ExitError(EXIT.usage, `--policy: no ${name} of that kind`);
    }
    policy[name] = list;
  }
  return policy as unknown as Policy;
}

/** `bitsMin=80,layouts=plain+small`. */
function pairs(text: string): Readonly<Record<string, unknown>> {
  const entries = text.split(',').map((pair) => {
    const [name = '', value = ''] = pair.split('=');
    return [name, /^\d+$/.test(value) ? Number(value) : value] as const;
  });
  return Object.fromEntries(entries);
}

function jsonObject(text: string): Readonly<Record<string, unknown>> {
  try {
    return { ...(JSON.parse(text) as object) } as Readonly<Record<string, unknown>>;
  } catch {
    throw new ExitError(EXIT.usage, '--policy: expected a JSON object');
  }
}

function refused(io: Io, flags: ProofFlags, failure: Failure): number {
  show(io, formatOf(flags.output), { verdict: 'refused', ...failure });
  return EXIT.refused;
}

function readOrRefuse<T>(io: Io, flags: ProofFlags, read: Outcome<T>): T | number {
  if (read.ok) return read.value;
  const { code, expected, actual } = read.failure;
  if (UNREADABLE.includes(code)) {
    throw new ExitError(EXIT.usage, `unreadable: ${code}: expected ${expected}, got ${actual}`);
  }
  return refused(io, flags, read.failure);
}

function programIdOf(text: string): Digest {
  const id = idOf(text);
  if (id !== undefined) return id as Digest;
  throw new ExitError(EXIT.usage, `--program: expected a file or 64 hex digits, got ${text}`);
}

function optionsOf(flags: ProofFlags, proof: Proof): VerifyOptions {
  const { statement, program } = flags;
  if (statement !== undefined && statement !== 'lease') {
    throw new ExitError(EXIT.usage, `--statement: expected lease, got ${statement}`);
  }
  const lease =
    statement === 'lease'
      ? { lease: { extra: wholeNumber('--extra', flags.extra ?? 0, { max: EXTRA_CELLS_MAX }) } }
      : {};
  if (program === undefined) return lease;
  if (looksLikeId(program)) return { ...lease, programId: programIdOf(program) };
  const pinned = readProgramToPin(program);
  return { ...lease, programId: idOfProgram(pinned, proof.publicInput.layout) };
}

/** What an outer program says counts only if it is pinned, with all that it lets a prover choose. */
function demandPinned({ outer, program }: ProofFlags): void {
  if (outer === undefined || (program !== undefined && isPinned(outerOf(outer)))) return;
  throw new ExitError(EXIT.usage, '--outer: verify wants --program, and no _ in its configuration');
}

/** A run has no statement, so that nothing can be asked of one. */
function demandRunAlone({ run, program, statement, extra, outer }: ProofFlags): void {
  if (run !== true) return;
  const asked = Object.entries({ program, statement, extra, outer });
  for (const [name, value] of asked)
    if (value !== undefined)
      throw new ExitError(EXIT.usage, `--run: checks no statement, so that --${name} has no place`);
}

/** Exit 0, or 1 with code, expected and actual on stdout. */
export async function verifyProofFile(path: string, flags: ProofFlags, io: Io): Promise<number> {
  demandRunAlone(flags);
  demandPinned(flags);
  const policy = policyOf(flags.policy, flags.run === true ? ANY_POLICY : COMMITTEE_POLICY);
  const proof = readOrRefuse(io, flags, parseStoneJson(readText(path)));
  if (typeof proof === 'number') return proof;
  const check = flags.run === true ? verifyRun : verifyStatement;
  return check(await createCairoVerifier(), proof, policy, flags, io);
}

type Check = (
  verifier: CairoVerifier,
  proof: Proof,
  policy: Policy,
  flags: ProofFlags,
  io: Io,
) => number;

const verifyRun: Check = (verifier, proof, policy, flags, io) => {
  const verdict = verifier.verifyRun(proof, policy);
  if (verdict.kind === 'reject') return refused(io, flags, failureOf(verdict));
  const { layout, nSteps, publicMemory } = proof.publicInput;
  show(io, formatOf(flags.output), {
    verdict: 'accepted',
    statement: 'not checked',
    layout,
    nSteps,
    ...figuresOf(verdict),
    publicCells: publicMemory.length,
  });
  return EXIT.done;
};

const verifyStatement: Check = (verifier, proof, policy, flags, io) => {
  const verdict = verifier.verifyProof(proof, policy, optionsOf(flags, proof));
  if (verdict.kind === 'reject') return refused(io, flags, failureOf(verdict));
  const { statement, lease } = verdict;
  const inner = flags.outer === undefined ? undefined : innerOf(outerOf(flags.outer), statement);
  if (inner?.ok === false) return refused(io, flags, inner.failure);
  const row: Row = {
    verdict: 'accepted',
    programId: statement.programId,
    layout: statement.layout,
    ...figuresOf(verdict),
    cells: statement.cells,
    ...(lease === undefined ? {} : { lease }),
    ...(inner === undefined ? {} : { inner: inner.value }),
  };
  show(io, formatOf(flags.output), row);
  return EXIT.done;
};

const failureOf = ({ code, expected, actual }: Failure): Failure => ({ code, expected, actual });

const figuresOf = ({ bits, attackBits, provenBits, collisionBits }: Partial<Strength>): Row => ({
  bits,
  attackBits,
  provenBits,
  collisionBits,
});

const textOf = (failure: Failure | undefined): string =>
  failure === undefined
    ? '-'
    : `${failure.code}: expected ${failure.expected}, got ${failure.actual}`;

function claimOf({ statement, failure }: Inspection, outer: string | undefined): Row {
  if (statement === undefined) return { statement: textOf(failure) };
  const { programId, program, cells } = statement;
  const claim = { programId, programWords: program.length, cells };
  if (outer === undefined) return claim;
  const inner = innerOf(outerOf(outer), statement);
  return { ...claim, inner: inner.ok ? inner.value : textOf(inner.failure) };
}

/** The parameters that are worth a line. */
function partsOf({ parameters }: Inspection): Row {
  if (parameters === undefined) return {};
  const { channelHash, commitmentHash, nQueries, logNCosets, powBits, friStepList } = parameters;
  return { channelHash, commitmentHash, nQueries, logNCosets, powBits, friStepList };
}

/**
 * What the file claims; nothing of it is checked. A layout that cannot be checked at all is refused,
 * behind what can be said of it.
 */
export function inspectProofFile(path: string, flags: ProofFlags, io: Io): number {
  const seen = readOrRefuse(io, flags, inspectStoneJson(readText(path)));
  if (typeof seen === 'number') return seen;
  const { layout, nSteps, publicCells, pages, proofBytes, envelopeBytes, failure } = seen;
  const isUnsupported = failure?.code === 'unsupported_layout';
  const row = {
    verdict: 'not checked',
    layout,
    nSteps,
    ...figuresOf(seen),
    ...partsOf(seen),
    publicCells,
    pages,
    proofBytes,
    envelopeBytes,
    ...(isUnsupported ? failure : claimOf(seen, flags.outer)),
  };
  show(io, formatOf(flags.output), row);
  return isUnsupported ? EXIT.refused : EXIT.done;
}

/** What `verify` can be told to demand. */
export function withProofOptions(command: Command): Command {
  return command
    .option(
      '--program <file>',
      'verify: the compiled program it must be about (cairo-compile JSON), or its id',
    )
    .option('--statement <kind>', 'verify: lease demands exactly the six lease cells')
    .option('--extra <n>', 'verify: further cells a lease statement must have; default 0')
    .option('--policy <policy>', 'verify: committee, machine, any, a JSON file, or name=value,…')
    .option(
      '--run',
      'verify: the STARK alone, without a statement, as StarkWare’s verifier does; policy any',
    )
    .option(
      '--outer <format>',
      'read its output as verifier, or bootloader:CONFIG (hex words; inspect: _ for any)',
    );
}

/** proof verify FILE, proof inspect FILE. */
export const registerProof: Register = ({ cli, io, run }) => {
  withProofOptions(
    withFormat(
      cli.command(
        'proof <action> <file>',
        'verify or inspect a Stone proof (exit 0, 1 refused, 2 unreadable)',
      ),
    ),
  )
    .example('fatty proof verify proof.json --program compiled.json --statement lease')
    .action(
      run(async (action: string, file: string, flags: ProofFlags) => {
        if (action === 'verify') return verifyProofFile(file, flags, io);
        if (action === 'inspect') return inspectProofFile(file, flags, io);
        throw new ExitError(EXIT.usage, `proof: expected verify or inspect, got ${action}`);
      }),
    );
};
