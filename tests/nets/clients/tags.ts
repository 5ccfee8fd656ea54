// What names an op of a net's client.
import type { Op } from '@fatty/api';
import { hash, toHex } from '@fatty/codec';
import type { CallOutcome, CallRequest } from '@fatty/core';
import type { Position } from '@fatty/interface';

const show = ({ commit, index }: Position): string => `${commit}.${index}`;

/**
 * What names an op of a net's client for ever: each call makes a path, a lock-delay or a proof of its own,
 * and gives a hold back once. Undefined: an op that anybody may send twice.
 */
export function tagOf(op: Op, client: string): string | undefined {
  if (op.kind === 'create') return `create ${op.path}`;
  if (op.kind === 'acquire' || op.kind === 'tryAcquire') {
    return op.lockDelayMs === 0 ? undefined : `acquire ${client} ${op.lockDelayMs}`;
  }
  if (op.kind === 'takeMachine' || op.kind === 'renewMachine') {
    return `proof ${toHex(hash('net-proofs', ...op.proofs))}`;
  }
  if (op.kind !== 'release' || op.lockGen === undefined) return undefined;
  return `release ${client} ${op.path} ${show(op.lockGen)}`;
}

/** What a referee knows of a client's calls. */
export interface CallsSeen {
  readonly requests: ReadonlyMap<number, CallRequest>;
  readonly outcomes: ReadonlyMap<number, CallOutcome>;
}

/** The tags of everything that this call asks for. */
export function tagsOf({ requests, outcomes }: CallsSeen, call: number, client: string): string[] {
  const request = requests.get(call);
  if (request?.kind === 'acquire') return [`acquire ${client} ${call}`];
  if (request?.kind === 'ops') return request.ops.flatMap((op) => tagOf(op, client) ?? []);
  if (request?.kind === 'machine') return [request.op].flatMap((op) => tagOf(op, client) ?? []);
  if (request?.kind !== 'release') return [];
  const held = outcomes.get(request.hold);
  const taken = requests.get(request.hold);
  if (held?.kind !== 'held' || taken?.kind !== 'acquire') return [];
  return [`release ${client} ${taken.path} ${show(held.lockGen)}`];
}
