import { readFile } from 'node:fs/promises';
import {
  type Assembled,
  assemble,
  bindingCell,
  encodeProof,
  idOfProgram,
  type Proof,
  proofParameters,
  runProgram,
} from '@fatty/cairo';
import { type Client, type FattyError, isFattyError, type MachineLease } from '@fatty/client/node';
import { type Prover, proverPool, runMachine, type WorkerEvent } from '@fatty/client/worker';
import { expectTrue, ms, StepFailed, timed, until } from './screen.ts';
import type { Stage } from './stage.ts';

const DIR = '/demo/machines';
const HONEST = `${DIR}/honest`;
const LIAR = `${DIR}/liar`;
const STALLED = `${DIR}/stalled`;
/** Shorter than the default of 12 s, so that the losses can be watched. */
const PERIOD_MS = 4_000;
const EVERY_MS = 250;
const RENEWALS = 2;
const S_TO = 5;

type Held = Extract<WorkerEvent, { readonly kind: 'held' }>;

const short = (value: bigint): string => `0x${value.toString(16).slice(0, 8)}…`;

async function loadTick(): Promise<Assembled> {
  const url = new URL('../../../cairo/machines/tick.casm', import.meta.url);
  const program = assemble(await readFile(url, 'utf8'));
  if (program.ok) return program.value;
  throw new StepFailed(`tick.casm: ${program.failure.code}`);
}

/** Proves ten transitions by hand, from whatever state it is told. */
class Bench {
  readonly #client: Client;
  readonly #program: Assembled;
  readonly #prover: Prover;

  constructor(client: Client, program: Assembled, prover: Prover) {
    this.#client = client;
    this.#program = program;
    this.#prover = prover;
  }

  async prove(path: string, at: Pick<MachineLease, 'nonce' | 't' | 's'>): Promise<Proof> {
    const { cell, key } = this.#client;
    const binding = bindingCell(cell.cellId, path, key, at.nonce);
    const inputs = [binding, at.t, at.s, 10n];
    const run = runProgram(this.#program, { inputs, provable: true });
    if (!run.ok) throw new StepFailed(`the program runs: ${run.failure.code}`);
    const { nSteps } = run.value.publicInput;
    const proof = await this.#prover.prove(run.value, proofParameters(nSteps));
    if (!proof.ok) throw new StepFailed(`there is a proof: ${proof.failure.code}`);
    return proof.value;
  }

  async take(path: string): Promise<MachineLease> {
    const machine = this.#client.machine(path);
    const state = await machine.state();
    const proof = await this.prove(path, state);
    return machine.take([encodeProof(proof)], { nonce: state.nonce });
  }
}

/** The same proof, with another result written into its statement. */
function withOtherResult(proof: Proof): Proof {
  const { publicInput } = proof;
  const execution = publicInput.segments.find(({ name }) => name === 'execution');
  const address = (execution?.beginAddr ?? 0) + 2 + S_TO;
  const publicMemory = publicInput.publicMemory.map((cell) =>
    cell.address === address ? { ...cell, value: cell.value + 1n } : cell,
  );
  return { ...proof, publicInput: { ...publicInput, publicMemory } };
}

async function refusal(work: Promise<unknown>): Promise<FattyError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (isFattyError(error)) return error;
  throw new StepFailed('the proof is refused');
}

