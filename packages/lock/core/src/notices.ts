// Notices to a session, believed when f + 1 replicas say the same (R32).
import { decodeNotice, type GatewayMessage, type NoticeBody } from '@fatty/api';
import { toHex } from '@fatty/codec';
import type { Failure } from '@fatty/interface';
import { Tally } from './f-plus-one.ts';
import type { Members } from './members.ts';

type NoticeMessage = Extract<GatewayMessage, { kind: 'notice' }>;

/** Notices remembered by the first to tell: one who invents them crowds out nobody else's. */
const NOTICES_MAX = 256;

/** Counts who tells what about which commit. */
export class Notices {
  readonly #members: Pick<Members, 'faults'>;
  readonly #told = new Map<number, Map<string, Tally<NoticeMessage>>>();

  constructor(members: Pick<Members, 'faults'>) {
    this.#members = members;
  }

  /** Answers the notice when it is believed from now on; a failure when these bytes are none. */
  hear(replica: number, message: NoticeMessage): NoticeBody | Failure | undefined {
    const body = decodeNotice(message.body);
    if (!body.ok) return body.failure;
    const key = `${message.commit}:${toHex(message.body)}`;
    const known = [...this.#told.values()].find((told) => told.has(key));
    const tally = known?.get(key) ?? this.#firstTold(replica, key);
    return tally.vote(replica, key, message) === undefined ? undefined : body.value;
  }

  #firstTold(replica: number, key: string): Tally<NoticeMessage> {
    const tally = new Tally<NoticeMessage>(this.#members.faults + 1);
    const told = this.#toldBy(replica);
    told.set(key, tally);
    const oldest = told.keys().next().value;
    if (told.size > NOTICES_MAX && oldest !== undefined) told.delete(oldest);
    return tally;
  }

  #toldBy(replica: number): Map<string, Tally<NoticeMessage>> {
    const told = this.#told.get(replica) ?? new Map<string, Tally<NoticeMessage>>();
    this.#told.set(replica, told);
    return told;
  }

  /** There is no session any more that they could be about, or others are asked from now on. */
  clear(): void {
    this.#told.clear();
  }
}
