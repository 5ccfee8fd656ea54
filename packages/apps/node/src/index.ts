// A replica as a process: settings, keys, cell.json, start.
export type { ReplicaCore } from '@fatty/host';
export { type AdminQuestion, askAdmin } from './admin-client.ts';
export { type Backup, backUp, replicasIn, restoreBackup } from './backup.ts';
export { type Finding, type Verdict, verdictOf } from './doctor/finding.ts';
export { examine } from './doctor.ts';
export { type Founded, type FoundingOptions, foundOn } from './founding.ts';
export { isPrepared, type Joining, type JoinOptions, prepareJoin } from './join.ts';
export type { MembersShown, ShownChange, ShownMotion, Sizes } from './members-shown.ts';
export { main as nodeMain } from './process.ts';
export { type RunningNode, type RunOptions, runNode } from './run.ts';
export * from './settings.ts';
