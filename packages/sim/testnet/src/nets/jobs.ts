// The net of jobs.
import { encodeOp, type Op, type Result } from '@fatty/api';
import { bindingCell } from '@fatty/cairo-verify';
import { toHex } from '@fatty/codec';
import type { Position, PublicKey, Verdict } from '@fatty/interface';
import { DEFAULT_QUOTAS, LockService } from '@fatty/service';
import { isOver, type JobSeen } from '../checkers/job-book.ts';
import { cellsOf, JobChecker, nextOf, workOf } from '../checkers/jobs.ts';
import { readService } from '../staging/service.ts';
import { SessionClient } from '../staging/session.ts';
import type { Client } from '../world/client.ts';
import { IdealProver, type Proven } from '../world/ideal-prover.ts';
import type { Checker, Violation } from '../world/observation.ts';
import type { SeededRng } from '../world/rng.ts';
import type { World } from '../world/world.ts';
import { declaration } from './declared-jobs.ts';
import { JOBS_WANTS } from './jobs-wants.ts';
import { type Act, type Net, type Scene, say } from './net.ts';
import type { PlannedOp } from './plan.ts';

type ProofOp = Extract<Op, { kind: 'proveJob' }>;

const KINDS = 16;
const QUEUE = '/fleet';
/** How often workers that have nothing to do look for a job, ms. */
const TEND_MS = 400;
/** Of a thousand accepted proofs so many are followed by the next. */
const DILIGENCE = 800;
/** Of a thousand completions so many are sent once more. */
const EAGERNESS = 100;
/** Small enough that worlds meet them. */
const QUOTAS = { ...DEFAULT_QUOTAS, jobsPerQueueMax: 16, dependentsPerJobMax: 3 };

/** How a claimant lies with its proof. */
const LIES = [
  'forged',
  'otherInputs',
  'otherState',
  'otherJob',
  'stolen',
  'outputs',
  'long',
] as const;
type JobLie = (typeof LIES)[number];

/** A claim that a worker was granted. */
interface Granted {
  readonly path: string;
  readonly nonce: Position;
}

class JobsAct implements Act {
  readonly #prover: IdealProver = new IdealProver();
  #count: (what: string) => void = () => undefined;
  readonly #checker = new JobChecker(QUEUE, this.#prover, (what) => this.#count(what));
  readonly #workers: SessionClient[] = [];
  readonly #heard: ProofOp[] = [];
  /** Of the last claim, by worker and path. */
  readonly #nonces = new Map<string, Position>();
  #thief: SessionClient | undefined;
  #scene: Scene | undefined;
  #names = 0;

  readonly checkers = (): readonly Checker[] => [this.#checker];
  /** No job is lost: the world goes on until every one is over. */
  readonly waiting = (): readonly string[] => [
    ...this.#workers.filter((one) => !one.settled).map((one) => one.name),
    ...this.#jobs.filter((job) => !isOver(job)).map(({ op, status }) => `${op.path} ${status}`),
  ];
  readonly thief = ({ world }: Scene): Client => this.#thiefOf(world).client;
  readonly verdictOf = (job: Uint8Array): Verdict => this.#prover.verdictOf(job);

  get #jobs(): readonly JobSeen[] {
    return [...this.#checker.book.jobs.values()];
  }

  #thiefOf(world: World): SessionClient {
    this.#thief ??= new SessionClient(world, 'c99', 0, 60_000);
    return this.#thief;
  }

