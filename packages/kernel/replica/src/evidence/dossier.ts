// What convicts members: kept on disk, passed on, shown.
import {
  type Accusation,
  accusationShape,
  accused,
  checkAccusation,
  type HeaderRules,
  openAccusation,
} from '@fatty/broadcast';
import { encode, failure, toHex } from '@fatty/codec';
import type { Failure, LogRecord } from '@fatty/interface';
import type { Cert, SignedVote } from '@fatty/protocol';
import type { Outbox } from '../boundary/outbox.ts';
import type { Peers } from '../cell/peers.ts';
import { type Persistence, RECORD_ACCUSATION } from '../signing/persistence.ts';

/** What Dossier needs of its replica. */
export interface DossierPort {
  readonly rules: HeaderRules;
  readonly me: number;
  readonly out: Outbox;
  readonly peers: Peers;
  readonly persistence: Pick<Persistence, 'log'>;
  /** Once for each member. */
  readonly onConvicted: (member: number, accusation: Accusation) => void;
}

/** Evidence against one member, as an operator sees it. */
export interface Convicted {
  /** Committee index. */
  readonly member: number;
  /** What it has signed that no honest member signs. */
  readonly by: Accusation['kind'];
  /** Hex of the canonical bytes: whoever has the committee can check them. */
  readonly evidence: string;
}

/** Codes of evidence that was good once, in another epoch: no offence. */
const OF_ANOTHER_EPOCH: ReadonlySet<string> = new Set(['other_epoch', 'wrong_epoch']);

/**
 * Accusations that hold (R27b), the first against each member. So what members can make others check, keep and
 * send is bounded by their number. What would convict this replica itself means that somebody else runs under
 * its key, and is none of its business: R26 is.
 */
export class Dossier {
  readonly #port: DossierPort;
  readonly #all = new Map<number, { readonly accusation: Accusation; readonly shown: Convicted }>();
  #isLive = false;

  constructor(port: DossierPort) {
    this.#port = port;
  }

  /** Ascending by member. */
  get convicted(): readonly Convicted[] {
    return [...this.#all.values()].map(({ shown }) => shown).sort((a, b) => a.member - b.member);
  }

  /** Members that it convicts. */
  get size(): number {
    return this.#all.size;
  }

  /** A life begins: what is found from now on is new to the disk and to the others. */
  begin(): void {
    this.#isLive = true;
  }

  /** Before `begin`: takes what earlier lives found out of the records. */
  *withoutAccusations<R extends LogRecord>(records: Iterable<R>): Generator<R> {
    for (const record of records) {
      if (record.type === RECORD_ACCUSATION) this.#restored(record.body);
      else yield record;
    }
  }

  /** This replica has found out, and what it found holds. */
  found(accusation: Accusation): void {
    const member = accused(accusation);
    if (member === undefined || member === this.#port.me || this.#all.has(member)) return;
    const body = encode(accusationShape, accusation);
    const shown = { member, by: accusation.kind, evidence: toHex(body) };
    this.#all.set(member, { accusation, shown });
    this.#port.onConvicted(member, accusation);
    if (!this.#isLive) return;
    const { out, peers, persistence } = this.#port;
    out.note({ what: 'convicted', peer: member });
    persistence.log({ type: RECORD_ACCUSATION, body });
    out.send(peers.up, { kind: 'accusation', accusation });
  }

  /** These votes say something else than the certificate of the same commit; all of it was checked. */
  votedAgainst(cert: Cert, votes: readonly SignedVote[]): void {
    for (const vote of votes) {
      this.found({ kind: 'votes', evidence: { kind: 'uncertified', vote, cert } });
    }
  }

  /**
   * Somebody passes one on. Answers what no honest peer sends: one that does not hold. Against whom there is
   * one already it is not looked at.
   */
  take(accusation: Accusation): Failure | undefined {
    const member = accused(accusation);
    if (member === undefined) return failure('not_a_member', 'evidence against a member', 'none');
    if (member === this.#port.me || this.#all.has(member)) return undefined;
    const checked = checkAccusation(this.#port.rules, accusation);
    if (checked.ok) this.found(accusation);
    return checked.ok || OF_ANOTHER_EPOCH.has(checked.failure.code) ? undefined : checked.failure;
  }

  /** A new link has carried nothing yet. */
  linkUp(peer: number): void {
    for (const { accusation } of this.#all.values()) {
      this.#port.out.send([peer], { kind: 'accusation', accusation });
    }
  }

  #restored(body: Uint8Array): void {
    const opened = openAccusation(body);
    if (opened.ok) this.take(opened.value);
  }
}
