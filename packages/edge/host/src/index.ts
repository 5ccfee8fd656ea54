/** The host of one replica: what performs its effects, serves its old blocks and talks to its clients. */
export * from './block-index.ts';
export * from './doings.ts';
export * from './driver.ts';
export * from './gateway/bucket.ts';
export * from './gateway/contract.ts';
export * from './gateway/gateway.ts';
export * from './gateway/newcomers.ts';
export * from './host.ts';
export * from './live-links.ts';
export * from './ports.ts';
