// Who hears of a watch.
import type { BelievedEvent } from '@fatty/core';
import type { Failure, Position } from '@fatty/interface';

/** Hears of one watch, each time in the turn in which it is believed. */
export interface Watcher {
  believed(events: readonly BelievedEvent[], until: Position): void;
  gap(code: 'compacted' | 'lagged', from: Position): void;
  /** Nothing more comes; without a failure the client was closed. */
  ended(failure?: Failure): void;
}
