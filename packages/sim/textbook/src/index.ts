// Protocols of the textbook in the simulator: for learning, and for comparison.

export { MultiPaxosJudge } from './judges/multi-paxos-judge.ts';
export { PaxosJudge } from './judges/paxos-judge.ts';
export { RaftJudge } from './judges/raft-judge.ts';
export * from './liar/lie.ts';
export { LIAR_SHOWS } from './liar/shows.ts';
export type { MultiPaxosMessage, MultiPaxosState, SlotVote } from './multi-paxos/messages.ts';
export { MultiPaxos, multiPaxos } from './multi-paxos/multi-paxos.ts';
export { TEXTBOOK_NETS } from './nets/index.ts';
export { type RoomNet, roomNet } from './nets/room-net.ts';
export type { PaxosMessage, PaxosState, Vote } from './paxos/messages.ts';
export { Paxos, paxos } from './paxos/paxos.ts';
export * from './program/program.ts';
export type { Entry, RaftMessage, RaftState } from './raft/messages.ts';
export { Raft, raft } from './raft/raft.ts';
export { Asker, type Wish } from './world/client.ts';
export type { Accuse, Count, Judge, MakeJudge } from './world/judge.ts';
export { Room, type RoomOptions } from './world/room.ts';
