// SecureBroadcast as one DAG of signed blocks: validity, support, delivery, evidence.
export * from './accusation.ts';
export * from './batch.ts';
export * from './block.ts';
export * from './cache.ts';
export * from './check.ts';
export * from './dag.ts';
export * from './evidence.ts';
export * from './header.ts';
export { type OpenedBlock, openBlock } from './open.ts';
export { type CarriedStatement, type Content, signBlock } from './sign.ts';
export {
  compareUnsigned,
  openUnsigned,
  UNSIGNED_BYTES_MAX,
  UNSIGNED_MAX,
  UNSIGNED_WEIGHT_MAX,
} from './unsigned.ts';
export type { Vertex } from './vertex.ts';
