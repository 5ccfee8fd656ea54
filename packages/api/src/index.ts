export * from './batch.ts';
export * from './cell.ts';
export * from './committee.ts';
