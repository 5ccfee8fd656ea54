// Properties of jobs, against a naive model.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { JobModel } from './job-model.ts';
import { claimed, JobWorld, LEASE_MS, QUEUE, result } from './job-world.ts';

const WORKERS = 4;
const CLAIMS_MAX = 2;
const NAMES = 'a b c d e f g h i j k l'.split(' ');

const name = fc.constantFrom(...NAMES);
const worker = fc.nat(WORKERS - 1);
const action = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('declare' as const),
      name,
      deps: fc.oneof(fc.constant<string[]>([]), fc.uniqueArray(name, { maxLength: 2 })),
      priority: fc.nat(2),
      giveUpAfter: fc.integer({ min: 1, max: 3 }),
      steps: fc.integer({ min: 1, max: 3 }),
      deadlineMs: fc.constantFrom(3_000, 9_000, 30_000, 30_000),
    }),
  },
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('claim' as const), worker }) },
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('prove' as const),
      /** The worker of the job, or (a thief) any. */
      thief: fc.option(worker, { freq: 6 }),
      pick: fc.nat(9),
      name,
      honest: fc.constantFrom(true, true, true, true, true, false),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('fail' as const), worker, pick: fc.nat(9), name }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const), pick: fc.nat(99) }) },
);
type Action = typeof action extends fc.Arbitrary<infer A> ? A : never;

const step = fc.record({
  advance: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 100, 700, LEASE_MS),
  act: action,
  /** Save, restore, and go on from the copy. */
  restart: fc.constantFrom(false, false, false, true),
});

class Pair {
  readonly world = new JobWorld({ jobClaimsPerClientMax: CLAIMS_MAX });
  readonly model = new JobModel(LEASE_MS, CLAIMS_MAX);
  readonly reached = new Map<string, number>();

  count(what: string): void {
    this.reached.set(what, 1 + (this.reached.get(what) ?? 0));
  }

  /** Acts in both, each in a commit of its own; answers what both said. */
  act(one: Action): readonly [string, string] {
    const { world, model } = this;
    switch (one.kind) {
      case 'declare': {
        const { kind: _, deps, deadlineMs, ...terms } = one;
        const said = world.declare({
          ...terms,
          path: `${QUEUE}/${one.name}`,
          steps: BigInt(one.steps),
          inputs: deps.map((dep) => result(`${QUEUE}/${dep}`)),
          window: deps.length === 0 ? 0 : 2,
          deadlineMs,
        });
        return [wordOf(said), model.declare({ ...terms, deps }, deadlineMs)];
      }
      case 'claim': {
        const said = world.claim(world.worker(one.worker));
        const word = said.kind === 'jobClaimed' ? claimed(said).name : wordOf(said);
        return [word, model.claim(one.worker)];
      }
      case 'prove':
        return this.#prove(one);
      case 'fail': {
        const job = this.#target(one.pick, one.name);
        const path = `${QUEUE}/${job}`;
        const by = model.find(job)?.worker ?? one.worker;
        const asked = world.ask({ kind: 'job', path });
        const nonce = (asked.kind === 'job' && asked.claim?.nonce) || { commit: 0, index: 0 };
        const said = world.one(world.worker(by), { kind: 'failJob', path, nonce });
        return [wordOf(said), model.fail(by, job)];
      }
      case 'cancel': {
        const { name: job = 'a' } = model.jobs[one.pick % Math.max(1, model.jobs.length)] ?? {};
        const said = world.one(world.owner, { kind: 'cancelJob', path: `${QUEUE}/${job}` });
        return [wordOf(said), model.cancel(job)];
      }
    }
  }

  /** Mostly a claimed job. */
  #target(pick: number, other: string): string {
    const { claimed: jobs } = this.model;
    return pick === 9 ? other : (jobs[pick % Math.max(1, jobs.length)]?.name ?? other);
  }

  #prove({
    thief,
    pick,
    name: other,
    honest,
  }: Extract<Action, { kind: 'prove' }>): readonly [string, string] {
    const { world, model } = this;
    const job = this.#target(pick, other);
    const found = model.find(job);
    // Nobody proves what is not there.
    if (found === undefined) return ['none', 'none'];
    const by = thief ?? found.worker ?? 0;
    if (by !== found.worker) this.count('not the claimant');
    const client = world.worker(by);
    const path = `${QUEUE}/${job}`;
    const { t, s } = world.job(path).progress;
    const lie = honest ? {} : { from: [t, s + 1n] as const };
    const said =
      t === BigInt(found.steps) ? 'job_ended' : world.send(client, world.proof(client, lie, path));
    return [wordOf(said), model.prove(by, job, honest)];
  }

  compare(): void {
    const page = this.world.ask({ kind: 'jobs', path: QUEUE, after: undefined, limit: 99 });
    const entries = page.kind === 'jobs' ? page.entries : [];
    const shown = entries.map(({ name: at, status, t, worker: key }) => {
      const index = this.world.workers.findIndex(({ signer }) => signer.publicKey === key);
      const by = key && this.world.workers.findIndex((one) => same(one.signer.publicKey, key));
      return [at, status, Number(t), index >= 0 ? index : by];
    });
    const jobs = [...this.model.jobs].sort((a, b) => (a.name < b.name ? -1 : 1));
    expect(shown).toEqual(jobs.map((job) => [job.name, job.status, job.t, job.worker]));
    for (const { done, status, deps } of jobs) {
      expect(done).toBe(status === 'done' ? 1 : 0);
      const started = status === 'ready' || status === 'claimed' || status === 'done';
      if (started) for (const dep of deps) expect(this.model.find(dep)?.status).toBe('done');
    }
  }
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

function wordOf(said: unknown): string {
  if (typeof said === 'string') return said;
  const { kind, code } = said as { kind: string; code?: string };
  return code ?? kind;
}

test('no job is done twice or lost, one claim each, in order, with deadlines and retries as said', () => {
  const reached = new Map<string, number>();
  fc.assert(
    fc.property(fc.array(step, { minLength: 60, maxLength: 80, size: 'max' }), (steps) => {
      const pair = new Pair();
      const { world, model } = pair;
      for (const { advance, act, restart } of steps) {
        const input = world.input.bind(world);
        world.input = (ms, ...rest) => input(ms + advance, ...rest);
        model.now = world.leaseClock + advance;
        const commits = world.commit;
        const [said, wanted] = pair.act(act);
        world.input = input;
        if (world.commit === commits) world.step(advance);
        model.tick();
        expect([act.kind, said]).toEqual([act.kind, wanted]);
        pair.compare();
        pair.count(`${act.kind} ${said.length === 1 ? 'a job' : said}`);
        if (restart) world.service.restore(world.service.snapshot());
      }
      for (const { status } of model.jobs) pair.count(status);
      for (const [what, times] of pair.reached) reached.set(what, times + (reached.get(what) ?? 0));
    }),
    { numRuns: 40 },
  );
  const wanted = {
    done: 20,
    given_up: 5,
    expired: 5,
    cancelled: 5,
    input_lost: 3,
    'claim a job': 100,
    'claim no_job': 20,
    'prove jobProved': 50,
    'prove wrong_s': 5,
    'not the claimant': 20,
    'prove not_claimant': 5,
    'fail jobFailed': 5,
  };
  const few = Object.entries(wanted).filter(([what, least]) => (reached.get(what) ?? 0) < least);
  expect(few.map(([what]) => `${what}: ${reached.get(what) ?? 0}`)).toEqual([]);
});
