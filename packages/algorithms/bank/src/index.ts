// AT2 asset transfer.
export * from './bank.ts';
export * from './transfer.ts';
