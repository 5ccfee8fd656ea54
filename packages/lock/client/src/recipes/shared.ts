// What the recipes have in common: nodes that are made once, and waiting for what others do.
import { parentPath } from '@fatty/api';
import type { Client } from '../sdk/client.ts';
import { clientError, isFattyError } from '../sdk/error.ts';
import type { CreateOptions } from '../sdk/options.ts';
import type { WatchEvent } from '../sdk/watch.ts';

/** Options of whatever waits: it waits as long as it takes. */
export interface WaitOptions {
  readonly signal?: AbortSignal | undefined;
}

/** `signal` as an option, where it is given. */
export function signalOf({ signal }: WaitOptions): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

/** What the call answers, or undefined where it is refused with one of these codes. */
export async function unless<T>(
  codes: readonly string[],
  call: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (isFattyError(error) && codes.includes(error.code)) return undefined;
    throw error;
  }
}

/** Makes a node, and what is above it, where there is none; what is there stays as it is. */
export async function ensureNode(
  client: Client,
  path: string,
  options: CreateOptions & WaitOptions = {},
): Promise<void> {
  const terms = { ...options, ...signalOf(options) };
  const found = await unless(['not_found'], () => client.stat(path, signalOf(options)));
  if (found !== undefined) return;
  if (parentPath(path) !== '/') {
    await ensureNode(client, parentPath(path), { node: 'directory', ...signalOf(options) });
  }
  await unless(['exists'], () => client.create(path, { ...terms, exclusive: true }));
}

/** How a state is followed. */
export interface FollowOptions extends WaitOptions {
  /** Whether an event may have changed what is looked at. Default: each may. */
  readonly matters?: ((event: WatchEvent) => boolean) | undefined;
}

/**
 * What `look` finds now, and again after each change at the path or below. Many changes at once are one look.
 * Never ends by itself. @throws FattyError `aborted`, `closed`, and what `look` throws
 */
export async function* follow<T>(
  client: Client,
  path: string,
  look: () => Promise<T>,
  { signal, matters = () => true }: FollowOptions,
): AsyncGenerator<T, void, undefined> {
  const watch = client.watch(path, { recursive: true, ...signalOf({ signal }) });
  let hasChanged = true;
  let failure: unknown;
  let wake = (): void => undefined;
  const hear = async (): Promise<void> => {
    try {
      for await (const event of watch) {
        if (!matters(event)) continue;
        hasChanged = true;
        wake();
      }
    } catch (error) {
      failure = error;
    }
    wake();
  };
  void hear();
  try {
    // What happens from here on is heard of, so nothing is missed between a look and the next event.
    await watch.started;
    for (;;) {
      if (watch.ended) throw failure ?? ended(signal, path);
      if (hasChanged) {
        hasChanged = false;
        yield await look();
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    await watch.return();
  }
}

function ended(signal: AbortSignal | undefined, path: string): Error {
  if (signal?.aborted !== true) return clientError('closed', 'an open client', 'closed', { path });
  return clientError('aborted', 'a wait', 'aborted', { path, cause: signal.reason });
}

/** Follows until `look` finds something. */
export async function until<T>(
  client: Client,
  path: string,
  look: () => Promise<T | undefined>,
  options: FollowOptions,
): Promise<T> {
  for await (const found of follow(client, path, look, options)) {
    if (found !== undefined) return found;
  }
  throw ended(options.signal, path);
}

/** Of a lock: somebody came or went. Who only asks changes nothing. */
export function isAboutHolders({ kind }: WatchEvent): boolean {
  return kind !== 'lockConflict';
}
