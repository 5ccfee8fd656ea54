// Worlds in which the network is the adversary (L2).
import { encode, standIn, toHex, utf8 } from '@fatty/codec';
import { OrswotAlgorithm, setOp } from '@fatty/crdt';
import { watch } from '../checkers/index.ts';
import { stage } from '../staging/stage.ts';
import { staged } from '../staging/staged.ts';
import { against, againstLeaders } from '../world/aims.ts';
import { makeCell, smallWindows } from '../world/cell.ts';
import { Client } from '../world/client.ts';
import { CALM_NETWORK, QUICK_DISK, QUICK_VERIFIER } from '../world/faults.ts';
import type { Scheduler } from '../world/network.ts';
import type { Observation, Violation } from '../world/observation.ts';
import { SeededRng } from '../world/rng.ts';
import { readItem, type SeenBlock } from '../world/sight.ts';
import type { World } from '../world/world.ts';
import { say } from './net.ts';

/** Adversaries that own the network and break no machine. Delays in ms, far above every timeout. */
const SLOW_MS = 9_000;

/** Any packet may take any time. */
export function heavyTails(seed: number): Scheduler {
  const rng = new SeededRng(seed);
  return () => (rng.chance(200) ? rng.between(100, SLOW_MS) : undefined);
}

/** The adversaries by name. */
export const SCHEDULERS = ['againstLeaders', 'against', 'heavyTails'] as const;

function schedulerOf(
  name: (typeof SCHEDULERS)[number],
  seed: number,
  replicas: number,
  faultsMax: number,
): Scheduler {
  if (name === 'againstLeaders') return againstLeaders(replicas, faultsMax, SLOW_MS);
  return name === 'against' ? against(seed % replicas, SLOW_MS) : heavyTails(seed);
}

/** What came of a world under an adversarial network. */
export interface Asynchrony {
  readonly violations: readonly Violation[];
  readonly reached: Readonly<Record<string, number>>;
  /** Rounds the cell went through. */
  readonly rounds: number;
}

/** Time that L2 is watched for, and how far below the tip it must hold. */
const WATCH_MS = 18_000;
const TAIL_ROUNDS = 8;
const BATCHES = 6;

/**
 * L2, with no timing assumption: in every window of three rounds some honest block is delivered, and
 * every client batch that was handed to all replicas is delivered.
 */
export function runAsynchrony(
  name: (typeof SCHEDULERS)[number],
  seed: number,
  replicas: number,
): Asynchrony {
  const cell = makeCell(replicas, standIn(), smallWindows(replicas));
  const seen = watch({ cell, liars: new Set(), skewMsMax: 0 });
  const { world } = stage({
    cell,
    seed,
    liars: new Map(),
    network: CALM_NETWORK,
    disk: QUICK_DISK,
    machine: (context) => staged(() => new OrswotAlgorithm(), context),
    verifier: QUICK_VERIFIER,
    checkers: seen.checkers,
    scheduler: schedulerOf(name, seed, replicas, cell.faultsMax),
  });
  const delivered: { readonly key: string; readonly round: number }[] = [];
  world.onObservation((observation: Observation) => {
    if (observation.kind !== 'delivered') return;
    delivered.push({ key: toHex(observation.ref.digest), round: observation.ref.round });
  });
  world.start([]);
  const clients = Array.from({ length: BATCHES }, (_, i) => gossiper(world, i));
  world.run(WATCH_MS);
  const blocks = delivered.flatMap(({ key }) => seen.book.get(key) ?? []);
  if (world.violations.length === 0) {
    world.report(windows(world, blocks, seen.book.roundMax(0)));
    world.report(batches(world, blocks, clients));
  }
  return { violations: world.violations, reached: world.reached, rounds: seen.book.roundMax(0) };
}

/** A client whose only batch goes to every replica, in the first half of the time. */
function gossiper(world: World, i: number): Client {
  const client = new Client(world, `g${i}`, 0);
  client.gossip = true;
  const op = encode(setOp, { kind: 'add', member: utf8(`member ${i}`) });
  world.after((WATCH_MS / 2 / BATCHES) * i, () => client.send(`add ${i}`, () => [op]));
  return client;
}

/** The first half of L2; `tip` is the highest round. */
export function windows(
  world: Pick<World, 'nowMs'>,
  blocks: readonly Pick<SeenBlock, 'round'>[],
  tip: number,
): readonly Violation[] {
  const rounds = new Set(blocks.map((block) => block.round));
  for (let round = 1; round <= tip - TAIL_ROUNDS; round++) {
    if (rounds.has(round) || rounds.has(round + 1) || rounds.has(round + 2)) continue;
    const where = `rounds ${round} to ${round + 2} of ${tip}`;
    return [say(world, 'L2', `an honest block delivered in ${where}`, 'none')];
  }
  return [];
}

/** The second half: what each client sent first is in a delivered block. */
export function batches(
  world: Pick<World, 'nowMs'>,
  blocks: readonly Pick<SeenBlock, 'body'>[],
  clients: readonly Pick<Client, 'name' | 'sent'>[],
): readonly Violation[] {
  const carried = new Set<string>();
  for (const block of blocks) {
    const body = readItem(block.body);
    const list = Array.isArray(body) ? body[0] : undefined;
    if (!Array.isArray(list)) continue;
    for (const batch of list) if (Array.isArray(batch)) carried.add(toHex(batch[0] as Uint8Array));
  }
  return clients.flatMap((client) => {
    const item = readItem(client.sent[0] ?? new Uint8Array());
    const core = Array.isArray(item) ? item[0] : undefined;
    if (core instanceof Uint8Array && carried.has(toHex(core))) return [];
    return [say(world, 'L2', `the batch of ${client.name} delivered`, 'it is not')];
  });
}