  prepare(scene: Scene): void {
    const { world, plan, clients } = scene;
    this.#scene = scene;
    this.#count = (what) => void world.count(what);
    for (let i = 0; i < plan.clients; i++) {
      this.#workers.push(new SessionClient(world, `c${i}`, i % plan.replicas, 60_000));
    }
    clients.push(...this.#workers.map((one) => one.client));
    const queue: Op = {
      kind: 'create',
      path: QUEUE,
      node: 'directory',
      mode: 'shared',
      ephemeral: false,
      exclusive: false,
      content: new Uint8Array(0),
    };
    this.#workers[0]?.send([queue]);
    const busyMs = Math.max(0, ...plan.ops.map(({ atMs }) => atMs));
    world.after(busyMs + TEND_MS, () => this.#tend(world));
  }

  /** When all has been tried, honest workers do what is left, and then rest: L1 waits for their last answers. */
  #tend(world: World): void {
    const isLeft = this.#jobs.some((job) => !isOver(job));
    for (const worker of this.#workers) {
      if (isLeft && worker.settled) this.#work(world, worker, QUEUE);
    }
    world.after(TEND_MS, () => this.#tend(world));
  }

  perform({ world }: Scene, { client, what, arg }: PlannedOp): void {
    const worker = this.#workers[client];
    if (worker === undefined) return;
    world.count('ops');
    const some = this.#jobs[arg % Math.max(1, this.#jobs.length)]?.op.path ?? QUEUE;
    if (what < 4) worker.send([this.#declaration(world.rng)]);
    else if (what < 7) this.#work(world, worker, QUEUE);
    else if (what === 7) this.#work(world, worker, some);
    else if (what === 8) this.#claim(worker, QUEUE, () => this.#count('stalls'));
    else if (what < 12) this.#lie(worker, LIES[arg % LIES.length] ?? 'forged');
    else if (what === 12) this.#twice(worker);
    else if (what === 13) this.#steal(world, arg);
    else if (what === 14) this.#giveUp(worker);
    else this.#cancel(worker, some, arg);
  }

  // ── jobs ───────────────────────────────────────────────────────────────────

  #declaration(rng: SeededRng): Op {
    const path = `${QUEUE}/j${String(this.#names++).padStart(3, '0')}`;
    const before = this.#jobs.map(({ op }) => op);
    return declaration(path, before, { rng, programId: this.#prover.programId });
  }

  #claim(worker: SessionClient, path: string, granted: (claim: Granted) => void): void {
    worker.plan(`claim ${path}`, () => [{ kind: 'claimJob', path }], {
      answered: (result) => {
        if (result.kind === 'jobClaimed') {
          granted({ path: `${QUEUE}/${result.name}`, nonce: result.nonce });
        } else if (result.kind === 'error') this.#count(`noClaim.${result.code}`);
      },
      refused: (code) => this.#count(`noClaim.${code}`),
    });
  }

  /** Claims, proves, and goes on to the end of the job. */
  #work(world: World, worker: SessionClient, path: string): void {
    this.#claim(worker, path, (claim) => {
      this.#tryOldClaim(worker, claim);
      this.#prove(world, worker, claim);
    });
  }

  /** Who has the same job again tries a proof for the claim that it lost: another has had it since. */
  #tryOldClaim(worker: SessionClient, { path, nonce }: Granted): void {
    const key = `${worker.name} ${path}`;
    const old = this.#nonces.get(key);
    this.#nonces.set(key, nonce);
    if (old === undefined) return;
    this.#count('lie.job.oldClaim');
    this.#attempt(worker, 'oldClaim', () => this.#proofOp(worker, { path, nonce: old }));
  }

