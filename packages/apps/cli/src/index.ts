// A cell of processes, for scripts and tests.
export * from './cell/cell.ts';
export { untilToldToStop } from './cell/ending.ts';
export { type Exit, type ProcessState, REPLICA_MAIN, ReplicaProcess } from './cell/process.ts';
