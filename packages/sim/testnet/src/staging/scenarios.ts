// Scripts of typical runs, for charts.
import { inboxChain, type JobInput, type Op } from '@fatty/api';
import { bindingCell } from '@fatty/cairo-verify';
import type { Digest, Position, TraceEvent, Verdict } from '@fatty/interface';
import { IdealProver } from '../world/ideal-prover.ts';
import type { World } from '../world/world.ts';
import { amnesia, syncFromALiar } from './disk-scenarios.ts';
import type { PlannedChange } from './operators.ts';
import {
  carries,
  committedOps,
  file,
  isBlock,
  isMishap,
  isPacket,
  isTold,
  ofClient,
  type Recording,
  record,
  SETTLED_MS,
  touches,
  writer,
} from './script.ts';
import { SessionClient } from './session.ts';

/** A machine with proofs of its work, from files that this package may not read. */
export interface LeaseFixture {
  readonly programId: Digest;
  readonly t: bigint;
  readonly s: bigint;
  /** Envelopes of consecutive proofs, at least three. */
  readonly proofs: readonly Uint8Array[];
  /** The real verifier's answer to a job. */
  readonly verdictOf: (job: Uint8Array) => Verdict;
}

/** What scenarios need from files. */
export interface Fixtures {
  readonly lease: LeaseFixture;
}

const acquire = (path: string): Op => ({
  kind: 'acquire',
  path,
  mode: 'exclusive',
  maxWaitMs: undefined,
  lockDelayMs: 0,
});
const release = (path: string): Op => ({ kind: 'release', path, lockGen: undefined });

function setUp(session: SessionClient): void {
  session.send([file('/master')]);
}

/** One acquire with every block that goes to or from its gateway. */
function happyLock(): Recording {
  return record({
    seed: 1,
    fromMs: SETTLED_MS + 990,
    toMs: SETTLED_MS + 1290,
    shows: (event) => {
      if (ofClient(event) || carries(event) || committedOps(event)) return true;
      if (event.kind === 'deliver') return event.who === 'r0' && event.label.endsWith('/r0');
      return touches(event, 'r0') && isBlock(event);
    },
    play(world) {
      const alice = new SessionClient(world, 'c0', 0, 30_000);
      setUp(alice);
      world.after(1000, () => alice.send([acquire('/master')]));
      world.after(1150, () => alice.send([release('/master')]));
    },
  });
}

/** Bob waits for what Alice holds and gets it with a higher generation. */
function contendedLock(): Recording {
  return record({
    seed: 2,
    fromMs: SETTLED_MS + 990,
    toMs: SETTLED_MS + 2000,
    shows: (event) => ofClient(event) || carries(event) || committedOps(event),
    play(world) {
      const alice = new SessionClient(world, 'c0', 0, 30_000);
      const bob = new SessionClient(world, 'c1', 1, 30_000);
      setUp(alice);
      world.after(1000, () => alice.send([acquire('/master')]));
      world.after(1200, () => bob.send([acquire('/master')]));
      world.after(1400, () => alice.send([release('/master')]));
      bob.onNotice = (notice) => {
        if (notice.kind === 'granted') world.after(100, () => bob.send([release('/master')]));
      };
    },
  });
}

/** Two blocks of one slot, the evidence of it on its way, the conviction. */
function equivocatingReplica(): Recording {
  const about = /^block [123]\/r3|twin|evidence|convicts/;
  return record({
    seed: 3,
    fromMs: SETTLED_MS,
    toMs: SETTLED_MS + 250,
    liars: new Map([[3, 'equivocate']]),
    shows: (event) => ofClient(event) || ((event.round ?? 0) <= 4 && about.test(event.label)),
    play: (world) => writer(world, 0, 100, 2),
  });
}

