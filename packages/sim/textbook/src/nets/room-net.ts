// Makes a net of a protocol: its worlds are rooms, drawn as those of any other net.
import type { Tracer } from '@fatty/interface';
import {
  CALM_MS_MAX,
  CALM_NETWORK,
  faultsEndMs,
  type OwnNet,
  type Plan,
  type PlanSize,
  QUICK_DISK,
  ROUGH_NETWORK,
  type RunOutcome,
  SLOW_DISK,
} from '@fatty/testnet';
import type { Protocol } from '../program/program.ts';
import { Asker } from '../world/client.ts';
import type { MakeJudge } from '../world/judge.ts';
import { Room } from '../world/room.ts';

/** What a net of a protocol is made of. */
export interface RoomNet<M, S> {
  readonly protocol: Protocol<M, S>;
  readonly judge: MakeJudge<M, S>;
  readonly size: Pick<
    PlanSize,
    'replicas' | 'clients' | 'opsMin' | 'opsMax' | 'busyMs' | 'faultsMax'
  >;
  readonly wants: Readonly<Record<string, number>>;
}

/** The net of a protocol: its judge watches every event, and in the end everybody has an answer. */
export function roomNet<M, S>(parts: RoomNet<M, S>): OwnNet {
  const { protocol, size, wants } = parts;
  return {
    name: protocol.name,
    size: { ...size, realSignaturesOneIn: 1, kinds: 1, crashOnly: true },
    wants,
    play: (plan, tracer) => playRoom(parts, plan, tracer),
  };
}

function playRoom<M, S>(
  { protocol, judge }: RoomNet<M, S>,
  plan: Plan,
  tracer: Tracer | undefined,
): RunOutcome {
  const { seed, replicas, faults, ops } = plan;
  const room = new Room({
    seed,
    processes: replicas,
    protocol,
    judge,
    network: plan.rough ? ROUGH_NETWORK : CALM_NETWORK,
    disk: plan.slowDisk ? SLOW_DISK : QUICK_DISK,
    ...(tracer === undefined ? {} : { tracer }),
  });
  room.count('runs');
  room.start(faults);
  const clients: Asker<M, S>[] = [];
  const takesAny = protocol.isSingle;
  for (const [i, { atMs, client, arg }] of ops.entries()) {
    const who = `c${client}`;
    const wish = { who, value: `${who}-${i}`, process: arg % replicas, takesAny };
    room.after(atMs, () => clients.push(new Asker(room, wish)));
  }
  const busyMs = ops.reduce((end, { atMs }) => Math.max(end, atMs), faultsEndMs(faults)) + 1;
  room.run(busyMs);
  settle(room, clients, { takesAny, untilMs: busyMs + CALM_MS_MAX });
  const { violations, reached, events, elapsedMs } = room;
  return { violations, reached, events, simulatedMs: elapsedMs };
}

/** When the faults are over every client gets its answer, and every process comes to know all that was decided. */
function settle<M, S>(
  room: Room<M, S>,
  clients: Asker<M, S>[],
  { takesAny, untilMs }: { readonly takesAny: boolean; readonly untilMs: number },
): void {
  // Where one value is decided for good nobody tells it unasked.
  if (takesAny && room.violations.length === 0) {
    for (const { index } of room.machines) {
      const wish = { who: 'c9', value: `c9-${index}`, process: index, isFaithful: true, takesAny };
      clients.push(new Asker(room, wish));
    }
  }
  const waiting = (): Asker<M, S>[] => clients.filter(({ isAnswered }) => !isAnswered);
  const counts = (): number[] => room.machines.map(({ index }) => room.decidedAt(index).size);
  const isLevel = (): boolean => new Set(counts()).size === 1;
  const done = room.run(untilMs, () => waiting().length === 0 && isLevel());
  if (done || room.violations.length > 0) return;
  const actual = `${waiting().length} wait, decisions known: ${counts().join(' ')}`;
  room.accuse({ rule: 'liveness', expected: 'answers to all, at all the same', actual }, -1);
}
