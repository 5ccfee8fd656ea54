// Contracts only: what every other package may import.
export * from './algorithm.ts';
export * from './bytes.ts';
export * from './close.ts';
export * from './edges.ts';
export * from './trace.ts';
export * from './unsigned.ts';
export * from './verdict.ts';
