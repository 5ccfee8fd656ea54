// Schedules that somebody makes who reads every packet.
import type { Scheduler } from './network.ts';
import { blocksIn } from './sight.ts';

/**
 * What an adversary of the network aims at: leaders' blocks, which reach exactly f others in time; all
 * that one replica says; or one replica after the other, whom nobody hears and who hears nobody.
 */
export const AIMS = ['leaders', 'one', 'each'] as const;
/** One of {@link AIMS}. */
export type Aim = (typeof AIMS)[number];

/** How late packets are that an aimed fault holds up: later than any timeout of a round. ms. */
export const AIMED_MS = 2_500;

/** For how long `each` stays with one replica, ms. */
const TURN_MS = 600;

/**
 * Leaders' blocks reach exactly f other replicas in time, everybody else's come at once: the
 * scheduler that keeps a rule with known leaders from ever deciding.
 */
export function againstLeaders(replicas: number, faultsMax: number, lateMs: number): Scheduler {
  return (packet) => {
    const [block, ...more] = blocksIn(packet.bytes);
    if (block === undefined || more.length > 0 || block.author !== packet.from) return undefined;
    if (block.round % replicas !== block.author) return undefined;
    const distance = (packet.to - packet.from + replicas) % replicas;
    return distance <= faultsMax ? undefined : lateMs;
  };
}

/** Everything one replica says is late. */
export function against(victim: number, lateMs: number): Scheduler {
  return (packet) => (packet.from === victim ? lateMs : undefined);
}

/** Whatever one replica says or is told is late; after a while it is the next one's turn. */
function againstEach(replicas: number, first: number, beginMs: number): Scheduler {
  return ({ from, to }, nowMs) => {
    const victim = (first + Math.floor((nowMs - beginMs) / TURN_MS)) % replicas;
    return from === victim || to === victim ? AIMED_MS : undefined;
  };
}

/** The schedule of an aimed fault that begins now. */
export function aimed(
  { aim, replica }: { readonly aim: Aim; readonly replica: number },
  cell: { readonly replicas: number; readonly faultsMax: number; readonly nowMs: number },
): Scheduler {
  if (aim === 'leaders') return againstLeaders(cell.replicas, cell.faultsMax, AIMED_MS);
  if (aim === 'one') return against(replica, AIMED_MS);
  return againstEach(cell.replicas, replica, cell.nowMs);
}
