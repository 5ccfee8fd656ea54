// Who listens to the session's state, and the wait for enough links.
import type { ClientCore, SessionState, SessionStatus } from '@fatty/core';
import { abortError, type CallOptions, TIMER_MS_MAX } from './driver.ts';
import { clientError, FattyError } from './error.ts';
import { attempt, type FaultListener } from './faults.ts';

/** Hears of a change of the session's state. */
export type StatusListener = (status: SessionStatus) => void;

/**
 * Tells listeners of changes of the session's state: each change once, in a turn of its own, and
 * never of the end that `close()` makes.
 */
export class StateListeners {
  readonly #listeners = new Map<SessionState, Set<StatusListener>>();
  readonly #onFault: FaultListener;
  #last: SessionState = 'none';
  #closing = false;

  constructor(onFault: FaultListener) {
    this.#onFault = onFault;
  }

  /** Answers the way to stop hearing. */
  add(state: SessionState, listener: StatusListener): () => void {
    const listeners = this.#listeners.get(state) ?? new Set();
    // One entry per call, though the same function may come twice.
    const entry: StatusListener = (status) => listener(status);
    listeners.add(entry);
    this.#listeners.set(state, listeners);
    return () => void listeners.delete(entry);
  }

  /** From here on the session ends because its owner wishes it to. */
  close(): void {
    this.#closing = true;
  }

  heard(status: SessionStatus): void {
    if (status.state === this.#last) return;
    this.#last = status.state;
    if (this.#closing) return;
    const listeners = this.#listeners.get(status.state);
    for (const listener of listeners ?? []) {
      queueMicrotask(() => {
        if (listeners?.has(listener)) attempt(() => listener(status), this.#onFault);
      });
    }
  }
}

interface Watched {
  status(options: { readonly signal?: AbortSignal }): AsyncIterableIterator<SessionStatus>;
}

const NOT_LINKED = { outcome: 'not_applied', retryable: false } as const;

/**
 * Resolves when `count` replicas are linked.
 * @throws FattyError `not_authenticated` (so many refuse us that nobody could be believed), `unreachable`, `aborted`
 */
export async function untilLinked(
  client: Watched,
  count: number,
  links: Pick<ClientCore, 'linkage' | 'shutOut'>,
  terms: CallOptions,
): Promise<void> {
  const { timeoutMs = Number.POSITIVE_INFINITY, signal } = terms;
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  const timer = setTimeout(stop, Math.min(timeoutMs, TIMER_MS_MAX));
  signal?.addEventListener('abort', stop, { once: true });
  try {
    if (signal?.aborted) throw abortError(signal);
    for await (const status of client.status({ signal: controller.signal })) {
      if (status.links >= count) return;
      if (links.shutOut !== undefined) throw new FattyError(links.shutOut, NOT_LINKED);
    }
    if (signal?.aborted) throw abortError(signal);
    throw clientError('unreachable', `${count} replicas`, links.linkage);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}
