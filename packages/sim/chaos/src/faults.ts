// Does to a cell what a schedule says.
import type { RunningCell } from '@fatty/cli';
import type { ClientProcess } from './client-process.ts';
import type { FaultProxy, LinkFault } from './proxy.ts';
import type { Spell } from './schedule.ts';
import { machineMs } from './writer.ts';

/** What a spell can be about. */
export interface Stage {
  readonly cell: RunningCell;
  readonly clients: readonly ClientProcess[];
  readonly proxy: FaultProxy;
}

/** A replica that was killed, ms of the machine's clock. */
export interface Kill {
  readonly victim: number;
  readonly atMs: number;
}

const SLOW: LinkFault = { kind: 'slow', bytesPerSec: 20_000 };
const LATE: LinkFault = { kind: 'delay', ms: 150 };
const POLL_MS = 50;
/** A replica that is not in step so long after its restart is a failure, ms. */
const IN_STEP_MS_MAX = 180_000;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The name of a replica on its links. */
export function nameOf(index: number): string {
  return `replica-${index}`;
}

/** Tells the proxy whose ports are whose. */
export function ownPorts({ cell, proxy }: Stage): void {
  const { committee, addresses } = cell.cell;
  for (const { key, peer, client } of addresses) {
    const index = committee.members.findIndex((one) => one.every((byte, i) => byte === key[i]));
    for (const url of [peer, client]) proxy.own(nameOf(index), Number(new URL(url).port));
  }
}

/** Begins a spell, waits, and makes everything well again. Answers who was killed, and when. */
export async function perform(stage: Stage, spell: Spell): Promise<readonly Kill[]> {
  const { cell, clients } = stage;
  const { kind, victim, forMs } = spell;
  const replica = cell.replicas[victim];
  if (kind === 'freeze') {
    clients[victim]?.pause();
    await sleep(forMs);
    clients[victim]?.resume();
    return [];
  }
  if (kind === 'kill') return kill(stage, [victim], forMs);
  if (kind === 'blackout') return kill(stage, [...cell.replicas.keys()], forMs);
  if (kind === 'stop') {
    replica?.process.pause();
    await sleep(forMs);
    replica?.process.resume();
    return [];
  }
  await badLinks(stage, spell);
  return [];
}

async function kill(stage: Stage, victims: readonly number[], forMs: number): Promise<Kill[]> {
  const { cell } = stage;
  const replicas = cell.replicas.filter(({ index }) => victims.includes(index));
  const kills = replicas.map(({ index }) => ({ victim: index, atMs: machineMs() }));
  await Promise.all(replicas.map((replica) => replica.kill()));
  await sleep(forMs);
  await Promise.all(replicas.map((replica) => replica.restart()));
  ownPorts(stage);
  await Promise.all(replicas.map(({ index }) => untilInStep(cell, index)));
  return kills;
}

async function badLinks({ cell, clients, proxy }: Stage, spell: Spell): Promise<void> {
  const own = nameOf(spell.victim);
  const others = [
    ...cell.replicas.map(({ index }) => nameOf(index)).filter((name) => name !== own),
    ...clients.map(({ name }) => name),
  ];
  const say = (fault: LinkFault): void => {
    for (const other of others) proxy.set(own, other, fault);
  };
  const hear = (fault: LinkFault): void => {
    for (const other of others) proxy.set(other, own, fault);
  };
  if (spell.kind === 'cut') say({ kind: 'cut' });
  if (spell.kind === 'blackhole') say({ kind: 'blackhole' });
  if (spell.kind === 'deaf') hear({ kind: 'blackhole' });
  if (spell.kind === 'slow') say(SLOW);
  if (spell.kind === 'late') for (const both of [say, hear]) both(LATE);
  await sleep(spell.forMs);
  proxy.heal();
}

interface Status {
  readonly commitIndex: number;
  readonly syncing: boolean;
}

async function statusOf(cell: RunningCell, index: number): Promise<Status | undefined> {
  const key = cell.cell.committee.members[index];
  const at = cell.cell.addresses.find((one) => key?.every((byte, i) => byte === one.key[i]));
  try {
    return (await (await fetch(`${at?.http}/status`)).json()) as Status;
  } catch {
    return undefined;
  }
}

/**
 * Waits until it has applied what the others had when it was asked, by their own words.
 * @throws Error when that takes too long
 */
async function untilInStep(cell: RunningCell, index: number): Promise<void> {
  const all = await Promise.all([...cell.replicas.keys()].map((one) => statusOf(cell, one)));
  const goal = Math.max(...all.map((one) => one?.commitIndex ?? 0));
  const endMs = machineMs() + IN_STEP_MS_MAX;
  for (;;) {
    const own = await statusOf(cell, index);
    if (own !== undefined && !own.syncing && own.commitIndex >= goal) return;
    if (machineMs() > endMs) throw new Error(lagging(index, goal, own));
    await sleep(POLL_MS);
  }
}

function lagging(index: number, goal: number, own: Status | undefined): string {
  const at = own === undefined ? 'silent' : `at commit ${own.commitIndex}`;
  return `replica ${index} is ${at}, and not at ${goal}, ${IN_STEP_MS_MAX} ms after its restart`;
}
