// Plans: everything that tells one world from another.
import fc from 'fast-check';
import { LIES, type Lie } from '../liars/index.ts';
import { CHANGE_KINDS, type PlannedMembers } from '../staging/operators.ts';
import { AIMS } from '../world/aims.ts';
import { CLIENT_LIES, type ClientLie } from '../world/client.ts';
import { COMMON_FAULTS } from '../world/common-injector.ts';
import { FAULTS, type Fault } from '../world/faults.ts';

/** One op a client is to send; each net gives `what` and `arg` its own meaning. */
export interface PlannedOp {
  readonly atMs: number;
  readonly client: number;
  readonly what: number;
  readonly arg: number;
}

/** Everything that tells one world from another; plain JSON, so that a failure can be filed. */
export interface Plan {
  readonly seed: number;
  readonly replicas: number;
  /** Real Ed25519 instead of the stand-in. */
  readonly signatures: boolean;
  /** Reordering, duplication and long delays. */
  readonly rough: boolean;
  /** A datasync takes long enough for a crash to fall into it. */
  readonly slowDisk: boolean;
  /** Committee index of each liar (at most f) and how it lies. */
  readonly liars: readonly { readonly replica: number; readonly lie: Lie }[];
  readonly faults: readonly Fault[];
  readonly clients: number;
  readonly clientLies: readonly { readonly atMs: number; readonly lie: ClientLie }[];
  readonly ops: readonly PlannedOp[];
  /** How the members change; default: they stay. */
  readonly members?: PlannedMembers;
}

/** How big the worlds of a net are. Times in ms. */
export interface PlanSize {
  readonly replicas: readonly number[];
  readonly clients: number;
  readonly opsMin: number;
  readonly opsMax: number;
  /** Ops and faults begin within this time. */
  readonly busyMs: number;
  readonly faultsMax: number;
  /** One world in so many uses real signatures. */
  readonly realSignaturesOneIn: number;
  /** `what` is below this. */
  readonly kinds: number;
  /** What its lying replicas do more often than the rest: the net is to meet it. */
  readonly favours?: readonly Lie[];
  /** Changes of the members of one world at most; default: none, and nothing is drawn. */
  readonly changesMax?: number;
  /** Who lies in every world, and how; default: the dice decide. */
  readonly liars?: Plan['liars'];
  /** Nobody lies, neither replicas nor clients, and there are only faults that any process may have. */
  readonly crashOnly?: boolean;
}

const times = (max: number): fc.Arbitrary<number> => fc.integer({ min: 0, max });

/** Outages, never of more than f replicas together with the liars. */
function faultArbitrary(replicas: number, liars: ReadonlySet<number>, busyMs: number) {
  const replica = fc.integer({ min: 0, max: replicas - 1 });
  const span = { atMs: times(busyMs), forMs: fc.integer({ min: 50, max: 3000 }) };
  const honest = replica.filter((index) => !liars.has(index));
  const crash = fc.record({
    kind: fc.constant('crash' as const),
    ...span,
    replica: honest,
    power: fc.boolean(),
  });
  const partition = fc.record({
    kind: fc.constant('partition' as const),
    ...span,
    side: fc.uniqueArray(replica, { minLength: 1, maxLength: replicas - 1 }),
  });
  const lossy = fc.record({
    kind: fc.constant('lossy' as const),
    ...span,
    lossPerMille: fc.integer({ min: 10, max: 300 }),
    duplicatePerMille: fc.integer({ min: 0, max: 200 }),
  });
  const cut = fc.record({
    kind: fc.constant('cut' as const),
    ...span,
    replica: honest,
    afterMs: fc.integer({ min: 1, max: 500 }),
  });
  const reopen = fc.record({
    kind: fc.constant('reopen' as const),
    atMs: times(busyMs),
    replica: honest,
  });
  const skew = fc.record({
    kind: fc.constant('skew' as const),
    atMs: times(busyMs),
    replica: honest,
    byMs: fc.integer({ min: -SKEW_MS_MAX, max: SKEW_MS_MAX }),
  });
  return fc.oneof<fc.Arbitrary<Fault>[]>(
    // What nets want to meet twice comes more often.
    crash,
    crash,
    crash,
    partition,
    partition,
    lossy,
    lossy,
    cut,
    reopen,
    skew,
    ...stepArbitraries(replicas, liars, busyMs),
    ...slowArbitraries(replicas, honest, busyMs),
  );
}