/** Power fails at one replica; the others go on, and it comes back to where they are. */
function crashAndCatchUp(): Recording {
  const range = /^asks for rounds|blocks$/;
  return record({
    seed: 4,
    fromMs: SETTLED_MS,
    toMs: SETTLED_MS + 2500,
    faults: [{ kind: 'crash', atMs: SETTLED_MS + 150, forMs: 1000, replica: 2, power: true }],
    shows: (event) =>
      isMishap(event) ||
      isTold(event) ||
      ((event.who === 'r0' || event.who === 'r2') && committedOps(event)) ||
      (touches(event, 'r2') && isPacket(event) && range.test(event.label)),
    play: (world) => writer(world, 0, 120, 10),
  });
}

/** Two and two hear nothing of each other: nothing commits, and nothing is lost. */
function partitionAndHeal(): Recording {
  return record({
    seed: 5,
    fromMs: SETTLED_MS,
    toMs: SETTLED_MS + 2500,
    faults: [{ kind: 'partition', atMs: SETTLED_MS + 300, forMs: 900, side: [0, 1] }],
    shows: (event) => ofClient(event) || isTold(event) || committedOps(event) || carries(event),
    play: (world) => writer(world, 0, 250, 3),
  });
}

const PERIOD_MS = 2_000;

/** A worker proves its work and holds; it stalls, and one period later the lease is gone. */
function provenLease({ lease }: Fixtures): Recording {
  const [first, second] = lease.proofs;
  if (first === undefined || second === undefined) throw new RangeError('two proofs');
  const path = '/worker';
  const proven = { path, nonce: undefined, outputs: 0, inbox: 0 } as const;
  return record({
    seed: 6,
    fromMs: SETTLED_MS,
    toMs: SETTLED_MS + 5_000,
    verdictOf: lease.verdictOf,
    shows: (event) => ofClient(event) || carries(event) || committedOps(event),
    play(world) {
      const worker = new SessionClient(world, 'c0', 0, 30_000);
      worker.send([
        {
          kind: 'declareMachine',
          path,
          programId: lease.programId,
          t: lease.t,
          s: lease.s,
          policy: { layout: 'plain', bitsMin: 96, collisionBitsMin: 80 },
          binding: 'open',
          outputs: 0,
          inbox: undefined,
          periodMs: PERIOD_MS,
          lockDelayMs: 0,
        },
      ]);
      world.after(400, () => worker.send([{ kind: 'takeMachine', ...proven, proofs: [first] }]));
      world.after(1500, () => worker.send([{ kind: 'renewMachine', ...proven, proofs: [second] }]));
    },
  });
}

const CLAIM_MS = 1_500;
const FLEET = '/fleet';

function job(name: string, programId: Digest, inputs: readonly JobInput[]): Op {
  return {
    kind: 'declareJob',
    path: `${FLEET}/${name}`,
    programId,
    policy: { layout: 'plain', bitsMin: 96, collisionBitsMin: 80 },
    s: 1n,
    steps: 1n,
    span: 1n,
    inputs,
    window: inputs.length,
    outputs: 0,
    leaseMs: CLAIM_MS,
    deadlineMs: 60_000,
    giveUpAfter: 3,
    priority: 0,
    workers: [],
    keepProofs: false,
    retainMs: 0,
    fence: undefined,
  };
}

/** Claims the first job of the queue and completes it; `lies`: tries another result first, which nothing proves. */
function work(
  world: World,
  worker: SessionClient,
  { prover, lies = false }: { readonly prover: IdealProver; readonly lies?: boolean },
): void {
  const { publicKey: lessee } = worker.client.signer;
  const prove = (path: string, nonce: Position): void => {
    const extra = path.endsWith('b') ? [inboxChain(0n, 2n), 2n] : [];
    const proven = {
      bound: { path, lessee, nonce },
      tFrom: 0n,
      sFrom: 1n,
      tTo: 1n,
      sTo: 2n,
      extra,
    };
    const binding = bindingCell(world.cell.cellId, path, lessee, nonce);
    const proofs = lies
      ? [[prover.forge(binding, { ...proven, sTo: 3n })], [prover.prove(binding, proven)]]
      : [[prover.prove(binding, proven)]];
    for (const some of proofs) {
      const op = { path, nonce, outputs: 0, inbox: extra.length === 0 ? 0 : 1, proofs: some };
      worker.plan('proveJob', () => [{ kind: 'proveJob', ...op }], { refused: () => undefined });
    }
  };
  worker.plan('claimJob', () => [{ kind: 'claimJob', path: FLEET }], {
    answered: (result) => {
      if (result.kind === 'jobClaimed') prove(`${FLEET}/${result.name}`, result.nonce);
    },
  });
}

