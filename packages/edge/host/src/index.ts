/** The host of one replica: what performs its effects, serves its old blocks and talks to its clients. */
export * from './block-index.ts';
export * from './bucket.ts';
export * from './driver.ts';
export * from './gateway.ts';
export * from './gateway-contract.ts';
export * from './host.ts';
export * from './newcomers.ts';
export * from './ports.ts';
