export * from './bank.ts';
export * from './transfer.ts';