  #prove(world: World, worker: SessionClient, claim: Granted): void {
    const make = (): readonly Op[] => {
      const op = this.#proofOp(worker, claim);
      if (op !== undefined) this.#hear(world, op);
      return op === undefined ? [] : [op];
    };
    worker.plan(`prove ${claim.path}`, make, {
      answered: (result) => {
        if (result.kind === 'error') this.#count(`outrun.${result.code}`);
        if (result.kind !== 'jobProved') return;
        if (result.done) {
          if (world.rng.chance(EAGERNESS)) this.#twice(worker);
          return;
        }
        if (world.rng.chance(DILIGENCE)) this.#prove(world, worker, claim);
        else this.#count('stalls');
      },
      refused: (code) => this.#count(`outrun.${code}`),
    });
  }

  /** The next proof of a job as it stands; nothing while nobody has declared it. */
  #proofOp({ client }: SessionClient, { path, nonce }: Granted, lie?: JobLie): ProofOp | undefined {
    const job = this.#checker.book.jobs.get(path);
    if (job === undefined) return undefined;
    const { window, outputs } = job.op;
    const lessee = client.signer.publicKey;
    const bound = { path: lie === 'otherJob' ? `${QUEUE}/other` : path, lessee, nonce };
    const proven = this.#run(job, lie, bound);
    const binding = this.#bindingOf(bound.path, lessee, nonce);
    const envelope =
      lie === 'forged'
        ? this.#prover.forge(this.#bindingOf(path, lessee, nonce), {
            ...proven,
            sTo: proven.sTo + 1n,
          })
        : this.#prover.prove(binding, proven);
    const shown = lie === 'outputs' ? outputs - 1 : outputs;
    return { kind: 'proveJob', path, nonce, outputs: shown, inbox: window, proofs: [envelope] };
  }

  /** What a run of the program comes to: the one that is asked for, or another. */
  #run(job: JobSeen, lie: JobLie | undefined, bound: Proven['bound']): Proven {
    const { entries: right, tTo: end } = nextOf(job);
    const entries = lie === 'otherInputs' ? right.map((one) => one + 1n) : right;
    const sFrom = lie === 'otherState' ? job.s + 1n : job.s;
    const tTo = lie === 'long' ? end + 1n : end;
    const sTo = workOf(sFrom, entries, tTo);
    const extra = cellsOf(job.op, job.chain, entries, sTo);
    return { bound, tFrom: job.t, sFrom, tTo, sTo, extra };
  }

  #bindingOf(path: string, worker: PublicKey, nonce: Position): bigint {
    const cellId = this.#scene?.cell.cellId;
    return cellId === undefined ? 0n : bindingCell(cellId, path, worker, nonce);
  }

  // ── lies ───────────────────────────────────────────────────────────────────

  #lie(worker: SessionClient, lie: JobLie): void {
    this.#claim(worker, QUEUE, (claim) => {
      const told = this.#tellable(claim, lie);
      this.#count(`lie.job.${told}`);
      this.#attempt(worker, told, () => {
        const op = this.#proofOp(worker, claim, told);
        const stolen = told === 'stolen' ? this.#heard.at(-1)?.proofs : undefined;
        return op && stolen ? { ...op, proofs: stolen } : op;
      });
    });
  }

  /** A job without inputs or outputs has nothing to lie about there, and nobody may have proved yet. */
  #tellable({ path }: Granted, lie: JobLie): JobLie {
    const job = this.#checker.book.jobs.get(path);
    const entries = job === undefined ? [] : nextOf(job).entries;
    if (lie === 'otherInputs' && entries.length === 0) return 'otherState';
    if (lie === 'outputs' && job?.op.outputs === 0) return 'long';
    return lie === 'stolen' && this.#heard.length === 0 ? 'forged' : lie;
  }

  /** Sends what must not be taken; counts with which code it is refused, by gateways or by the commit. */
  #attempt(who: SessionClient, how: string, make: () => Op | undefined): void {
    const refused = (code: string): void => this.#count(`lieRefused.${code}`);
    const ops = (): readonly Op[] => {
      const op = make();
      return op === undefined ? [] : [op];
    };
    who.plan(how, ops, {
      refused,
      answered: (result: Result) => {
        if (result.kind === 'error') refused(result.code);
        else this.#took(how);
      },
    });
  }

  #took(how: string): void {
    this.#count(`lieTook.${how}`);
    const world = this.#scene?.world;
    // Of a proof that was never applied the second time is the first.
    if (how === 'twice') return;
    world?.report([say(world, 'jobs', `a lie is refused: ${how}`, 'taken')]);
  }

  /** A worker completes once more what it has proved: in the same words. */
  #twice(worker: SessionClient): void {
    const key = toHex(worker.client.signer.publicKey);
    const own = this.#heard.findLast(({ proofs }) => this.#isOf(proofs[0], key));
    if (own === undefined) return;
    this.#count('lie.job.twice');
    this.#attempt(worker, 'twice', () => own);
  }

  #isOf(envelope: Uint8Array | undefined, key: string): boolean {
    const lessee = envelope && this.#prover.provenBy(envelope)?.bound?.lessee;
    return lessee !== undefined && toHex(lessee) === key;
  }

  /** Thieves listen: some copy at once, while the original is still on its way. */
  #hear(world: World, op: ProofOp): void {
    this.#heard.push(op);
    if (world.rng.chance(200)) this.#steal(world, 2 * world.rng.below(99));
  }

  /** Somebody else's words, as they are or about the thief's own claim; or a victim's own bytes. */
  #steal(world: World, arg: number): void {
    const heard = this.#heard.at(-1 - (arg % 3));
    if (heard === undefined) return;
    const thief = this.#thiefOf(world);
    this.#count('lie.job.copy');
    if (arg % 4 === 3) {
      const { sent } = this.#workers[arg % this.#workers.length]?.client ?? { sent: [] };
      const bytes = sent.at(world.rng.below(Math.max(1, sent.length)));
      if (bytes !== undefined)
        world.submit('c99', world.rng.below(world.hosts.length), bytes, 'copied bytes');
      return;
    }
    if (arg % 4 === 2) {
      this.#claim(thief, QUEUE, ({ path, nonce }) => {
        this.#attempt(thief, 'renamed', () => ({ ...heard, path, nonce }));
      });
      return;
    }
    this.#attempt(thief, 'same', () => heard);
  }

  #giveUp(worker: SessionClient): void {
    this.#claim(worker, QUEUE, ({ path, nonce }) =>
      worker.send([{ kind: 'failJob', path, nonce }]),
    );
  }

  /** By its owner sometimes; else by whoever this is, who may happen to be it. */
  #cancel(worker: SessionClient, path: string, arg: number): void {
    const owner = this.#checker.book.jobs.get(path)?.owner;
    const own = this.#workers.find(({ client }) => toHex(client.signer.publicKey) === owner);
    const who = arg % 3 === 0 ? (own ?? worker) : worker;
    who.plan(`cancel ${path}`, () => [{ kind: 'cancelJob', path }], {
      answered: (result) => {
        if (result.kind === 'error') this.#count(`notCancelled.${result.code}`);
      },
    });
  }

  lie({ world }: Scene): readonly Uint8Array[] {
    return [world.rng.chance(300) ? world.rng.bytes(20) : encodeOp(this.#declaration(world.rng))];
  }

  /** Every honest replica has the jobs as the history has them. */
  finish({ world, machines }: Scene): readonly Violation[] {
    return world.hosts.flatMap(({ index }) => {
      const service = machines.of(index);
      if (!world.follows(index) || !(service instanceof LockService)) return [];
      return this.#jobs.flatMap((job) => {
        const answer = service.query({ kind: 'job', path: job.op.path });
        const expected = [job.status, job.t, job.s, job.claims, ...job.outputs].join();
        const actual =
          answer.kind === 'job'
            ? [
                answer.status,
                answer.progress.t,
                answer.progress.s,
                answer.claims,
                ...answer.progress.outputs,
              ].join()
            : answer.kind;
        if (actual === expected) return [];
        return [say(world, 'jobs', `r${index}: ${job.op.path} ${expected}`, actual)];
      });
    });
  }
}

/** A fleet with lying workers: no job is completed twice or lost, and no wrong proof completes one. */
export const jobsNet: Net = {
  name: 'jobs',
  size: {
    replicas: [4],
    clients: 4,
    opsMin: 16,
    opsMax: 40,
    busyMs: 4e3,
    faultsMax: 3,
    realSignaturesOneIn: 8,
    kinds: KINDS,
    favours: ['silent', 'equivocate'],
  },
  machine: (cell) => ({ machine: new LockService({ cell, quotas: QUOTAS }) }),
  read: readService,
  act: () => new JobsAct(),
  wants: JOBS_WANTS,
};
