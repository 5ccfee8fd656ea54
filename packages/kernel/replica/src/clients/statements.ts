// What own blocks say about the next epoch.
import type { CarriedStatement } from '@fatty/broadcast';
import { compareBytes, failure, type Signer, toHex } from '@fatty/codec';
import type { Failure } from '@fatty/interface';
import {
  type Agenda,
  type CertRules,
  type Change,
  isNews,
  openStatement,
  STATEMENTS_MAX,
  signMotion,
} from '@fatty/protocol';

/** Statements that wait here at most: each costs room in own blocks until a commit has it. */
const WAITING_MAX = 256;

/** What Statements needs of its replica. */
export interface StatementsPort extends CertRules {
  readonly me: number;
  readonly orderer: { readonly agenda: Agenda; readonly lastIndex: number };
  readonly signer: Signer;
}

interface Waiting extends CarriedStatement {
  /** An own block carried it; it may be lost (R15), so from this round on it goes out again. */
  againRound: number;
}

/**
 * Motions of this member, and statements of others that were given to it (R30). Own blocks carry each until
 * it has nothing new to say: because a commit has it, or because the end of the epoch is decided.
 */
export class Statements {
  readonly #port: StatementsPort;
  readonly #waiting = new Map<string, Waiting>();
  #number = 0;

  constructor(port: StatementsPort) {
    this.#port = port;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Something that the own block of `round` would carry. */
  hasDue(round: number): boolean {
    for (const { againRound } of this.#waiting.values()) if (againRound <= round) return true;
    return false;
  }

  /** This member moves a change. Codes as {@link add}. */
  move(change: Change): Failure | undefined {
    const { cellId, committee, me, orderer, signer } = this.#port;
    const said = orderer.agenda.numbers.find(({ member }) => member === me)?.number ?? -1;
    this.#number = Math.max(this.#number, said + 1);
    const motion = { epoch: committee.epoch, number: this.#number, change };
    const flaw = this.add(signMotion(cellId, signer, me, motion));
    if (flaw === undefined) this.#number += 1;
    return flaw;
  }

  /**
   * Takes a statement, whoever made it, if it is good and news. Codes: those of `openStatement`,
   * `nothing_new`, `overloaded`.
   */
  add(bytes: Uint8Array): Failure | undefined {
    const name = toHex(bytes);
    // Whoever says it again wants to hear that it is taken; no block carries it sooner.
    if (this.#waiting.has(name)) return undefined;
    const opened = openStatement(this.#port, bytes);
    if (!opened.ok) return opened.failure;
    const { agenda, lastIndex } = this.#port.orderer;
    if (!isNews(agenda, opened.value, lastIndex)) {
      return failure('nothing_new', 'a statement that changes what is agreed', 'another');
    }
    if (this.#waiting.size >= WAITING_MAX) {
      return failure('overloaded', `at most ${WAITING_MAX} statements that wait`, 'one more');
    }
    this.#waiting.set(name, { bytes, statement: opened.value, againRound: 0 });
    return undefined;
  }

  /** A commit has been made: what it has said needs no saying again. */
  committed(): void {
    const { agenda, lastIndex } = this.#port.orderer;
    for (const [key, { statement }] of this.#waiting) {
      if (!isNews(agenda, statement, lastIndex)) this.#waiting.delete(key);
    }
  }

  /** Statements for the own block of `round`, ascending by bytes. */
  take(round: number): readonly CarriedStatement[] {
    const { supportRoundsMax } = this.#port.committee.params;
    const due = [...this.#waiting.values()].filter(({ againRound }) => againRound <= round);
    const taken = due.slice(0, STATEMENTS_MAX);
    for (const one of taken) one.againRound = round + supportRoundsMax;
    return taken.sort((a, b) => compareBytes(a.bytes, b.bytes));
  }
}
