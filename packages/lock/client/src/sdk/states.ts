// Who listens to the session's state, and the wait for enough links.
import type { ClientCore, SessionState, SessionStatus } from '@fatty/core';
import { type CallOptions, TIMER_MS_MAX } from './driver.ts';
import { abortError, clientError, FattyError } from './error.ts';
import { attempt, type FaultListener } from './faults.ts';

/** Hears of a change of the session's state. */
export type StatusListener = (status: SessionStatus) => void;

/**
 * Tells listeners of changes of the session's state: each change once, in a turn of its own, and
 * never of the end that `close()` makes.
 */
export class StateListeners {
  readonly #listeners = new Map<SessionState | 'epoch', Set<StatusListener>>();
  readonly #onFault: FaultListener;
  #last: SessionState = 'none';
  #lastEpoch: number | undefined;
  #closing = false;

  constructor(onFault: FaultListener) {
    this.#onFault = onFault;
  }

  /** Answers the way to stop hearing. */
  add(state: SessionState | 'epoch', listener: StatusListener): () => void {
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
    const { state, epoch } = status;
    const isLater = this.#lastEpoch !== undefined && epoch > this.#lastEpoch;
    this.#lastEpoch = epoch;
    if (isLater) this.#tell('epoch', status);
    if (state === this.#last) return;
    this.#last = state;
    this.#tell(state, status);
  }

  #tell(what: SessionState | 'epoch', status: SessionStatus): void {
    if (this.#closing) return;
    const listeners = this.#listeners.get(what);
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
 * Resolves when `count` replicas are linked, or as many as have to be for anything to be believed.
 * @throws FattyError `not_authenticated` (so many refuse us that nobody could be believed), `unreachable`, `aborted`
 */
export async function untilLinked(
  client: Watched,
  count: number | undefined,
  links: Pick<ClientCore, 'linkage' | 'members' | 'shutOut'>,
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
      if (status.links >= (count ?? links.members.linksMin)) return;
      if (links.shutOut !== undefined) throw new FattyError(links.shutOut, NOT_LINKED);
    }
    if (signal?.aborted) throw abortError(signal);
    throw clientError('unreachable', `${count ?? links.members.linksMin} replicas`, links.linkage);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}
