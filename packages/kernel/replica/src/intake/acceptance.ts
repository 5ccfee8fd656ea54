// From received bytes to a block of the DAG.
import {
  type Block,
  type BlockHead,
  type BlockRules,
  type Checked,
  checkOpened,
  contradiction,
  type Dag,
  type Evidence,
  type OpenedBlock,
  type Ref,
  refKey,
  type SeenCache,
  seenCache,
} from '@fatty/broadcast';
import { failure, failureOf } from '@fatty/codec';
import type { Ask, Failure, Verdict } from '@fatty/interface';
import type { Committee } from '@fatty/protocol';
import type { ReplicaNote } from '../boundary/contract.ts';
import type { Outbox, Timers } from '../boundary/outbox.ts';
import type { Tuning } from '../boundary/tuning.ts';
import type { Fetch } from '../catchup/fetch.ts';
import type { OwnClock } from '../cell/clock.ts';
import type { Frontier } from '../cell/frontier.ts';
import type { Peers } from '../cell/peers.ts';
import type { Verdicts } from '../checks/verdicts.ts';
import type { Budgets } from './budgets.ts';
import { Glance } from './glance.ts';
import { Outcasts } from './outcasts.ts';
import { againstOwnParent } from './own-parent.ts';
import { Room } from './room.ts';
import { Waiting, type WaitingBlock } from './waiting.ts';

/** Keys of blocks seen lately; a hit saves a signature check and decides nothing else. */
const RECENT_MAX = 4_096;

/** What has come of the blocks that were received. */
export type AcceptanceOutcome =
  /** The block is in the DAG from now on, and by it these blocks are delivered (R15). */
  | { readonly kind: 'accepted'; readonly block: Block; readonly delivered: readonly Ref[] }
  /** Somebody signed two contradictory things, or one that is invalid by itself. */
  | { readonly kind: 'evidence'; readonly author: number; readonly evidence: Evidence }
  /** A block signed with the own key that the DAG does not have (R26). */
  | { readonly kind: 'ownHeard'; readonly ref: Ref };

/** What Acceptance needs of its replica. */
export interface AcceptancePort {
  readonly budgets: Budgets;
  readonly clock: OwnClock;
  readonly committee: Committee;
  readonly dag: Dag;
  readonly fetch: Fetch;
  readonly frontier: Frontier;
  readonly me: number;
  readonly out: Outbox;
  readonly peers: Peers;
  readonly rules: BlockRules;
  readonly sync: { readonly isSyncing: boolean };
  readonly timers: Timers;
  readonly tuning: Tuning;
  readonly verdicts: Verdicts;
}

/**
 * Acceptance (R12, R13): static validity first, then what may only delay. A block enters the DAG
 * once its slow checks are answered, its time has come and its parents above the horizon are there.
 */
export class Acceptance {
  readonly #port: AcceptancePort;
  readonly #waiting: Waiting;
  readonly #room: Room;
  readonly #outcasts: Outcasts;
  readonly #glance: Glance;
  readonly #recent: SeenCache = seenCache(RECENT_MAX);
  #outcomes: AcceptanceOutcome[] = [];

  constructor(port: AcceptancePort) {
    this.#port = port;
    const members = port.committee.members.length;
    this.#waiting = new Waiting(members);
    this.#room = new Room(this.#waiting, members, port.tuning);
    this.#outcasts = new Outcasts(port, this.#waiting, this.#room, members);
    this.#glance = new Glance(port, this.#room);
  }

  /** To be read only. */
  get waiting(): Waiting {
    return this.#waiting;
  }

  /** What has happened since the last call, in order. */
  takeOutcomes(): readonly AcceptanceOutcome[] {
    const outcomes = this.#outcomes;
    this.#outcomes = [];
    return outcomes;
  }

  waitsForJob(key: string): boolean {
    return this.#waiting.byJob(key).length > 0;
  }