/** One worker claims a job and stalls; the next lies, then works, and the job that waited can begin. */
function fleetAtWork(): Recording {
  const prover = new IdealProver();
  const { programId } = prover;
  return record({
    seed: 7,
    fromMs: SETTLED_MS + 350,
    toMs: SETTLED_MS + 4_200,
    verdictOf: (asked) => prover.verdictOf(asked),
    shows: (event) => ofClient(event) || committedOps(event),
    play(world) {
      const [master, staller, liar] = [0, 1, 2].map(
        (i) => new SessionClient(world, `c${i}`, i, 30_000),
      );
      if (master === undefined || staller === undefined || liar === undefined) return;
      master.send([{ ...file(FLEET), node: 'directory' } as Op]);
      const inputs: readonly JobInput[] = [
        { kind: 'result', path: `${FLEET}/a`, output: undefined },
      ];
      world.after(400, () => master.send([job('a', programId, []), job('b', programId, inputs)]));
      world.after(700, () => staller.send([{ kind: 'claimJob', path: FLEET }]));
      world.after(3_000, () => work(world, liar, { prover, lies: true }));
      world.after(3_700, () => work(world, liar, { prover }));
    },
  });
}

const RENEWED: PlannedChange = {
  atMs: SETTLED_MS + 250,
  kind: 'renew',
  who: 0,
  rivals: 0,
  isDead: false,
  lateMs: 0,
};

/** What the operators do, what the members say of the end of an epoch, and what is committed at two of them. */
function showsEpochs(event: TraceEvent, some: readonly string[]): boolean {
  if (isMishap(event)) return true;
  if (isTold(event))
    return !/^rest|^round|equivocation/u.test(event.label) || event.who === some[0];
  if (event.kind === 'commit') return some.includes(event.who);
  if (!isPacket(event) || ofClient(event)) return ofClient(event);
  const from = event.kind === 'receive' ? event.peer : event.who;
  return (
    /sealed|motion|ready|evidence against|twin/u.test(event.label) && some.includes(from ?? '')
  );
}

/** Three members and more want another one, it says that it is ready, and the next epoch is of five. */
function epochWithAJoiner(): Recording {
  return record({
    seed: 7,
    fromMs: SETTLED_MS + 200,
    toMs: SETTLED_MS + 1_500,
    members: { joiners: 1, changes: [{ ...RENEWED, kind: 'add' }], renewCommits: 0 },
    shows: (event) => showsEpochs(event, ['r0', 'r4']),
    play: (world) => writer(world, 0, 400, 4),
  });
}

/** One of five says two things in one slot; the others convict it, move that it goes, and go on without it. */
function evidenceBasedRemoval(): Recording {
  return record({
    seed: 8,
    fromMs: SETTLED_MS,
    toMs: SETTLED_MS + 1_500,
    replicas: 5,
    liars: new Map([[4, 'equivocate']]),
    members: { joiners: 0, changes: [], renewCommits: 0 },
    shows: (event) => showsEpochs(event, ['r0']),
    play: (world) => writer(world, 0, 400, 3),
  });
}

/** Scripted runs for the committed charts; each is deterministic. */
export const SCENARIOS: Readonly<Record<string, (fixtures: Fixtures) => Recording>> = {
  'happy-lock': happyLock,
  'contended-lock': contendedLock,
  'equivocating-replica': equivocatingReplica,
  'crash-and-catch-up': crashAndCatchUp,
  'partition-and-heal': partitionAndHeal,
  'sync-from-a-lying-responder': syncFromALiar,
  'amnesia-refusal': amnesia,
  'proof-renewed-lease': provenLease,
  'fleet-at-work': fleetAtWork,
  'epoch-with-a-joiner': epochWithAJoiner,
  'evidence-based-removal': evidenceBasedRemoval,
};