/** Nothing is lost for good, and nobody dies: it only takes longer. */
function slowArbitraries(
  replicas: number,
  honest: fc.Arbitrary<number>,
  busyMs: number,
): readonly fc.Arbitrary<Fault>[] {
  const replica = fc.integer({ min: 0, max: replicas - 1 });
  const span = { atMs: times(busyMs), forMs: fc.integer({ min: 50, max: 3000 }) };
  const kind = <K extends Fault['kind']>(name: K): fc.Arbitrary<K> => fc.constant(name);
  const byMs = fc.integer({ min: 20, max: 800 });
  // All but one: that one hears nobody.
  const side = fc.uniqueArray(replica, { minLength: 1, maxLength: replicas - 1 });
  return [
    fc.record({ kind: kind('oneWay'), ...span, side }),
    fc.record({ kind: kind('pause'), ...span, replica: honest }),
    fc.record({ kind: kind('slow'), ...span, delayMs: byMs, reorder: fc.boolean() }),
    fc.record({ kind: kind('fullQueues'), ...span, replica: honest }),
    fc.record({ kind: kind('slowDisk'), ...span, replica: honest, byMs }),
    fc.record({ kind: kind('slowVerifier'), ...span, byMs }),
    ...AIMS.map((aim) =>
      fc.record({ kind: kind('aimed'), ...span, aim: fc.constant(aim), replica }),
    ),
  ];
}

/** Who may be as bad as a liar besides those that are: the same few in all of a world. */
function spareReplicas(replicas: number, liars: ReadonlySet<number>): readonly number[] {
  const all = Array.from({ length: replicas }, (_, index) => index);
  const spare = Math.floor((replicas - 1) / 3) - liars.size;
  return all.filter((index) => !liars.has(index)).slice(0, spare);
}

/** Of the kinds drawn for a world, so that some worlds have much of one thing and none of another. */
function swarmArbitrary(
  fault: fc.Arbitrary<Fault>,
  faultsMax: number,
  all: readonly Fault['kind'][],
): fc.Arbitrary<readonly Fault[]> {
  // Without a bias to short lists: calm worlds come often enough.
  return fc
    .noBias(
      fc.record({
        kinds: fc.subarray([...all], { minLength: 3 }),
        faults: fc.array(fault, { maxLength: 3 * faultsMax, size: 'max' }),
      }),
    )
    .map(({ kinds, faults }) => {
      const some: ReadonlySet<Fault['kind']> = new Set(kinds);
      return faults.filter(({ kind }) => some.has(kind)).slice(0, faultsMax);
    });
}

/**
 * Clocks that somebody sets: back by any number of hosts, forward by no more than f together with the
 * liars, for a cell that is mostly ahead has no other time than that.
 */
function stepArbitraries(replicas: number, liars: ReadonlySet<number>, busyMs: number) {
  const all = Array.from({ length: replicas }, (_, index) => index);
  const hasty = spareReplicas(replicas, liars);
  const step = (some: fc.Arbitrary<readonly number[]>, byMs: fc.Arbitrary<number>) =>
    fc.record({ kind: fc.constant('step' as const), atMs: times(busyMs), replicas: some, byMs });
  const back = fc.oneof(fc.constant(all), fc.subarray(all, { minLength: 1 }));
  const steps: fc.Arbitrary<Fault>[] = [
    step(back, fc.integer({ min: -STEP_MS_MAX, max: -STEP_MS_MIN })),
  ];
  if (hasty.length === 0) return steps;
  const forward = fc.integer({ min: STEP_MS_MIN, max: STEP_MS_MAX });
  const ahead = step(fc.subarray([...hasty], { minLength: 1 }), forward);
  // Twice: few worlds have room for it.
  return [...steps, ahead, ahead];
}

