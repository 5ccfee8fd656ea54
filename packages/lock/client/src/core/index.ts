export {
  type ClockBounds,
  type ClockProof,
  DEFAULT_CLOCK_BOUNDS,
  leaseDeadline,
  proveClock,
  type Reading,
  supportedByHonest,
} from './clock.ts';
export { ClientCore } from './core.ts';
export * from './types.ts';
