// A replica as a process: settings, keys, cell.json, start.
export type { ReplicaCore } from '@fatty/host';
export { importAlgorithm, type NamedAlgorithm } from './algorithm.ts';
export { type Backup, backUp, replicasIn, restoreBackup } from './backup.ts';
export { configReference, loadConfig, type NodeConfig, OPTIONS } from './config.ts';
export { type Finding, type Verdict, verdictOf } from './doctor/finding.ts';
export { examine } from './doctor.ts';
export {
  type FoundOptions,
  foundCell,
  type InitOptions,
  initCell,
  loadCell,
  makeKey,
  type NamedMember,
  saveCell,
  withAddresses,
} from './init.ts';
export { generateKeyPem, loadSigner, signerOfPem, writeKeyFile } from './keys.ts';
export { main as nodeMain } from './process.ts';
export { type RunningNode, type RunOptions, runNode } from './run.ts';
