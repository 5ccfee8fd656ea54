// Tour (d): three workers.
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
import type { Client, MachineLease } from '@fatty/client/node';
import {
  type Prover,
  proverPool,
  runMachine,
  type WorkerEnd,
  type WorkerEvent,
} from '@fatty/client/worker';
import { freed, type Pace, paced, secs, short } from './pace.ts';
import { expectTrue, ms, StepFailed, until } from './screen.ts';
import type { Stage } from './stage.ts';

const DIR = '/demo/machines';
/** So many come due in a period. */
const TRANSITIONS = 16;
const RENEWALS = 2;
const S_TO = 5;

type Held = Extract<WorkerEvent, { readonly kind: 'held' }>;

async function loadTick(): Promise<Assembled> {
  const file = import.meta.resolve('@fatty/cairo/machines/tick.casm');
  const program = assemble(await readFile(new URL(file), 'utf8'));
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
    const state = await machine.stat();
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

/** Machines on the embedded prover: an honest one, one that lies, one that stalls. */
export async function worker(stage: Stage): Promise<void> {
  const { alice, screen } = stage;
  screen.title('Workers: three machines prove their own runs; one lies, one stalls');
  const program = await loadTick();
  await alice.create(DIR, { node: 'directory', exclusive: false, parents: true });
  await using prover = closing(proverPool());
  await paced(stage, (pace) => threeMachines({ ...stage, program, prover, pace }));
}

interface Parts extends Stage {
  readonly program: Assembled;
  readonly prover: Prover;
  readonly pace: Pace;
}

async function threeMachines(parts: Parts): Promise<void> {
  const { alice, screen, program, pace } = parts;
  const { periodMs } = pace;
  const declared = { programId: idOfProgram(program, 'plain'), t: 0n, s: 1n, periodMs };
  for (const name of ['honest', 'liar', 'stalled']) {
    await alice.machine(pathOf(parts, name)).declare(declared);
  }
  screen.say(`the tick program is pinned by three machines, period ${secs(periodMs)}`);
  const honest = new Honest(parts);
  try {
    await lieAndStall(parts);
    await until('the honest worker renews', () => honest.renewed(RENEWALS));
  } finally {
    await honest.stop();
  }
  await honest.neverLost();
  screen.say('the honest worker never lost it');
}

const pathOf = ({ pace }: Parts, name: string): string => pace.named(`${DIR}/${name}`);

function closing(prover: Prover): Prover & AsyncDisposable {
  return { ...prover, [Symbol.asyncDispose]: () => prover.close() };
}

/** The worker SDK at work, and what it tells. */
class Honest {
  readonly #parts: Parts;
  readonly #stop = new AbortController();
  readonly #work: Promise<WorkerEnd>;
  #renewals = 0;
  #provingMs = 0;
  #bytes = 0;
  #hasEnded = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    const { alice, program, pace } = parts;
    const { signal } = this.#stop;
    const transitions = { everyMs: pace.periodMs / TRANSITIONS };
    const onProgress = (event: WorkerEvent): void => this.#hear(event);
    const path = pathOf(parts, 'honest');
    this.#work = runMachine(alice, { path, program, transitions, signal, onProgress });
    const ended = (): void => {
      this.#hasEnded = true;
    };
    this.#work.then(ended, ended);
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
    this.#parts.screen.say(`honest: ${how}${early}: ${proof}, ${cell}: t=${t}, s=${short(s)}`);
  }

  renewed(count: number): true | undefined {
    return this.#renewals >= count || this.#hasEnded ? true : undefined;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#work.catch(() => undefined);
  }

  /** @throws TooSlow, StepFailed; whatever ended the work */
  async neverLost(): Promise<void> {
    const { pace } = this.#parts;
    const { reason, error } = await pace.held(this.#work);
    pace.tooLate(error);
    expectTrue(reason === 'stopped', `the honest worker keeps its lease: ${error?.code}`);
  }
}

async function lieAndStall(parts: Parts): Promise<void> {
  const { alice, bob, screen } = parts;
  const bench = new Bench(bob, parts.program, parts.prover);
  const [liarPath, stalledPath] = [pathOf(parts, 'liar'), pathOf(parts, 'stalled')];
  const liar = await bench.take(liarPath);
  const stalled = await bench.take(stalledPath);
  screen.say(`liar and stalled: taken, t=${liar.t} and t=${stalled.t}`);
  await lie(liar, bench, parts);
  await Promise.all([liar.lost, stalled.lost]);
  screen.say('neither can prove its lease any longer: both must stop');
  for (const [name, path] of Object.entries({ liar: liarPath, stalled: stalledPath })) {
    const free = await freed(alice, path);
    screen.say(`${name}: the cell has taken the lease away; the machine waits at t=${free.t}`);
  }
}

async function lie(lease: MachineLease, bench: Bench, { screen, pace }: Parts): Promise<void> {
  const { nonce, t, s, path } = lease;
  const altered = withOtherResult(await bench.prove(path, lease));
  const first = await pace.refusal(lease.renew([encodeProof(altered)], { nonce }));
  expectTrue(
    first.code.startsWith('bad_'),
    `a tampered proof is refused as such, not ${first.code}`,
  );
  screen.say(`liar: a true proof with another result in its statement: refused, ${first.code}`);
  const madeUp = await bench.prove(path, { nonce, t, s: s + 1n });
  const second = await pace.refusal(lease.renew([encodeProof(madeUp)], { nonce }));
  expectTrue(second.code === 'wrong_s', `a made-up state is refused, not for ${second.code}`);
  screen.say(`liar: a true proof from a state it made up: refused, ${second.code}`);
}
