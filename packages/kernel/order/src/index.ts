export * from './commit.ts';
export * from './decide.ts';
export * from './input.ts';
export * from './linearise.ts';
export * from './orderer.ts';
export * from './rule.ts';
