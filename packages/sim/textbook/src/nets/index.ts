// The nets of the textbook's protocols, by name.
import type { OwnNet } from '@fatty/testnet';
import { MultiPaxosJudge } from '../judges/multi-paxos-judge.ts';
import { PaxosJudge } from '../judges/paxos-judge.ts';
import { RaftJudge } from '../judges/raft-judge.ts';
import { multiPaxos } from '../multi-paxos/multi-paxos.ts';
import { paxos } from '../paxos/paxos.ts';
import { raft } from '../raft/raft.ts';
import { roomNet } from './room-net.ts';

/** Each kind of fault, from about 40 worlds. */
const FAULTS_WANTED: Readonly<Record<string, number>> = {
  'fault.crash': 12,
  'fault.cut': 4,
  'fault.partition': 8,
  'fault.oneWay': 4,
  'fault.lossy': 8,
  'fault.slow': 4,
  'fault.pause': 4,
  'dropped.lost': 8,
  'dropped.link cut': 20,
};

/** Crashes, restarts, partitions, loss, duplicates, delays and reordering; half of what 40 worlds show is asked for. */
export const TEXTBOOK_NETS: Readonly<Record<string, OwnNet>> = {
  paxos: roomNet({
    protocol: paxos,
    judge: (...parts) => new PaxosJudge(...parts),
    size: { replicas: [3, 5], clients: 4, opsMin: 2, opsMax: 8, busyMs: 400, faultsMax: 6 },
    wants: {
      chosen: 20,
      contested: 30,
      adopted: 4,
      crashes: 20,
      restarts: 20,
      asksAgain: 80,
      heardLate: 10,
      ...FAULTS_WANTED,
    },
  }),
  'multi-paxos': roomNet({
    protocol: multiPaxos,
    judge: (...parts) => new MultiPaxosJudge(...parts),
    size: { replicas: [3, 5], clients: 4, opsMin: 4, opsMax: 20, busyMs: 4_000, faultsMax: 8 },
    wants: {
      leaders: 30,
      leaderChanges: 15,
      decisions: 600,
      answers: 120,
      crashes: 20,
      restarts: 20,
      asksAgain: 150,
      heardLate: 60,
      contested: 8,
      adopted: 30,
      ...FAULTS_WANTED,
    },
  }),
  raft: roomNet({
    protocol: raft,
    judge: (accuse, count) => new RaftJudge(accuse, count),
    size: { replicas: [3, 5], clients: 4, opsMin: 4, opsMax: 20, busyMs: 4_000, faultsMax: 8 },
    wants: {
      leaders: 30,
      leaderChanges: 15,
      decisions: 600,
      answers: 120,
      crashes: 20,
      restarts: 20,
      asksAgain: 150,
      heardLate: 60,
      deposed: 12,
      rolledBack: 4,
      ...FAULTS_WANTED,
    },
  }),
};
