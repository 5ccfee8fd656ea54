// The total order: commit rule, linearisation, agreed time.
export * from './commit.ts';
export * from './commit-rule.ts';
export * from './input.ts';
export * from './lease-clock.ts';
export * from './linearise.ts';
export * from './orderer.ts';
export * from './rule-parameters.ts';
