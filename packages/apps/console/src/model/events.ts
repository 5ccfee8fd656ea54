// What happened, in words.
import type { EventBody } from '@fatty/api';
import { toHex } from '@fatty/codec';
import { short } from './text.ts';

/** A few words, without the path. */
export function eventWords(event: EventBody): string {
  switch (event.kind) {
    case 'added':
      return `${event.ephemeral ? 'ephemeral ' : ''}${event.node} made`;
    case 'removed':
      return 'removed';
    case 'modified':
      return 'content changed';
    case 'aclChanged':
      return 'access changed';
    case 'lockAcquired':
      return `lock taken by ${short(toHex(event.client))}, ${event.mode}`;
    case 'lockReleased':
      return 'lock released';
    case 'lockLost':
      return `lock lost: ${event.reason}`;
    case 'lockConflict':
      return `${short(toHex(event.client))} ${event.waits ? 'waits for the lock' : 'did not get the lock'}`;
    case 'sessionExpired':
      return `session of ${short(toHex(event.client))} expired`;
    case 'machineTaken':
      return `machine taken by ${short(toHex(event.client))}`;
    case 'machineAdvanced':
      return `machine proved to step ${event.t}`;
    case 'machineReleased':
      return 'machine released';
    case 'machineLost':
      return `machine lost: ${event.reason}`;
    case 'published':
      return 'published something else';
    case 'posted':
      return `entry ${event.number} posted`;
    case 'jobMoved':
      return `job ${event.status}, step ${event.t}`;
    case 'epochChanged':
      return `epoch ${event.epoch} begins`;
  }
}
