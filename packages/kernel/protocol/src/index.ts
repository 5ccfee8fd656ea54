// What a cell and its clients agree on, whatever the algorithm.
export * from './agenda.ts';
export * from './batch.ts';
export * from './cell.ts';
export * from './cert.ts';
export * from './changes.ts';
export * from './checkpoint.ts';
export * from './committee.ts';
export * from './epochs.ts';
export * from './errors.ts';
export * from './evidence.ts';
export * from './founding.ts';
export * from './frame.ts';
export * from './keep-alive.ts';
export * from './messages.ts';
export * from './receipts.ts';
export * from './session.ts';
export * from './statements.ts';
