// The members of a cell as they are today, and what each says of itself.
import type { Client } from '@fatty/client';
import { toHex } from '@fatty/codec';
import { type Cell, quorum } from '@fatty/protocol';

/** A member of the present epoch. */
export interface MemberToday {
  /** Committee index in that epoch. */
  readonly number: number;
  /** Hex. */
  readonly key: string;
  /** The number under which this client asks it. */
  readonly replica: number;
  readonly convicted: boolean;
}

/** The cell of today, as far as the client has followed it. */
export interface Today {
  readonly cell: Cell;
  readonly quorum: number;
  readonly members: readonly MemberToday[];
}

/** @param convicted keys in hex */
export function todayOf(
  client: Pick<Client, 'followed' | 'replicaOf'>,
  convicted: ReadonlySet<string> = new Set(),
): Today {
  const cell = client.followed;
  const members = cell.committee.members.map((one, number): MemberToday => {
    const key = toHex(one);
    return { number, key, replica: client.replicaOf(one), convicted: convicted.has(key) };
  });
  return { cell, quorum: quorum(cell.committee), members };
}

/**
 * The cell of today, as more than f of its members tell it. Each gets `dialMs` to answer the dial: who does not is
 * silent. A client that began with members of earlier epochs dials those of today after it has heard of them.
 */
export async function look(client: Client, dialMs: number, timeoutMs?: number): Promise<Today> {
  const terms = timeoutMs === undefined ? {} : { timeoutMs };
  const { epoch } = client.followed.committee;
  await untilDialled(client, dialMs);
  const said = await client.members(terms);
  if (client.followed.committee.epoch > epoch) await untilDialled(client, dialMs);
  const convicted = said.convicted.flatMap((index) => {
    const key = said.members[index];
    return key === undefined ? [] : [toHex(key)];
  });
  return todayOf(client, new Set(convicted));
}

async function untilDialled(client: Client, timeoutMs: number): Promise<void> {
  const { length } = client.followed.committee.members;
  await client.linked(length, { timeoutMs }).catch(() => undefined);
}

/** What a member says of itself; undefined: it does not answer in time. */
export function ownWord(
  client: Client,
  { replica }: MemberToday,
  timeoutMs: number,
): Promise<Awaited<ReturnType<Client['replicaStatus']>> | undefined> {
  if (replica < 0) return Promise.resolve(undefined);
  return client.replicaStatus(replica, { timeoutMs }).catch(() => undefined);
}