  /**
   * Takes a block from a peer; of an answer only blocks for which `isAsked` says yes. It looks at
   * the header first. That saves the checks of blocks that are known, were not asked for, or are of
   * a shunned author and not needed. Answers the flaw that an honest peer would have seen and not
   * passed on.
   */
  receive(opened: OpenedBlock, peer: number, isAsked?: (ref: Ref) => boolean): Failure | undefined {
    const { ref } = opened;
    if (this.#isOldNews(ref) || isAsked?.(ref) === false) return undefined;
    if (!this.#outcasts.isWelcome(ref) && !this.#outcasts.forgive(ref)) {
      this.#outcasts.shelve(opened, peer);
      return undefined;
    }
    const left = this.#glance.lookAt(opened);
    if (left) {
      this.#note(left.what, peer, ref, left.flaw);
      return left.blamed ? left.flaw : undefined;
    }
    return this.#judge(opened, peer);
  }

  /** R12: from now on the author's blocks are taken only when others need them. */
  shun(author: number): void {
    this.#outcasts.shun(author);
  }

  /** R12: the author is over its budget. */
  setAside(author: number): void {
    this.#outcasts.setAside(author);
  }

  /** The slow check of a job ended. */
  jobDone(key: string, verdict: Verdict): void {
    for (const entry of this.#waiting.byJob(key)) {
      if (verdict.kind === 'accept') this.#waiting.jobAccepted(entry, key);
      else this.#refuseWaiting(entry, verdict);
    }
    this.#drain();
  }

  /** `tsDeferral` fired, the horizon moved, the own clock came on: looks at everything that waits. */
  reexamine(): void {
    const { dag, clock, tuning } = this.#port;
    for (const entry of this.#waiting.all()) {
      if (entry.block.ref.round <= dag.horizon) this.#drop(entry);
      else this.#waiting.refresh(entry, dag.horizon, clock.nowMs + tuning.tsAheadMsMax);
    }
    this.#outcasts.horizonMoved(dag.horizon);
    this.#outcasts.tidy();
    this.#drain();
    this.#armDeferral();
  }

  /** `fetchRetry` fired. */
  askForMissing(): void {
    const hopeless = this.#port.fetch.askDue();
    for (const key of hopeless) {
      for (const entry of this.#waiting.childrenOf(key)) {
        const flaw = failure('parent_missing', 'a parent', 'nobody has it');
        this.#defer(entry.block.ref, entry.peer, flaw);
        this.#drop(entry);
      }
      this.#port.fetch.forget(key);
    }
  }

  /** A block the replica made itself, durable by now, or one of its own log. */
  insertOwn(block: Block): void {
    this.#insert(block);
    this.#drain();
  }

  /** It was judged before, but a block that was left out then may be needed now. */
  #isOldNews(ref: Ref): boolean {
    const key = refKey(ref);
    if (this.#waiting.has(key) || this.#outcasts.isShelved(ref, key) || this.#port.dag.has(ref))
      return true;
    return this.#recent.has(key) && !this.#waiting.isNeeded(key);
  }

  /** Static validity. Answers what the sender is to blame for. */
  #judge(opened: OpenedBlock, peer: number): Failure | undefined {
    const checked = checkOpened(opened, this.#port.rules);
    if (checked.kind === 'accept') {
      this.#take(checked, peer);
      return undefined;
    }
    const flaw = failureOf(checked);
    this.#note(checked.kind === 'reject' ? 'blockRejected' : 'blockIgnored', peer, undefined, flaw);
    if (checked.kind === 'ignore') return undefined;
    if (checked.author === undefined) return flaw;
    // R4: the body is bound by the signed header, so its author is to blame, whoever sent it.
    this.shun(checked.author);
    if (checked.evidence) this.#report(checked.evidence, checked.author);
    this.#recent.add(refKey(opened.ref));
    return flaw;
  }

  #take({ block, asks }: Extract<Checked, { kind: 'accept' }>, peer: number): void {
    const { dag, me } = this.#port;
    const { ref } = block;
    if (this.#hear(block) && this.#waiting.earliestTs() !== undefined) this.reexamine();
    if (dag.has(ref)) return;
    if (ref.author === me) {
      this.#outcomes.push({ kind: 'ownHeard', ref });
      this.#recent.add(refKey(ref));
    }
    if (ref.round <= dag.horizon) {
      const flaw = failure('below_horizon', `above ${dag.horizon}`, `${ref.round}`);
      return this.#note('blockIgnored', peer, ref, flaw);
    }
    const other = this.#otherOfSlot(ref);
    if (other) {
      this.#accuse(contradiction(other, block), ref, peer);
      this.#recent.add(refKey(ref));
      // R13: a second block of a slot is kept only when something that waits references it.
      if (!this.#waiting.isNeeded(refKey(ref))) return;
    }
    const lack = this.#makeRoom(block);
    if (lack) return this.#defer(ref, peer, lack);
    this.#hold(block, peer, asks);
    this.#drain();
  }

  /**
   * A block that its author signed, of whatever use it is. Answers whether its stamp moved the own
   * clock on (R12a).
   */
  #hear({ ref, header }: Block): boolean {
    const { peers, clock, me } = this.#port;
    peers.signed(ref.author, ref.round);
    return ref.author !== me && clock.signed(ref.author, header.ts);
  }

  #otherOfSlot({ author, round }: Ref): BlockHead | undefined {
    return this.#port.dag.primary(author, round) ?? this.#waiting.inSlot(author, round);
  }

