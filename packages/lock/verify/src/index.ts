// Answers that prove themselves: checked offline, by anybody who knows the committee. Runs in a browser.
export * from './answers.ts';
export * from './bundle.ts';
export * from './certified.ts';
export * from './chain.ts';
export * from './fencing.ts';
export * from './key-record.ts';
export * from './proofs.ts';
export * from './questions.ts';
export * from './records.ts';
