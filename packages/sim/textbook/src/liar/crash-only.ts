// One liar among the members of Paxos and of Raft.
import type { TraceEvent } from '@fatty/interface';
import { CALM_NETWORK, QUICK_DISK } from '@fatty/testnet';
import { SlotJudge } from '../judges/slot-judge.ts';
import type { PaxosMessage } from '../paxos/messages.ts';
import { paxos } from '../paxos/paxos.ts';
import { type Effect, NOTHING, type Protocol } from '../program/program.ts';
import type { RaftMessage } from '../raft/messages.ts';
import { raft } from '../raft/raft.ts';
import { Asker } from '../world/client.ts';
import { Room } from '../world/room.ts';
import { BLUE, HONEST, isFooled, LIAR, type LiarShow, MEMBERS, RED, swapped } from './lie.ts';

/** When the clients ask, and when the show is over, ms. */
const ASK_MS = 100;
const END_MS = 200;
/** The liar stands for election before anybody else does, ms. */
const HURRY_MS = 20;

/** Everything that it sends goes through `bend`; else it is an honest process, and in a hurry to lead. */
function twoFaced<M, S>(
  protocol: Protocol<M, S>,
  bend: (message: M, to: number) => readonly M[],
): Protocol<M, S> {
  const bent = (effect: Effect<M, S>): readonly Effect<M, S>[] => {
    if (effect.kind === 'setTimer' && effect.timer === 'election') {
      return [{ ...effect, msMin: HURRY_MS, msMax: HURRY_MS }];
    }
    if (effect.kind !== 'send') return [effect];
    return bend(effect.message, effect.to).map((message) => ({ ...effect, message }));
  };
  return {
    ...protocol,
    open(...life) {
      const honest = protocol.open(...life);
      return { step: (input) => honest.step(input).flatMap(bent) };
    },
  };
}

/** Another log for one of the others, and for all: what I have just sent is committed. */
function bendRaft(message: RaftMessage, to: number): readonly RaftMessage[] {
  if (message.kind !== 'append' || message.entries.length === 0) return [message];
  const { entries, prevIndex } = message;
  const told = entries.map(({ term, value }) => ({
    term,
    value: isFooled(to) ? swapped(value) : value,
  }));
  return [{ ...message, entries: told, committed: prevIndex + entries.length }];
}

/** Another value in the same ballot for one of the others, and for all: it is chosen. */
function bendPaxos(message: PaxosMessage, to: number): readonly PaxosMessage[] {
  if (!('value' in message)) return [message];
  const value = isFooled(to) ? swapped(message.value) : message.value;
  const bent = { ...message, value };
  return message.kind === 'accept' ? [bent, { kind: 'chosen', value }] : [bent];
}

/** Two clients ask the liar, each for its own value; a red bar marks where agreement ends. */
function play<M, S>(
  protocol: Protocol<M, S>,
  bend: (message: M, to: number) => readonly M[],
): Pick<LiarShow, 'beliefs' | 'recording'> {
  const events: TraceEvent[] = [];
  const room: Room<M, S> = new Room({
    seed: 1,
    processes: MEMBERS,
    protocol,
    liars: new Map([[LIAR, twoFaced(protocol, bend)]]),
    network: CALM_NETWORK,
    disk: QUICK_DISK,
    // It is to be seen to its end, so what is wrong is marked and does not stop it.
    judge: () => new SlotJudge((wrong, process) => room.mark(wrong, process)),
    tracer: { trace: (event) => void events.push(event) },
  });
  room.start([]);
  for (const [i, value] of [BLUE, RED].entries()) {
    const wish = { who: `c${i}`, value, process: LIAR, takesAny: protocol.isSingle };
    room.after(ASK_MS + 10 * i, () => new Asker(room, wish));
  }
  room.run(END_MS);
  const beliefs = HONEST.map((index) => {
    const decided = [...room.decidedAt(index).values()].find((value) => value !== NOTHING);
    return { who: `r${index}`, value: decided };
  });
  const shows = ({ label }: TraceEvent): boolean => !/^heartbeat|^has up to/u.test(label);
  const options = { fromMs: 0, toMs: END_MS, filter: shows };
  return { beliefs, recording: { events, options } };
}

/** Raft believes its leader. */
export function lieToRaft(): LiarShow {
  const lie = `elected leader, it sends r0 and r1 ${BLUE} and r2 ${RED} for one place in the log, and says to all that a majority has it`;
  return { protocol: 'raft', lie, convicted: [], ...play(raft, bendRaft) };
}

/** Paxos believes its proposer. */
export function lieToPaxos(): LiarShow {
  const lie = `with the promises of all it proposes ${BLUE} to r0 and r1 and ${RED} to r2 in one ballot, and says to all that it is chosen`;
  return { protocol: 'paxos', lie, convicted: [], ...play(paxos, bendPaxos) };
}
