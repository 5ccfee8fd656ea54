// The nets of the textbook's protocols, by name.
import type { OwnNet } from '@fatty/testnet';
import { PaxosJudge } from '../judges/paxos-judge.ts';
import { paxos } from '../paxos/paxos.ts';
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
};
