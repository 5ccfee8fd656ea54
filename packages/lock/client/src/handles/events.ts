// What a handle is told: of its node by a watch, of its session by the client.
import { baseName, type EventBody, parentPath } from '@fatty/api';
import type { Position } from '@fatty/interface';
import type { Client } from '../sdk/client.ts';
import type { Watch, WatchEvent } from '../sdk/watch.ts';

/** As Chubby names them. `invalid` is the last one. */
export type HandleEvent =
  | { readonly kind: 'contentsChanged'; readonly generation: Position }
  | { readonly kind: 'childAdded' | 'childRemoved' | 'childChanged'; readonly name: string }
  | { readonly kind: 'lockAcquired'; readonly generation: Position }
  | { readonly kind: 'lockReleased' | 'lockConflict' }
  | { readonly kind: 'aclChanged' }
  /** The lease of the session cannot be proved now, can be again, or is over. */
  | { readonly kind: 'jeopardy' | 'safe' | 'expired' }
  /** Fail-over, as far as there is one without a master: the cell has other members. */
  | { readonly kind: 'epoch' }
  /** Some events cannot be had any more: read the node again. */
  | { readonly kind: 'missed' }
  /** `closed`: the handle was closed or poisoned, or its client was closed. */
  | { readonly kind: 'invalid'; readonly why: 'removed' | 'closed' };

/** What is told of a session. */
const STATES = ['jeopardy', 'safe', 'expired', 'epoch'] as const;
/** More of them at once say nothing more. */
const STATES_MAX = 16;

/** The node that a handle is about. */
interface About {
  readonly path: string;
  readonly instance: Position;
}

/** Events of one node and of the session; ends the watch with the loop. */
export async function* eventsOf(
  client: Client,
  watch: Watch,
  { path, instance }: About,
): AsyncGenerator<HandleEvent, void, undefined> {
  const states: HandleEvent[] = [];
  let wake = (): void => undefined;
  const unhear = STATES.map((kind) =>
    client.on(kind, () => {
      if (states.length < STATES_MAX) states.push({ kind });
      wake();
    }),
  );
  try {
    let next = watch.next();
    for (;;) {
      const state = states.shift();
      if (state !== undefined) {
        yield state;
        continue;
      }
      const woken = new Promise<undefined>((resolve) => {
        wake = () => resolve(undefined);
      });
      const told = await Promise.race([next, woken]);
      if (told === undefined) continue;
      if (told.done === true) return yield { kind: 'invalid', why: 'closed' };
      const event = eventOf(told.value, path, instance);
      if (event !== undefined) yield event;
      if (event?.kind === 'invalid') return;
      next = watch.next();
    }
  } finally {
    for (const off of unhear) off();
    await watch.return();
  }
}

/** What happened before the node was made is about an earlier one of its name. */
function eventOf(told: WatchEvent, path: string, instance: Position): HandleEvent | undefined {
  if (!('position' in told)) return { kind: 'missed' };
  if (told.path !== path) return parentPath(told.path) === path ? childEvent(told) : undefined;
  const { position } = told;
  const isEarlier =
    position.commit < instance.commit ||
    (position.commit === instance.commit && position.index <= instance.index);
  return isEarlier ? undefined : ownEvent(told);
}

function childEvent({ kind, path }: EventBody): HandleEvent | undefined {
  const name = baseName(path);
  if (kind === 'added') return { kind: 'childAdded', name };
  if (kind === 'removed') return { kind: 'childRemoved', name };
  return kind === 'modified' ? { kind: 'childChanged', name } : undefined;
}

function ownEvent(event: EventBody): HandleEvent | undefined {
  switch (event.kind) {
    case 'modified':
      return { kind: 'contentsChanged', generation: event.generation };
    case 'removed':
      return { kind: 'invalid', why: 'removed' };
    case 'lockAcquired':
      return { kind: 'lockAcquired', generation: event.lockGen };
    case 'lockReleased':
    case 'lockLost':
      return { kind: 'lockReleased' };
    case 'lockConflict':
      return { kind: 'lockConflict' };
    case 'aclChanged':
      return { kind: 'aclChanged' };
    case 'added':
    case 'epochChanged':
    case 'jobMoved':
    case 'machineAdvanced':
    case 'machineLost':
    case 'machineReleased':
    case 'machineTaken':
    case 'posted':
    case 'published':
    case 'sessionExpired':
      return undefined;
  }
}
