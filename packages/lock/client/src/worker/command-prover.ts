// A prover outside of this process, run as a command.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import {
  type Proof,
  type ProofParameters,
  parseStoneJson,
  type Run,
  writeAirPrivateInput,
  writeAirPublicInput,
  writeMemory,
  writeStoneJson,
  writeTrace,
} from '@fatty/cairo';
import { fail, ok } from '@fatty/codec';
import type { Outcome } from '@fatty/interface';
import { type Checks, must, optionsOf } from '../sdk/checks.ts';
import { TIMER_MS_MAX } from '../sdk/driver.ts';
import { PERIOD } from './run-options.ts';
import type { ProofJobOptions, Prover } from './types.ts';

/** How an outside prover is called. */
export interface CommandProverOptions {
  /**
   * Program and arguments; as one text they are split at blanks, without quoting. `{public_input}`,
   * `{private_input}` and `{proof}` stand for files, `{parameters}` for Stone's parameter file.
   */
  readonly command: string | readonly string[];
  /** ms until the command is killed; default 600,000. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 600_000;
const SAID_LENGTH = 500;

type Files = Readonly<Record<'public_input' | 'private_input' | 'parameters' | 'proof', string>>;

function isCommand(value: unknown): boolean {
  if (typeof value === 'string') return value.trim() !== '';
  return Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'string');
}

const COMMAND: Checks<CommandProverOptions> = {
  command: must('a program and its arguments', isCommand),
  timeoutMs: PERIOD,
};

/**
 * A prover outside this process, such as Stone's `cpu_air_prover`, run without a shell on files in
 * a folder of their own, which goes with the proof. What it answers must be about the run it was
 * given. Codes: `prover_failed` (exit code and the end of what it said), `prover_timeout`,
 * `wrong_statement`, `cancelled`, `unwritable`, and those of `parseStoneJson`.
 * @throws FattyError `bad_argument`
 */
export function commandProver(options: CommandProverOptions): Prover {
  const { command, timeoutMs } = optionsOf(COMMAND, options, ['command']);
  const words = typeof command === 'string' ? command.split(/\s+/).filter(Boolean) : command;
  return {
    async prove(run, parameters, options = {}) {
      let dir: string | undefined;
      try {
        dir = await mkdtemp(join(tmpdir(), 'fatty-prover-'));
        const files = await writeFiles(dir, run, parameters);
        const args = words.map((word) => fill(word, files));
        const ran = await execute(args, timeoutMs ?? TIMEOUT_MS, options);
        return ran.ok ? await readProof(files.proof, run) : ran;
      } catch (error) {
        return fail('unwritable', 'a folder for files', String(error));
      } finally {
        if (dir !== undefined) await rm(dir, { recursive: true, force: true });
      }
    },
    close: () => Promise.resolve(),
  };
}

async function writeFiles(dir: string, run: Run, parameters: ProofParameters): Promise<Files> {
  const at = (name: string): string => join(dir, name);
  const files: Files = {
    public_input: at('public_input.json'),
    private_input: at('private_input.json'),
    parameters: at('parameters.json'),
    proof: at('proof.json'),
  };
  const paths = { trace: at('trace.bin'), memory: at('memory.bin') };
  const { publicInput, privateInput, trace, memory } = run;
  const privateFile = writeAirPrivateInput(publicInput.layout, privateInput, paths);
  await Promise.all([
    writeFile(paths.trace, writeTrace(trace)),
    writeFile(paths.memory, writeMemory(memory)),
    writeFile(files.public_input, writeAirPublicInput(publicInput)),
    writeFile(files.private_input, privateFile),
    writeFile(files.parameters, parameterFile(run, parameters)),
  ]);
  return files;
}

/** The parameters as they stand in a proof, which is how Stone's provers read them. */
function parameterFile({ publicInput }: Run, parameters: ProofParameters): string {
  const proof = writeStoneJson({ parameters, publicInput, proofBytes: new Uint8Array() });
  const { proof_parameters } = JSON.parse(proof) as { readonly proof_parameters: unknown };
  return JSON.stringify(proof_parameters, undefined, 4);
}

const fill = (word: string, files: Files): string =>
  word.replace(/\{(\w+)\}/g, (all, name: string) =>
    Object.hasOwn(files, name) ? files[name as keyof Files] : all,
  );

function execute(
  [program = '', ...args]: readonly string[],
  timeoutMs: number,
  { signal }: ProofJobOptions,
): Promise<Outcome<undefined>> {
  return new Promise((resolve) => {
    if (signal?.aborted) {
      resolve(fail('cancelled', 'no cancellation', 'one'));
      return;
    }
    // In a group of its own, which is killed as one: the work may be done by a child of the command.
    const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe'];
    const child = spawn(program, args, { stdio, shell: false, detached: true });
    let said = '';
    let code: 'cancelled' | 'prover_timeout' | 'prover_failed' = 'prover_failed';
    const hear = (chunk: Buffer): void => {
      said = (said + chunk.toString('utf8')).slice(-SAID_LENGTH);
    };
    const end = (why: typeof code): void => {
      code = why;
      killGroup(child);
    };
    const cancel = (): void => end('cancelled');
    const timer = setTimeout(() => end('prover_timeout'), Math.min(timeoutMs, TIMER_MS_MAX));
    signal?.addEventListener('abort', cancel, { once: true });
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    const finish = (actual: string | undefined): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', cancel);
      resolve(actual === undefined ? ok(undefined) : fail(code, 'exit code 0', actual));
    };
    child.on('error', (error) => finish(error.message));
    child.on('close', (exit, by) =>
      finish(exit === 0 ? undefined : `${by ?? exit}: ${said.trim()}`),
    );
  });
}

/** What has left the group is not waited for: it may hold the pipes. */
function killGroup({ pid, stdout, stderr }: ChildProcessByStdio<null, Readable, Readable>): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
  stdout.destroy();
  stderr.destroy();
}

async function readProof(path: string, { publicInput }: Run): Promise<Outcome<Proof>> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return fail('prover_failed', 'a proof file', 'none');
  const parsed = parseStoneJson(text);
  if (!parsed.ok) return parsed;
  const [wanted, got] = [publicInput, parsed.value.publicInput].map(writeAirPublicInput);
  if (wanted === got) return parsed;
  return fail('wrong_statement', 'a proof of the run it was given', 'one of another run');
}
