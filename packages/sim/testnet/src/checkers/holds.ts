// Checks S12, S13 and S14 of locks and sessions, from what clients are told.
import {
  comparePositions,
  decodeNotice,
  decodeOp,
  decodeResult,
  type LockMode,
  type NoticeBody,
  type Op,
  type Result,
} from '@fatty/api';
import { toHex } from '@fatty/codec';
import type { Position } from '@fatty/interface';
import type { Checker, Observation, Violation } from '../world/observation.ts';
import { type CommitSeen, effects } from './commits.ts';

interface Hold {
  readonly path: string;
  readonly session: string;
  /** The acquire that asked for it. */
  readonly claim: string;
  readonly mode: LockMode;
  readonly gen: Position;
}

/** What one commit ends: holds by generation, and by the acquire that asked for them. */
interface Ended {
  readonly gens: Set<string>;
  readonly claims: Set<string>;
}

const claimOf = (session: string, seq: number, index: number): string =>
  `${session}/${seq}:${index}`;

type Say = (rule: string, expected: string, actual: string) => void;

const show = (position: Position): string => `${position.commit}.${position.index}`;

/**
 * Reads only what clients are told (results and notices), in commit order.
 * S12: no exclusive hold next to another hold of its path; lock generations of a path strictly grow,
 * whatever happens to the node in between.
 * S13: a session whose certified expiry has not come is never expired, so no second holder can
 * appear while the first may believe. S14: a session past its expiry ends at that very commit.
 */
export class HoldChecker implements Checker {
  readonly rules: readonly string[] = ['S12', 'S13', 'S14'];
  readonly reached: (what: string) => void;
  readonly #holds = new Map<string, Hold>();
  readonly #lastGen = new Map<string, Position>();
  /** By the commit that is read. */
  readonly #granted: Hold[] = [];
  /** Lease-clock ms, by session. */
  readonly #expiry = new Map<string, number>();
  #index = 0;

  constructor(reached: (what: string) => void) {
    this.reached = reached;
  }

  see(observation: Observation): readonly Violation[] {
    if (observation.kind !== 'committed' || observation.commit.index <= this.#index) return [];
    this.#index = observation.commit.index;
    const out: Violation[] = [];
    const { atMs, by } = observation;
    const say: Say = (rule, expected, actual) =>
      void out.push({ rule, expected, actual, atMs, replica: by });
    this.#commit(observation, say);
    return out;
  }

  finish(): readonly Violation[] {
    return [];
  }

  #commit(seen: CommitSeen, say: Say): void {
    const { applied, commit } = seen;
    const ended: Ended = { gens: new Set(), claims: new Set() };
    for (const { batch, receipt } of effects(seen)) {
      for (const [i, bytes] of receipt.results.entries()) {
        const result = decodeResult(bytes);
        const op = decodeOp(batch.ops[i] ?? new Uint8Array());
        if (result.ok && op.ok) {
          const session = toHex(batch.session);
          const claim = claimOf(session, receipt.seq, i);
          this.#result({ session, claim, op: op.value, result: result.value }, ended, say);
        } else say('S12', 'readable op and result', 'unreadable');
      }
    }
    const expired = new Set<string>();
    for (const notice of applied.notices) {
      const body = decodeNotice(notice.body);
      if (!body.ok) say('S12', 'readable notice', body.failure.code);
      else this.#notice(toHex(notice.session), body.value, { ended, expired, say });
    }
    for (const [gen, { claim }] of this.#holds) {
      if (ended.gens.has(gen) || ended.claims.has(claim)) this.#holds.delete(gen);
    }
    this.#generations(say);
    this.#together(say);
    this.#leaseClock(commit.leaseClock, expired, say);
  }

  #result(
    { session, claim, op, result }: { session: string; claim: string; op: Op; result: Result },
    ended: Ended,
    say: Say,
  ): void {
    this.reached(`result.${result.kind}`);
    if (result.kind === 'granted' && (op.kind === 'acquire' || op.kind === 'tryAcquire')) {
      this.#grant({ path: op.path, session, claim, mode: result.mode, gen: result.lockGen }, say);
    }
    if (result.kind === 'released') ended.gens.add(show(result.lockGen));
    if (result.kind === 'sessionOpened') {
      this.#expiry.set(session, result.leaseExpiry);
    }
    if (result.kind === 'reanchored') this.#expiry.set(session, result.leaseExpiry);
    if (result.kind === 'sessionClosed') {
      this.#expiry.delete(session);
      this.#end(session, ended);
    }
    // The grant may be told further down, by a notice of this very commit.
    if (op.kind === 'cancel' && result.kind === 'cancelled' && result.was !== 'neither') {
      ended.claims.add(claimOf(session, op.seq, op.index));
    }
  }

  #notice(
    session: string,
    body: NoticeBody,
    { ended, expired, say }: { ended: Ended; expired: Set<string>; say: Say },
  ): void {
    this.reached(`notice.${body.kind}`);
    if (body.kind === 'granted') {
      const claim = claimOf(session, body.seq, body.index);
      this.#grant({ path: body.path, session, claim, mode: body.mode, gen: body.lockGen }, say);
    }
    if (body.kind === 'lost') ended.gens.add(show(body.lockGen));
    if (body.kind === 'renewed') this.#expiry.set(session, body.leaseExpiry);
    if (body.kind !== 'sessionExpired') return;
    expired.add(session);
    this.#end(session, ended);
  }

  #end(session: string, ended: Ended): void {
    for (const [gen, hold] of this.#holds) if (hold.session === session) ended.gens.add(gen);
  }

  /** Of one commit: whom a later op let in is told by a notice, behind the results of all ops. */
  #generations(say: Say): void {
    const granted = this.#granted.splice(0).sort((a, b) => comparePositions(a.gen, b.gen));
    for (const { path, gen } of granted) {
      const before = this.#lastGen.get(path);
      if (before !== undefined && comparePositions(before, gen) >= 0) {
        say('S12', `a lock generation of ${path} above ${show(before)}`, show(gen));
      }
      this.#lastGen.set(path, gen);
    }
  }

  #grant(hold: Hold, say: Say): void {
    if (hold.gen.commit !== this.#index) {
      say('S12', `a generation of commit ${this.#index}`, show(hold.gen));
    }
    this.#granted.push(hold);
    this.#holds.set(show(hold.gen), hold);
    this.reached('grants');
  }

  #together(say: Say): void {
    const byPath = new Map<string, Hold[]>();
    for (const hold of this.#holds.values()) {
      byPath.set(hold.path, [...(byPath.get(hold.path) ?? []), hold]);
    }
    for (const [path, holds] of byPath) {
      if (holds.length > 1) this.reached('sharedTogether');
      if (holds.length < 2 || holds.every((hold) => hold.mode === 'shared')) continue;
      const who = holds.map(
        (hold) => `${hold.mode} ${show(hold.gen)} of ${hold.session.slice(0, 8)}`,
      );
      say('S12', `one exclusive holder of ${path}`, who.join(' and '));
    }
  }

  #leaseClock(clockMs: number, expired: ReadonlySet<string>, say: Say): void {
    for (const session of expired) {
      const expiry = this.#expiry.get(session) ?? 0;
      if (expiry > clockMs) say('S13', `expiry at or after ${expiry}`, `at ${clockMs}`);
      this.#expiry.delete(session);
    }
    for (const [session, expiry] of this.#expiry) {
      if (expiry <= clockMs) say('S14', `${session.slice(0, 8)} over at ${expiry}`, `${clockMs}`);
    }
  }
}
