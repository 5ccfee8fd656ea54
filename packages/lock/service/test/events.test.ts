// Tests of the events of commits: beside what the states before and after say.
import { decodeEvent, type EventBody, type EventKind } from '@fatty/api';
import { toHex } from '@fatty/codec';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LockService } from '../src/index.ts';
import { Life, step } from './life.ts';
import { MachineWorld, PATH } from './machine-world.ts';
import { follow, look } from './watched.ts';
import { Client, type Outcome, op, World } from './world.ts';

function eventsOf(raw: ReturnType<LockService['applyCommit']>): EventBody[] {
  return (raw.events ?? []).map(({ about, body }) => {
    const event = decodeEvent(body);
    if (!event.ok) throw new Error(event.failure.code);
    expect(event.value.path).toBe(about);
    return event.value;
  });
}

/** Requests that came to a lock that others hold, by their results. */
function refusedTries({ results }: Outcome): number {
  return results
    .flat()
    .filter((one) => one.kind === 'error' && one.code === 'lock_held')
    .filter((one) => one.kind === 'error' && one.actual.startsWith('held by')).length;
}

/** One step of a life: what its events make of the state before is the state after. */
function checkStep(life: Life, one: Parameters<Life['step']>[0], kinds: Map<string, number>): void {
  const { world } = life;
  const copy = world.service.fresh();
  copy.restore(world.service.snapshot());
  const seen = look(world);
  const make = world.input.bind(world);
  let again: EventBody[] = [];
  world.input = (...args) => {
    const input = make(...args);
    again = eventsOf(copy.applyCommit(input));
    return input;
  };
  life.step(one);
  world.input = make;
  const { outcome } = life;
  if (outcome === undefined) throw new Error('a commit');
  const events = eventsOf(outcome.raw);
  expect(again).toEqual(events);
  for (const event of events) {
    follow(seen, event);
    kinds.set(event.kind, 1 + (kinds.get(event.kind) ?? 0));
  }
  expect(seen).toEqual(look(world));
  const ended = outcome.notices.filter(({ notice }) => notice.kind === 'sessionExpired');
  const expired = events.filter((event) => event.kind === 'sessionExpired');
  expect(expired.map((event) => event.kind === 'sessionExpired' && toHex(event.session))).toEqual(
    ended.map(({ session }) => session),
  );
  const tries = events.filter((event) => event.kind === 'lockConflict' && !event.waits);
  expect(tries.length).toBe(refusedTries(outcome));
}

test('the events of a commit lead from the state before to the state after, on every replica', () => {
  const kinds = new Map<string, number>();
  fc.assert(
    fc.property(fc.array(step, { minLength: 12, maxLength: 16, size: 'max' }), (steps) => {
      const life = new Life();
      for (const one of steps) checkStep(life, one, kinds);
    }),
    { numRuns: 25 },
  );
  const wanted: EventKind[] = [
    'added',
    'removed',
    'modified',
    'lockAcquired',
    'lockReleased',
    'lockLost',
    'lockConflict',
    'sessionExpired',
    'posted',
    'jobMoved',
  ];
  expect(wanted.filter((kind) => (kinds.get(kind) ?? 0) < 10)).toEqual([]);
});

/** The kinds of events of one act. */
function kindsOf(world: World, act: () => unknown): EventKind[] {
  const kinds: EventKind[] = [];
  const apply = world.service.applyCommit.bind(world.service);
  world.service.applyCommit = (input) => {
    const applied = apply(input);
    kinds.push(...eventsOf(applied).map(({ kind }) => kind));
    return applied;
  };
  act();
  world.service.applyCommit = apply;
  return kinds;
}

test('a machine tells of its leases, its proofs and what its lessee publishes', () => {
  const world = new MachineWorld();
  const { a, b } = world;
  const advance = (from: bigint, to: bigint) =>
    ({ from: [from, 1n + from], to: [to, 1n + to] }) as const;
  const seen = look(world);
  const does = (act: () => unknown): EventKind[] => {
    const kinds = kindsOf(world, act);
    return kinds;
  };
  const apply = world.service.applyCommit.bind(world.service);
  world.service.applyCommit = (input) => {
    const applied = apply(input);
    for (const event of eventsOf(applied)) follow(seen, event);
    return applied;
  };
  expect(does(() => world.take(a, advance(0n, 5n)))).toEqual(['machineTaken', 'machineAdvanced']);
  expect(does(() => world.renew(a, advance(5n, 6n)))).toEqual(['machineAdvanced']);
  const published = {
    kind: 'publish',
    path: PATH,
    address: 'x:1',
    content: new Uint8Array(1),
  } as const;
  expect(does(() => world.one(a, published))).toEqual(['published']);
  expect(does(() => world.one(b, published))).toEqual([]);
  expect(does(() => world.one(a, { kind: 'releaseMachine', path: PATH }))).toEqual([
    'machineReleased',
  ]);
  world.take(b, advance(6n, 9n));
  expect(does(() => world.step(2_500))).toEqual(['machineLost']);
  world.step(3_500);
  world.take(a, advance(9n, 10n));
  expect(does(() => world.one(a, { kind: 'removeSubtree', path: PATH }))).toEqual([
    'machineLost',
    'removed',
  ]);
  expect(seen).toEqual(look(world));
});

test('what changes nothing is no event, and a new epoch is one', () => {
  const world = new World();
  const a = new Client(1);
  world.open(a, op.file('/f', 'one'), op.file('/g', '', { mode: 'guarded' }));
  expect(kindsOf(world, () => world.one(a, op.file('/f')))).toEqual([]);
  expect(kindsOf(world, () => world.one(a, op.file('/f', 'two')))).toEqual(['modified']);
  expect(kindsOf(world, () => world.one(a, op.file('/g', 'no', { mode: 'guarded' })))).toEqual([]);
  expect(kindsOf(world, () => world.one(a, op.write('/none', 'x')))).toEqual([]);
  expect(kindsOf(world, () => world.step(50, [], { epoch: 1 }))).toEqual(['epochChanged']);
});
