// The nets of the textbook's protocols, by name.
import type { OwnNet } from '@fatty/testnet';
import { MultiPaxosJudge } from '../judges/multi-paxos-judge.ts';
import { PaxosJudge } from '../judges/paxos-judge.ts';
import { RaftJudge } from '../judges/raft-judge.ts';
import { multiPaxos } from '../multi-paxos/multi-paxos.ts';
import { paxos } from '../paxos/paxos.ts';
import { raft } from '../raft/raft.ts';
import { roomNet } from './room-net.ts';

/** Each kind of fault, from 20 worlds. */
const FAULTS_WANTED: Readonly<Record<string, number>> = {
  'fault.crash': 5,
  'fault.cut': 1,
  'fault.partition': 3,
  'fault.oneWay': 1,
  'fault.lossy': 3,
  'fault.slow': 1,
  'fault.pause': 1,
  'dropped.lost': 2,
  'dropped.link cut': 8,
};

/** Worlds of protocols that fill a log under a leader, and what 20 of them reach. */
const LOG_SIZE = {
  replicas: [3, 5],
  clients: 4,
  opsMin: 4,
  opsMax: 20,
  busyMs: 4_000,
  faultsMax: 8,
} as const;
const LOGS_WANTED: Readonly<Record<string, number>> = {
  leaders: 20,
  leaderChanges: 6,
  decisions: 400,
  answers: 80,
  crashes: 8,
  restarts: 8,
  asksAgain: 50,
  heardLate: 15,
};

/** Crashes, restarts, partitions, loss, duplicates, delays and reordering; a third of what 20 worlds show is asked for. */
export const TEXTBOOK_NETS: Readonly<Record<string, OwnNet>> = {
  paxos: roomNet({
    protocol: paxos,
    judge: (...parts) => new PaxosJudge(...parts),
    size: { replicas: [3, 5], clients: 4, opsMin: 2, opsMax: 8, busyMs: 400, faultsMax: 6 },
    wants: {
      chosen: 15,
      contested: 12,
      adopted: 1,
      crashes: 6,
      restarts: 6,
      asksAgain: 20,
      heardLate: 1,
      ...FAULTS_WANTED,
    },
  }),
  'multi-paxos': roomNet({
    protocol: multiPaxos,
    judge: (...parts) => new MultiPaxosJudge(...parts),
    size: LOG_SIZE,
    wants: {
      ...LOGS_WANTED,
      contested: 3,
      adopted: 12,
      ...FAULTS_WANTED,
    },
  }),
  raft: roomNet({
    protocol: raft,
    judge: (accuse, count) => new RaftJudge(accuse, count),
    size: LOG_SIZE,
    wants: {
      ...LOGS_WANTED,
      deposed: 5,
      rolledBack: 1,
      ...FAULTS_WANTED,
    },
  }),
};
