// What happens to a replica and what it does, as its host sees it.
import type { Clock } from '@fatty/interface';
import type { ClockSample, ReplicaEffect, ReplicaEvent } from '@fatty/replica';

/** A {@link ReplicaEvent} without what the clocks say. */
export type Happening = ReplicaEvent extends infer E
  ? E extends ReplicaEvent
    ? Omit<E, 'nowMs' | 'monotonicMs'>
    : never
  : never;

/** Effects that the driver does not perform itself: they concern clients, logs and metrics. */
export type Outward = Extract<
  ReplicaEffect,
  {
    kind:
      | 'committed'
      | 'delivered'
      | 'refused'
      | 'stated'
      | 'proved'
      | 'note'
      | 'halt'
      | 'diverged';
  }
>;

/** A message to a peer. */
export type SendEffect = Extract<ReplicaEffect, { kind: 'send' }>;

/** What the host's clocks say now. */
export function sampleOf(clock: Clock): ClockSample {
  return { nowMs: clock.nowMs(), monotonicMs: clock.monotonicMs() };
}

/** The commit behind which a replica goes on whose state a frame gave it. */
export type ResumedAt = Pick<
  Extract<ReplicaEffect, { kind: 'committed' }>['commit'],
  'index' | 'commitTs' | 'leaseClock'
>;
