export * from './batch.ts';
export * from './committee.ts';