/** (c) Machines on the embedded prover: an honest one, one that lies, one that stalls. */
export async function worker(stage: Stage): Promise<void> {
  const { alice, bob, screen } = stage;
  screen.title('Workers: three machines prove their own runs; one lies, one stalls');
  const program = await loadTick();
  const declared = { programId: idOfProgram(program, 'plain'), t: 0n, s: 1n, periodMs: PERIOD_MS };
  await alice.create(DIR, { node: 'directory', exclusive: false, parents: true });
  for (const path of [HONEST, LIAR, STALLED]) await alice.machine(path).declare(declared);
  screen.say(`the tick program is pinned by three machines, period ${PERIOD_MS / 1000} s`);
  const honest = new Honest(stage, program);
  await using prover = closing(proverPool());
  try {
    await lieAndStall(stage, new Bench(bob, program, prover));
    await until('the honest worker renews', 3 * PERIOD_MS, () => honest.renewed(RENEWALS));
    const { lessee } = await alice.machine(HONEST).state();
    expectTrue(lessee !== undefined && !honest.hasEnded, 'the honest worker keeps its lease');
    screen.say('the honest worker never lost it');
  } finally {
    await honest.stop();
  }
}

function closing(prover: Prover): Prover & AsyncDisposable {
  return { ...prover, [Symbol.asyncDispose]: () => prover.close() };
}

/** The worker SDK at work, and what it tells. */
class Honest {
  readonly #stage: Stage;
  readonly #stop = new AbortController();
  readonly #work: Promise<unknown>;
  #renewals = 0;
  #provingMs = 0;
  #bytes = 0;
  hasEnded = false;

  constructor(stage: Stage, program: Assembled) {
    this.#stage = stage;
    const { signal } = this.#stop;
    const transitions = { everyMs: EVERY_MS };
    const onProgress = (event: WorkerEvent): void => this.#hear(event);
    const options = { path: HONEST, program, transitions, signal, onProgress };
    this.#work = runMachine(stage.alice, options).finally(() => {
      this.hasEnded = true;
    });
    // Awaited by `stop`; until then a failure waits there.
    this.#work.catch(() => undefined);
  }

  #hear(event: WorkerEvent): void {
    if (event.kind === 'proved') {
      this.#provingMs = event.tookMs;
      this.#bytes = event.bytes;
    }
    if (event.kind === 'held') this.#say(event);
  }

  #say({ how, t, s, tookMs, spareMs }: Held): void {
    if (how === 'renewed') this.#renewals++;
    const early = how === 'renewed' ? `, ${ms(spareMs)} early` : '';
    const proof = `${this.#bytes} bytes proved in ${ms(this.#provingMs)}`;
    const cell = `checked and committed in ${ms(tookMs)}`;
    this.#stage.screen.say(`honest: ${how}${early}: ${proof}, ${cell}: t=${t}, s=${short(s)}`);
  }

  renewed(count: number): true | undefined {
    return this.#renewals >= count || this.hasEnded ? true : undefined;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#work;
  }
}

async function lieAndStall({ alice, screen }: Stage, bench: Bench): Promise<void> {
  const liar = await bench.take(LIAR);
  const stalled = await bench.take(STALLED);
  screen.say(`liar and stalled: taken, t=${liar.t} and t=${stalled.t}`);
  const { nonce, t, s } = liar;
  const altered = withOtherResult(await bench.prove(LIAR, liar));
  const first = await refusal(liar.renew([encodeProof(altered)], { nonce }));
  screen.say(`liar: a true proof with another result in its statement: refused, ${first.code}`);
  const madeUp = await bench.prove(LIAR, { nonce, t, s: s + 1n });
  const second = await refusal(liar.renew([encodeProof(madeUp)], { nonce }));
  expectTrue(second.code === 'wrong_s', 'a made-up state is refused');
  screen.say(`liar: a true proof from a state it made up: refused, ${second.code}`);
  const losses = [liar, stalled].map((lease) => timed(() => lease.lost));
  await Promise.all(losses);
  screen.say('neither can prove its lease any longer: both must stop');
  for (const [name, path] of Object.entries({ liar: LIAR, stalled: STALLED })) {
    const free = await until(`${name} loses its lease`, 4 * PERIOD_MS, async () => {
      const now = await alice.machine(path).state();
      return now.lessee === undefined ? now : undefined;
    });
    screen.say(`${name}: the cell has taken the lease away; the machine waits at t=${free.t}`);
  }
}
