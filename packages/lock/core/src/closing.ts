// How a client ends: nothing that it holds lingers at the cell if that can be helped.
import type { Op } from '@fatty/api';
import type { Calls } from './calls.ts';
import type { Desk } from './desk.ts';
import type { SessionKeeper } from './keeper.ts';
import type { Shared } from './shared.ts';

/** How long a goodbye may take before the session is left to expire, ms. */
const CLOSE_MS_MAX = 2_000;
const CLOSE_CALL = -4;
const ENDED_BY_CLOSE: ReadonlySet<string> = new Set(['acquire', 'read', 'prove']);

/** What ends. */
export interface ClosingParts {
  readonly shared: Pick<Shared, 'links' | 'nowMs'>;
  readonly desk: Desk;
  readonly calls: Calls;
  readonly keeper: SessionKeeper;
}

/** Waits end, everything else may finish, then the session is closed. */
export class Closing {
  readonly #parts: ClosingParts;
  #hasBegun = false;
  /** The goodbye is over then, monotonic ms. */
  atMs: number = Number.POSITIVE_INFINITY;

  constructor(parts: ClosingParts) {
    this.#parts = parts;
  }

  begin(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    const { shared, desk, calls, keeper } = this.#parts;
    desk.close();
    this.atMs = shared.nowMs + CLOSE_MS_MAX;
    for (const { call, request } of calls.all()) {
      if (ENDED_BY_CLOSE.has(request.kind)) desk.abandon(call, 'closed', 'an open client');
    }
    // The cell may pass on what we hold before its receipt is here: nothing is believed from now on.
    const failure = { code: 'lock_released', expected: 'an open client', actual: 'a closed one' };
    keeper.holds.endAll(failure);
    if (keeper.session?.isOpen !== true || shared.links.gateway() === undefined) return;
    const ops: Op[] = [{ kind: 'closeSession' }];
    desk.submit(CLOSE_CALL, ops, () => keeper.expire('an open client', 'a closed one'));
  }

  /** True when all is said, or the time for it over: the client is closed with this event. */
  ends(): boolean {
    const { shared, desk, calls, keeper } = this.#parts;
    if (!this.#hasBegun) return false;
    const waiting = keeper.session?.isOpen === true || calls.size > 0;
    if (waiting && shared.nowMs < this.atMs) return false;
    for (const { call } of calls.all()) desk.abandon(call, 'closed', 'an open client');
    keeper.expire('an open client', 'a closed one');
    return true;
  }
}
