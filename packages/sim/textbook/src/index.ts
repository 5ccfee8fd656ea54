// Protocols of the textbook in the simulator: for learning, and for comparison.
export { PaxosJudge } from './judges/paxos-judge.ts';
export { TEXTBOOK_NETS } from './nets/index.ts';
export { type RoomNet, roomNet } from './nets/room-net.ts';
export type { PaxosMessage, PaxosState, Vote } from './paxos/messages.ts';
export { Paxos, paxos } from './paxos/paxos.ts';
export * from './program/program.ts';
export { Asker, type Wish } from './world/client.ts';
export type { Accuse, Count, Judge, MakeJudge } from './world/judge.ts';
export { Room, type RoomOptions } from './world/room.ts';
