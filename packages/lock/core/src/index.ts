/** The client of a cell, without IO. */

export { ClientCore } from './client-core.ts';
export {
  type ClockBounds,
  type ClockProof,
  DEFAULT_CLOCK_BOUNDS,
  leaseDeadline,
  proveClock,
  type Reading,
  supportedByHonest,
} from './clock.ts';
export * from './errors.ts';
export { KeepAliveChain } from './keep-alive-chain.ts';
export * from './types.ts';
export type { BelievedEvent } from './watch.ts';
