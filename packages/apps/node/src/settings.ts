// What stands in the files of a cell and of a replica, without the replica: settings, keys, cell.json.
export { importAlgorithm, type NamedAlgorithm } from './algorithm.ts';
export { configReference, loadConfig, type NodeConfig, OPTIONS } from './config.ts';
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