const STEP_MS_MIN = 1_000;
const STEP_MS_MAX = 2 * 3_600_000;

/** Honest clocks stay this close to world time. */
export const SKEW_MS_MAX = 150;

/** The copier goes where clients pipeline: where they do not, it does nothing. */
const COMMON_LIES: readonly Lie[] = LIES.filter((lie) => lie !== 'copier');

function liarsArbitrary(replicas: number, favours: readonly Lie[]): fc.Arbitrary<Plan['liars']> {
  const faultsMax = Math.floor((replicas - 1) / 3);
  const often = ['equivocate', 'fork', ...favours, ...favours, ...favours, ...favours] as const;
  const liar = fc.record({
    replica: fc.integer({ min: 0, max: replicas - 1 }),
    // The lies that broadcast exists to withstand come more often.
    lie: fc.constantFrom<Lie>(...often, ...COMMON_LIES),
  });
  return fc.uniqueArray(liar, { maxLength: faultsMax, selector: (one) => one.replica });
}

/** Epochs of 10 to 30 commits in half of the worlds. */
function membersArbitrary(busyMs: number, changesMax: number): fc.Arbitrary<PlannedMembers> {
  const change = fc.record({
    atMs: times(busyMs),
    // What takes a member away comes more often: each such epoch has its own conditions.
    kind: fc.constantFrom(...CHANGE_KINDS, 'replace' as const, 'remove' as const),
    who: fc.integer({ min: 0, max: 59 }),
    rivals: fc.integer({ min: 1, max: 6 }),
    isDead: fc.boolean(),
    lateMs: fc.integer({ min: 0, max: 2_000 }),
  });
  return fc.record({
    joiners: fc.constant(JOINERS),
    changes: fc.array(change, { maxLength: changesMax, size: 'max' }),
    renewCommits: fc.oneof(fc.constant(0), fc.integer({ min: 10, max: 30 })),
  });
}

/** Keys that may come to a cell. */
const JOINERS = 6;

/** Who lies in worlds of this size. */
function liarsOf(size: PlanSize, replicas: number): fc.Arbitrary<Plan['liars']> {
  if (size.crashOnly) return fc.constant([]);
  return size.liars ? fc.constant(size.liars) : liarsArbitrary(replicas, size.favours ?? []);
}

/** Worlds of the given size. */
export function planArbitrary(size: PlanSize): fc.Arbitrary<Plan> {
  const { crashOnly = false, faultsMax } = size;
  const kinds = crashOnly ? COMMON_FAULTS : FAULTS;
  const op = fc.record({
    atMs: times(size.busyMs),
    client: fc.integer({ min: 0, max: size.clients - 1 }),
    what: fc.integer({ min: 0, max: size.kinds - 1 }),
    arg: fc.integer({ min: 0, max: 0xffff }),
  });
  const clientLie = fc.record({ atMs: times(size.busyMs), lie: fc.constantFrom(...CLIENT_LIES) });
  return fc
    .constantFrom(...size.replicas)
    .chain((replicas) => fc.tuple(fc.constant(replicas), liarsOf(size, replicas)))
    .chain(([replicas, liars]) => {
      const lying = new Set(liars.map((liar) => liar.replica));
      return fc.record({
        seed: fc.integer({ min: 0, max: 0xffffffff }),
        replicas: fc.constant(replicas),
        signatures: fc
          .integer({ min: 1, max: size.realSignaturesOneIn })
          .map((die) => die === size.realSignaturesOneIn),
        rough: fc.boolean(),
        slowDisk: fc.boolean(),
        liars: fc.constant(liars),
        faults: swarmArbitrary(faultArbitrary(replicas, lying, size.busyMs), faultsMax, kinds),
        clients: fc.constant(size.clients),
        clientLies: fc.array(clientLie, { maxLength: crashOnly ? 0 : 4 }),
        ops: fc.array(op, { minLength: size.opsMin, maxLength: size.opsMax }),
        ...(size.changesMax && { members: membersArbitrary(size.busyMs, size.changesMax) }),
      });
    });
}
