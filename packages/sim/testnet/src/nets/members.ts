// The net of a cell whose members change.
import { locksNet } from './locks.ts';
import type { Net } from './net.ts';

/** Locks of clients that go on while members come, go, die, lie and are replaced. */
export const membersNet: Net = {
  ...locksNet,
  name: 'members',
  // Who slept through epochs finds none of their logs.
  tuning: { logKeptBytesMax: 0 },
  size: {
    ...locksNet.size,
    replicas: [4, 5, 7],
    opsMax: 30,
    busyMs: 8e3,
    changesMax: 6,
    favours: [],
  },
  wants: {
    commits: 1000,
    epochs: 8,
    epochsOfOtherMembers: 4,
    renewals: 3,
    changesDone: 4,
    joins: 3,
    membersRemoved: 1,
    splitVotes: 1,
    slept: 1,
    followed: 1,
    'note.frameSynced': 1,
    grants: 10,
  },
};
