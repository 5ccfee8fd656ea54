// Does to a cell what a schedule says.
import type { CellReplica, RunningCell } from '@fatty/cli';
import type { ClientProcess } from './client-process.ts';
import type { Places, Replacement } from './places.ts';
import type { FaultProxy, LinkFault } from './proxy.ts';
import type { Spell } from './schedule.ts';
import { machineMs } from './writer.ts';

/** What a spell can be about. */
export interface Stage {
  readonly cell: RunningCell;
  readonly places: Places;
  readonly clients: readonly ClientProcess[];
  readonly proxy: FaultProxy;
}

/** A replica that was killed, ms of the machine's clock. */
export interface Kill {
  /** Index of its process. */
  readonly victim: number;
  readonly atMs: number;
  /** It did not come back. */
  readonly replaced?: Replacement;
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
export async function ownPorts({ places, proxy }: Pick<Stage, 'places' | 'proxy'>): Promise<void> {
  for (const { index, process } of places.all) {
    const { peer, client } = await process.ready;
    for (const url of [peer, client]) proxy.own(nameOf(index), Number(new URL(url).port));
  }
}

/** Begins a spell, waits, and makes everything well again. Answers who was killed, and when. */
export async function perform(stage: Stage, spell: Spell): Promise<readonly Kill[]> {
  const { clients, places } = stage;
  const { kind, victim, forMs } = spell;
  if (kind === 'freeze') {
    clients[victim]?.pause();
    await sleep(forMs);
    clients[victim]?.resume();
    return [];
  }
  if (kind === 'kill') return kill(stage, [places.of(victim)], forMs);
  if (kind === 'blackout') return kill(stage, places.all, forMs);
  if (kind === 'replace') return replace(stage, victim);
  if (kind === 'stop') {
    const { process } = places.of(victim);
    process.pause();
    await sleep(forMs);
    process.resume();
    return [];
  }
  await badLinks(stage, spell);
  return [];
}

async function kill(
  stage: Stage,
  replicas: readonly CellReplica[],
  forMs: number,
): Promise<Kill[]> {
  const kills = replicas.map(({ index }) => ({ victim: index, atMs: machineMs() }));
  await Promise.all(replicas.map((replica) => replica.kill()));
  await sleep(forMs);
  await Promise.all(replicas.map((replica) => replica.restart()));
  await ownPorts(stage);
  await Promise.all(replicas.map((replica) => untilInStep(stage, replica)));
  return kills;
}

async function replace(stage: Stage, place: number): Promise<Kill[]> {
  const { places, proxy } = stage;
  const replaced = await places.replace(place, async ({ index, process }) => {
    const { peer, client } = await process.ready;
    for (const url of [peer, client]) proxy.own(nameOf(index), Number(new URL(url).port));
  });
  await untilInStep(stage, places.of(place));
  return [{ victim: replaced.victim, atMs: replaced.killedMs, replaced }];
}

async function badLinks({ places, clients, proxy }: Stage, spell: Spell): Promise<void> {
  const own = nameOf(places.of(spell.victim).index);
  const others = [
    ...places.all.map(({ index }) => nameOf(index)).filter((name) => name !== own),
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

async function statusOf({ process }: CellReplica): Promise<Status | undefined> {
  try {
    const { http } = await process.ready;
    return (await (await fetch(`${http}/status`)).json()) as Status;
  } catch {
    return undefined;
  }
}

/**
 * Waits until it has applied what the others had when it was asked, by their own words.
 * @throws Error when that takes too long
 */
async function untilInStep({ places }: Stage, replica: CellReplica): Promise<void> {
  const all = await Promise.all(places.all.map(statusOf));
  const goal = Math.max(...all.map((one) => one?.commitIndex ?? 0));
  const endMs = machineMs() + IN_STEP_MS_MAX;
  for (;;) {
    const own = await statusOf(replica);
    if (own !== undefined && !own.syncing && own.commitIndex >= goal) return;
    if (machineMs() > endMs) throw new Error(lagging(replica.index, goal, own));
    await sleep(POLL_MS);
  }
}

function lagging(index: number, goal: number, own: Status | undefined): string {
  const at = own === undefined ? 'silent' : `at commit ${own.commitIndex}`;
  return `replica ${index} is ${at}, and not at ${goal}, ${IN_STEP_MS_MAX} ms after its restart`;
}
