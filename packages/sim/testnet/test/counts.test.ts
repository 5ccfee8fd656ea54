// How often a replica reads, checks and hashes the same bytes, on a warm cell with one client: counts, not times.
import * as api from '@fatty/api';
import * as broadcast from '@fatty/broadcast';
import { standIn } from '@fatty/codec';
import * as protocol from '@fatty/protocol';
import * as kernel from '@fatty/replica';
import { beforeAll, expect, test, vi } from 'vitest';
import { lockService } from '../src/staging/service.ts';
import { SessionClient } from '../src/staging/session.ts';
import { stage } from '../src/staging/stage.ts';
import { makeCell } from '../src/world/cell.ts';
import { CALM_NETWORK, QUICK_DISK, QUICK_VERIFIER } from '../src/world/faults.ts';
import type { World } from '../src/world/world.ts';
import { type Counts, countedInto, countingScheme, nameShapes } from './counted.ts';

vi.mock('@fatty/codec', async (original) => {
  const { counting } = await import('./counted.ts');
  return counting(await original<object>());
});

const REPLICAS = 4;
const WARM_OPS = 10;
const OPS = 40;
/** No keep-alive comes in between. */
const LEASE_MS = 60_000;

/** What one replica did while the ops went through. */
interface Done {
  readonly counts: Counts;
  /** Blocks it made, and blocks of others that it took. */
  readonly made: number;
  readonly taken: number;
}

/** Runs the world until the client is answered. */
function settle(world: World, client: SessionClient): void {
  expect(world.run(world.elapsedMs + 10_000, () => client.client.idle)).toBe(true);
}

/** One op after another, each when the one before is answered. */
function play(world: World, client: SessionClient, ops: number): void {
  for (let i = 0; i < ops; i++) {
    client.send([{ kind: 'tryAcquire', path: `/none/${i}`, mode: 'exclusive', lockDelayMs: 0 }]);
  }
  settle(world, client);
}

function measure(): readonly Done[] {
  const cell = makeCell(REPLICAS, countingScheme(standIn()), protocol.DEFAULT_PARAMS);
  const { world } = stage({
    cell,
    liars: new Map(),
    seed: 5,
    network: CALM_NETWORK,
    disk: QUICK_DISK,
    machine: (context) => ({ machine: lockService(context) }),
    verifier: QUICK_VERIFIER,
    checkers: [],
    restoreEvery: Number.MAX_SAFE_INTEGER,
  });
  world.start([]);
  const counts: Counts[] = world.hosts.map(() => ({}));
  for (const { index, peer } of world.hosts) {
    const step = peer?.step.bind(peer);
    if (peer && step) peer.step = (event) => countedInto(counts[index] ?? {}, () => step(event));
  }
  const done = world.hosts.map(() => ({ made: 0, taken: 0 }));
  world.onObservation((seen) => {
    const mine = done[seen.by];
    if (seen.kind !== 'noted' || mine === undefined) return;
    if (seen.note.what === 'proposed') mine.made += 1;
    if (seen.note.what === 'accepted' && seen.note.ref?.author !== seen.by) mine.taken += 1;
  });
  const client = new SessionClient(world, 'c0', 0, LEASE_MS);
  settle(world, client);
  /** No block is on its way: what is counted from here on begins and ends with whole blocks. */
  const level = (): void => {
    const all = (): number => done.reduce((sum, { made }) => sum + made, 0);
    const isLevel = (): boolean => done.every(({ made, taken }) => taken === all() - made);
    expect(world.run(world.elapsedMs + 10_000, isLevel)).toBe(true);
  };
  play(world, client, WARM_OPS);
  level();
  const before = counts.map((one) => ({ ...one }));
  const blocks = done.map((one) => ({ ...one }));
  play(world, client, OPS);
  level();
  expect(world.violations).toEqual([]);
  return counts.map((all, i) => {
    const since = Object.entries(all).map(([what, n]) => [what, n - (before[i]?.[what] ?? 0)]);
    const { made = 0, taken = 0 } = done[i] ?? {};
    const [madeBefore, takenBefore] = [blocks[i]?.made ?? 0, blocks[i]?.taken ?? 0];
    return {
      counts: Object.fromEntries(since.filter(([, n]) => n !== 0)) as Counts,
      made: made - madeBefore,
      taken: taken - takenBefore,
    };
  });
}

let replicas: readonly Done[] = [];

beforeAll(() => {
  for (const exports of [api, protocol, broadcast, kernel]) nameShapes(exports);
  replicas = measure();
});

const each = (what: string): readonly number[] => replicas.map(({ counts }) => counts[what] ?? 0);
const taken = (): readonly number[] => replicas.map((one) => one.taken);
const made = (): readonly number[] => replicas.map((one) => one.made);
const ops = (): readonly number[] => replicas.map(() => OPS);

test('a round costs a replica one sign and a check for each other block', () => {
  // Nobody leaves a round out, and everybody takes every block.
  const all = made().reduce((sum, blocks) => sum + blocks, 0);
  const rounds = Math.max(...made());
  expect(rounds).toBeGreaterThan(OPS);
  expect(all).toBe(REPLICAS * rounds);
  for (const one of replicas) expect(one.taken).toBe(all - one.made);
  expect(each('sign block')).toEqual(made());
  expect(each('check block')).toEqual(taken());
});

test('a batch costs each replica one check of its signature, and a known key no admission', () => {
  expect(each('check batch')).toEqual(ops());
  expect(each('admit')).toEqual(ops().map(() => 0));
});

test.each(['signedBlock', 'header', 'body'])('the %s of a block is decoded once', (what) => {
  expect(each(`decode ${what}`)).toEqual(taken());
});

test.each(['block', 'body'])('of a block the %s is hashed once', (what) => {
  expect(each(`hash ${what}`)).toEqual(taken().map((blocks, i) => blocks + (made()[i] ?? 0)));
});

test.each(['batch', 'op'])('each %s is decoded once, in whatever hands it came', (what) => {
  expect(each(`decode ${what}`)).toEqual(ops());
});
