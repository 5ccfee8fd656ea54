// What clients of the lock service say and hear. Runs in a browser.
export * from './answers.ts';
export * from './compose.ts';
export * from './errors.ts';
export * from './felt.ts';
export * from './fencing-token.ts';
export * from './ids.ts';
export * from './inbox.ts';
export * from './messages.ts';
export * from './notices.ts';
export * from './op-form.ts';
export * from './ops.ts';
export * from './path.ts';
export * from './queries.ts';
export * from './receipts.ts';
export * from './results.ts';
export * from './weight.ts';
export * from './words.ts';