  /** R12: higher blocks of the author give way. Answers which room is still lacking then. */
  #makeRoom(block: Block): Failure | undefined {
    const { author } = block.ref;
    for (;;) {
      const lack = this.#room.lackOfBytes(author, block.bytes.length);
      if (lack === undefined) break;
      if (!this.#giveWay(block.ref)) return lack;
    }
    const lack = this.#room.lackOfPlaces(author);
    if (lack === undefined || this.#port.dag.missingParents(block).length === 0) return undefined;
    return this.#giveWay(block.ref) ? undefined : lack;
  }

  /** False: no waiting block of the author is higher. */
  #giveWay(ref: Ref): boolean {
    const top = this.#room.givesWayTo(ref);
    if (top === undefined) return false;
    this.#drop(top);
    const lower = failure('author_pending', 'no lower one', `round ${ref.round}`);
    this.#defer(top.block.ref, top.peer, lower);
    return true;
  }

  #hold(block: Block, peer: number, asks: readonly Ask[]): void {
    const { dag, clock, tuning } = this.#port;
    const key = refKey(block.ref);
    const root = this.#port.fetch.rootOf(key) ?? block.ref.author;
    this.#port.fetch.forget(key);
    const missing = dag.missingParents(block);
    const early = block.header.ts > clock.nowMs + tuning.tsAheadMsMax;
    const entry = this.#waiting.add({ block, peer, root, asks, early }, missing);
    for (const ref of missing) {
      const parent = this.#waiting.get(refKey(ref));
      // R11a: the block is needed now, so its slow checks need not wait for their turn.
      if (parent) this.#waiting.markReady(parent);
      else this.#port.fetch.want(ref, root, [peer, block.ref.author]);
    }
    if (early) {
      const at = `${block.header.ts - clock.nowMs} ms ahead`;
      this.#defer(block.ref, peer, failure('ts_ahead', `at most ${tuning.tsAheadMsMax} ms`, at));
      this.#armDeferral();
    }
    this.#waiting.markReady(entry);
    this.#outcasts.fitShelf(block.ref.author);
    for (const ref of missing) {
      const found = this.#outcasts.takeFromShelf(ref);
      if (found) this.#judge(found.block, found.peer);
    }
  }

  #armDeferral(): void {
    const earliest = this.#waiting.earliestTs();
    const { clock, timers, tuning } = this.#port;
    const dueMs = earliest === undefined ? undefined : clock.whenMs(earliest - tuning.tsAheadMsMax);
    timers.wantOrNot('tsDeferral', dueMs);
  }

  /** Moves what waits for nothing any more into the DAG, parents before children. */
  #drain(): void {
    for (let entry = this.#waiting.shift(); entry; entry = this.#waiting.shift()) {
      if (needsChecks(entry)) {
        this.#startChecks(entry);
        continue;
      }
      this.#waiting.remove(entry);
      const { block } = entry;
      const verdict = againstOwnParent(block, this.#port);
      if (verdict.kind !== 'accept') this.#blameAuthor(entry, verdict);
      if (verdict.kind === 'accept' || this.#waiting.isNeeded(refKey(block.ref)))
        this.#insert(block);
    }
  }

  /**
   * R11 against the own parent. Whether that parent is known depends on the local horizon, so the
   * answer may not decide who accepts what others reference: a flawed block is dropped on direct
   * push, its author shunned, and kept like a second block of a slot when something needs it.
   */
  #blameAuthor({ block, peer }: WaitingBlock, flaw: Failure): void {
    this.shun(block.ref.author);
    this.#note('blockRejected', peer, block.ref, failureOf(flaw));
    this.#recent.add(refKey(block.ref));
  }

  /**
   * R11a: slow checks are asked for last, when nothing else is waited for. An honest author's
   * blocks are a chain, so only one of them at a time waits for nothing else. When there are more,
   * their author lies, and they wait their turn unless somebody needs them.
   */
  #startChecks(entry: WaitingBlock): void {
    const { ref } = entry.block;
    if (!this.#waiting.isNeeded(refKey(ref)) && this.#waiting.isChecking(ref.author)) return;
    const asked = this.#port.verdicts.ask(entry.asks, undefined);
    if (asked.kind === 'asked') this.#waiting.startChecks(entry, asked.open);
    else this.#refuseWaiting(entry, asked);
  }

  #insert(block: Block): void {
    const key = refKey(block.ref);
    const { added, delivered, evidence } = this.#port.dag.insert(block);
    this.#recent.add(key);
    this.#port.fetch.forget(key);
    if (!added) return;
    this.#port.out.note({ what: 'accepted', ref: block.ref });
    // It was noted when it came. Only a replayed log brings it here first.
    if (evidence) this.#convict(evidence, block.ref.author);
    this.#outcomes.push({ kind: 'accepted', block, delivered });
    if (this.#port.budgets.taken(block)) this.setAside(block.ref.author);
    this.#waiting.parentCame(key);
  }

  #accuse(evidence: Evidence, ref: Ref, peer: number): void {
    this.#port.out.note({ what: 'equivocation', ref, peer });
    this.#convict(evidence, ref.author);
  }

  #convict(evidence: Evidence, author: number): void {
    this.shun(author);
    this.#report(evidence, author);
  }

  #report(evidence: Evidence, author: number): void {
    this.#outcomes.push({ kind: 'evidence', author, evidence });
  }

  #refuseWaiting(entry: WaitingBlock, verdict: Exclude<Verdict, { kind: 'accept' }>): void {
    const { ref } = entry.block;
    const what = verdict.kind === 'reject' ? 'blockRejected' : 'blockIgnored';
    this.#note(what, entry.peer, ref, failureOf(verdict));
    this.#drop(entry);
    if (verdict.kind === 'ignore') return;
    this.#recent.add(refKey(ref));
    this.shun(ref.author);
  }

  /**
   * Drops a block, and what only this block needed. It comes again when something else needs it.
   */
  #drop(entry: WaitingBlock): void {
    const { block, root, peer } = entry;
    this.#waiting.remove(entry);
    const needed = this.#waiting.isNeeded(refKey(block.ref));
    if (needed) this.#port.fetch.want(block.ref, root, [peer, block.ref.author]);
    this.#outcasts.tidy();
  }

  #defer(ref: Ref, peer: number, flaw: Failure): void {
    this.#note('blockDeferred', peer, ref, flaw);
  }

  #note(what: ReplicaNote['what'], peer: number, ref: Ref | undefined, flaw: Failure): void {
    this.#port.out.note({ what, peer, failure: flaw, ...(ref === undefined ? {} : { ref }) });
  }
}

/** R11a: it has slow checks, and not all of them are answered. */
function needsChecks({ asks, jobs }: WaitingBlock): boolean {
  return asks.length > 0 && jobs?.size !== 0;
}
