import {
  type Block,
  type BlockRules,
  type Checked,
  checkOpened,
  contradiction,
  type Evidence,
  type OpenedBlock,
  type Ref,
  refKey,
  type SeenCache,
  seenCache,
} from '@fatty/broadcast';
import { failure } from '@fatty/codec';
import type { Ask, Failure, Verdict } from '@fatty/interface';
import type { ReplicaNote } from '../boundary/contract.ts';
import type { Fetch } from '../catchup/fetch.ts';
import type { Verdicts } from '../checks/verdicts.ts';
import type { Shared } from '../context.ts';
import { Glance } from './glance.ts';
import { againstOwnParent } from './own-parent.ts';
import { Shelf } from './shelf.ts';
import { Waiting, type WaitingBlock } from './waiting.ts';

/** Keys of blocks seen lately; a hit saves a signature check and decides nothing else. */
const RECENT_MAX = 4_096;

export interface AcceptanceHooks {
  /** The block is in the DAG from now on. */
  accepted(block: Block, delivered: readonly Ref[]): void;
  /** Somebody signed two contradictory things, or one that is invalid by itself. */
  evidence(author: number, evidence: Evidence): void;
  /** A block signed with the own key that this replica does not know of (R26). */
  ownHeard(block: Block): void;
}

/**
 * Acceptance (R12, R13): static validity first, then what may only delay. A block enters the DAG
 * once its slow checks are answered, its time has come and its parents above the horizon are there.
 */
export class Acceptance {
  readonly #shared: Shared;
  readonly #rules: BlockRules;
  readonly #verdicts: Verdicts;
  readonly #fetch: Fetch;
  readonly #hooks: AcceptanceHooks;
  readonly #waiting: Waiting;
  readonly #shelf: Shelf;
  readonly #glance: Glance;
  /** R12: what one author may fill with blocks that wait; room for one at least. */
  readonly #shareBytes: number;
  readonly #recent: SeenCache = seenCache(RECENT_MAX);

  constructor(
    shared: Shared,
    rules: BlockRules,
    verdicts: Verdicts,
    fetch: Fetch,
    hooks: AcceptanceHooks,
  ) {
    this.#shared = shared;
    this.#rules = rules;
    this.#verdicts = verdicts;
    this.#fetch = fetch;
    this.#hooks = hooks;
    const { members } = shared.committee;
    this.#waiting = new Waiting(members.length);
    this.#shelf = new Shelf(members.length, shared.tuning.pendingPerAuthor);
    this.#shareBytes = Math.floor(shared.tuning.pendingBytesMax / members.length);
    this.#glance = new Glance(shared, rules, this.#waiting, this.#shareBytes);
  }

  get waitingCount(): number {
    return this.#waiting.size;
  }

  waitsForJob(key: string): boolean {
    return this.#waiting.byJob(key).length > 0;
  }

  /**
   * A block from a peer; of an answer only what `isAsked`. A look at the header comes first: it saves
   * the checks of what is known, not asked for, or of a shunned author and not needed. Answers the
   * flaw that an honest peer would have seen and not passed on.
   */
  receive(opened: OpenedBlock, peer: number, isAsked?: (ref: Ref) => boolean): Failure | undefined {
    const { ref } = opened;
    if (this.#isOldNews(ref) || isAsked?.(ref) === false) return undefined;
    if (!this.#isWelcome(ref) && !this.#shared.isForgiven(ref)) {
      this.#shelve(opened, peer);
      return undefined;
    }
    const left = this.#glance.putOff(opened);
    if (left) {
      this.#note(left.what, peer, ref, left.flaw);
      return left.blamed ? left.flaw : undefined;
    }
    return this.#judge(opened, peer);
  }

  /** R12: from now on the author's blocks are taken only when others need them. */
  shun(author: number): void {
    if (this.#shared.peers.shun(author)) this.setAside(author);
  }

  /** What waits of an outcast, and nothing else needs, is put aside. */
  setAside(author: number): void {
    for (const { block, peer } of this.#waiting.of(author)) {
      if (!this.#isWelcome(block.ref)) this.#shelve(block, peer);
    }
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
    const { dag, clock, tuning } = this.#shared;
    for (const entry of this.#waiting.all()) {
      if (entry.block.ref.round <= dag.horizon) this.#drop(entry);
      else this.#waiting.refresh(entry, dag.horizon, clock.nowMs + tuning.tsAheadMsMax);
    }
    this.#shelf.horizonMoved(dag.horizon);
    this.#tidy();
    this.#drain();
    this.#armDeferral();
  }

  /** `fetchRetry` fired. */
  fetchDue(): void {
    const hopeless = this.#fetch.due();
    for (const key of hopeless) {
      for (const entry of this.#waiting.childrenOf(key)) {
        const flaw = failure('parent_missing', 'a parent', 'nobody has it');
        this.#defer(entry.block.ref, entry.peer, flaw);
        this.#drop(entry);
      }
      this.#fetch.forget(key);
    }
  }

  /** A block the replica made itself, durable by now, or one of its own log. */
  insertOwn(block: Block): void {
    this.#insert(block);
    this.#drain();
  }

  /** Judged before; but what was left out may turn out to be needed. */
  #isOldNews(ref: Ref): boolean {
    const key = refKey(ref);
    if (this.#waiting.has(key) || this.#shelf.has(ref, key) || this.#shared.dag.has(ref))
      return true;
    return this.#recent.has(key) && !this.#waiting.isNeeded(key);
  }

  /**
   * R12: a shunned author's block is taken only when a block that waits references it. That one is
   * welcome itself, so the need goes back to an author who is not shunned; without this a liar
   * could make everybody fetch, keep and log another history of its own with every block.
   */
  #isWelcome(ref: Ref): boolean {
    return !this.#shared.peers.isOutcast(ref.author) || this.#waiting.isNeeded(refKey(ref));
  }

  /** What only a shunned author says is left unread, with all that only it needed. */
  #shelve(block: OpenedBlock, peer: number): void {
    const { ref } = block;
    const flaw = failure('shunned', 'a block that others need', `one of ${ref.author}`);
    this.#defer(ref, peer, flaw);
    const entry = this.#waiting.get(refKey(ref));
    if (entry) this.#waiting.remove(entry);
    this.#shelf.put(block, peer);
    this.#fitShelf(ref.author);
    this.#tidy();
  }

  /** Shelf and waiting blocks of an author have one share of memory between them. */
  #fitShelf(author: number): void {
    this.#shelf.fit(author, this.#shareBytes - this.#waiting.bytesOf(author));
  }

  /** Leaves what nothing needs any more: questions, and blocks that were taken only for the need. */
  #tidy(): void {
    for (const key of this.#waiting.unneeded()) {
      this.#fetch.forget(key);
      const entry = this.#waiting.get(key);
      if (entry === undefined || this.#isWelcome(entry.block.ref)) continue;
      this.#shelve(entry.block, entry.peer);
    }
  }

  /** Static validity. Answers what the sender is to blame for. */
  #judge(opened: OpenedBlock, peer: number): Failure | undefined {
    const checked = checkOpened(opened, this.#rules);
    if (checked.kind === 'accept') {
      this.#take(checked, peer);
      return undefined;
    }
    const flaw = failure(checked.code, checked.expected, checked.actual);
    this.#note(checked.kind === 'reject' ? 'blockRejected' : 'blockIgnored', peer, undefined, flaw);
    if (checked.kind === 'ignore') return undefined;
    if (checked.author === undefined) return flaw;
    // R4: the body is bound by the signed header, so its author is to blame, whoever sent it.
    this.shun(checked.author);
    if (checked.evidence) this.#hooks.evidence(checked.author, checked.evidence);
    this.#recent.add(refKey(opened.ref));
    return flaw;
  }

  #take({ block, asks }: Extract<Checked, { kind: 'accept' }>, peer: number): void {
    const { dag, me } = this.#shared;
    const { ref } = block;
    if (this.#shared.heard(block) && this.#waiting.earliestTs() !== undefined) this.reexamine();
    if (dag.has(ref)) return;
    if (ref.author === me) {
      this.#hooks.ownHeard(block);
      this.#recent.add(refKey(ref));
    }
    if (ref.round <= dag.horizon) {
      const flaw = failure('below_horizon', `above ${dag.horizon}`, `${ref.round}`);
      return this.#note('blockIgnored', peer, ref, flaw);
    }
    if (this.#isSecond(block, peer) || this.#isTooMuch(block, peer)) return;
    this.#hold(block, peer, asks);
    this.#drain();
  }

  /** R13: a second block of a slot is kept only when something that waits references it. */
  #isSecond(block: Block, peer: number): boolean {
    const { ref } = block;
    const held = this.#shared.dag.primary(ref.author, ref.round);
    const other = held ?? this.#waiting.inSlot(ref.author, ref.round);
    if (other === undefined) return false;
    this.#accuse(contradiction(other, block), ref, peer);
    this.#recent.add(refKey(ref));
    return !this.#waiting.isNeeded(refKey(ref));
  }

  /** R12: room for what waits, which only delays. The round was looked at first. */
  #isTooMuch(block: Block, peer: number): boolean {
    const [author, { pendingPerAuthor }] = [block.ref.author, this.#shared.tuning];
    for (let held = this.#waiting.bytesOf(author); held > 0; held = this.#waiting.bytesOf(author)) {
      if (held + block.bytes.length <= this.#shareBytes) break;
      if (this.#giveWay(block)) continue;
      const max = `${this.#shareBytes} bytes of one author`;
      return this.#defer(block.ref, peer, failure('pending_full', max, `${held}`));
    }
    const pending = this.#waiting.countOf(author);
    const isReady = this.#shared.dag.missingParents(block).length === 0;
    if (pending < pendingPerAuthor || isReady) return false;
    if (this.#giveWay(block)) return false;
    const most = `at most ${pendingPerAuthor} waiting`;
    return this.#defer(block.ref, peer, failure('author_pending', most, `${pending}`));
  }

  /**
   * The author's highest waiting block makes room for a lower one. Otherwise pushes from the tip fill
   * the room of a replica that comes back, the lowest blocks it misses a parent of are not kept,
   * nobody asks for that parent, and it never catches up.
   */
  #giveWay({ ref }: Block): boolean {
    const top = this.#waiting.highestOf(ref.author);
    if (top === undefined || top.block.ref.round <= ref.round) return false;
    const { block, peer } = top;
    const lower = failure('author_pending', 'no lower one', `round ${ref.round}`);
    this.#drop(top);
    return this.#defer(block.ref, peer, lower);
  }

  #hold(block: Block, peer: number, asks: readonly Ask[]): void {
    const { dag, clock, tuning } = this.#shared;
    const key = refKey(block.ref);
    const root = this.#fetch.rootOf(key) ?? block.ref.author;
    this.#fetch.forget(key);
    const missing = dag.missingParents(block);
    const early = block.header.ts > clock.nowMs + tuning.tsAheadMsMax;
    const entry = this.#waiting.add({ block, peer, root, asks, early }, missing);
    for (const ref of missing) {
      const parent = this.#waiting.get(refKey(ref));
      // R11a: it is needed now, so its slow checks need not wait for their turn.
      if (parent) this.#waiting.markReady(parent);
      else this.#fetch.want(ref, root, [peer, block.ref.author]);
    }
    if (early) {
      const at = `${block.header.ts - clock.nowMs} ms ahead`;
      this.#defer(block.ref, peer, failure('ts_ahead', `at most ${tuning.tsAheadMsMax} ms`, at));
      this.#armDeferral();
    }
    this.#waiting.markReady(entry);
    this.#fitShelf(block.ref.author);
    for (const ref of missing) {
      const found = this.#shelf.take(ref);
      if (found) this.#judge(found.block, found.peer);
    }
  }

  #armDeferral(): void {
    const earliest = this.#waiting.earliestTs();
    const { timers, tuning } = this.#shared;
    timers.wantOrNot('tsDeferral', this.#shared.whenClockIs(earliest, -tuning.tsAheadMsMax));
  }

  /** Moves what waits for nothing any more into the DAG, parents before children. */
  #drain(): void {
    for (let entry = this.#waiting.shift(); entry; entry = this.#waiting.shift()) {
      if (!this.#isChecked(entry)) continue;
      this.#waiting.remove(entry);
      if (this.#isSound(entry)) this.#insert(entry.block);
    }
  }

  /**
   * R11a: slow checks are asked for last, when nothing else is waited for. An honest author's blocks
   * are a chain, so one of them at a time gets so far: what is more is a liar's, and waits its turn
   * unless somebody needs it.
   */
  #isChecked(entry: WaitingBlock): boolean {
    if (entry.asks.length === 0 || entry.jobs?.size === 0) return true;
    const { ref } = entry.block;
    const isNeeded = this.#waiting.isNeeded(refKey(ref));
    if (!isNeeded && this.#waiting.isChecking(ref.author)) return false;
    const jobs = this.#verdicts.ask(entry.asks, undefined);
    if (jobs instanceof Set) this.#waiting.check(entry, jobs);
    else this.#refuseWaiting(entry, jobs);
    return false;
  }

  /**
   * R11 against the own parent. Whether that parent is known depends on the local horizon, so the
   * answer may not decide who accepts what others reference: a flawed block is dropped on direct
   * push, its author shunned, and kept like a second block of a slot when something needs it.
   */
  #isSound({ block, peer }: WaitingBlock): boolean {
    const verdict = againstOwnParent(block, this.#shared);
    if (verdict.kind === 'accept') return true;
    const { code, expected, actual } = verdict;
    this.shun(block.ref.author);
    this.#note('blockRejected', peer, block.ref, failure(code, expected, actual));
    this.#recent.add(refKey(block.ref));
    return this.#waiting.isNeeded(refKey(block.ref));
  }

  #insert(block: Block): void {
    const key = refKey(block.ref);
    const { added, delivered, evidence } = this.#shared.dag.insert(block);
    this.#recent.add(key);
    this.#fetch.forget(key);
    if (!added) return;
    this.#shared.out.note({ what: 'accepted', ref: block.ref });
    // Told of when it came; a replayed log brings it here first.
    if (evidence) this.#convict(evidence, block.ref.author);
    this.#hooks.accepted(block, delivered);
    this.#waiting.parentCame(key);
  }

  #accuse(evidence: Evidence, ref: Ref, peer: number): void {
    this.#shared.out.note({ what: 'equivocation', ref, peer });
    this.#convict(evidence, ref.author);
  }

  #convict(evidence: Evidence, author: number): void {
    this.shun(author);
    this.#hooks.evidence(author, evidence);
  }

  #refuseWaiting(entry: WaitingBlock, verdict: Exclude<Verdict, { kind: 'accept' }>): void {
    const { code, expected, actual } = verdict;
    const { ref } = entry.block;
    const what = verdict.kind === 'reject' ? 'blockRejected' : 'blockIgnored';
    this.#note(what, entry.peer, ref, failure(code, expected, actual));
    this.#drop(entry);
    if (verdict.kind === 'ignore') return;
    this.#recent.add(refKey(ref));
    this.shun(ref.author);
  }

  /** Leaves a block and what only it needed. It comes again when something else needs it. */
  #drop(entry: WaitingBlock): void {
    const { block, root, peer } = entry;
    this.#waiting.remove(entry);
    const needed = this.#waiting.isNeeded(refKey(block.ref));
    if (needed) this.#fetch.want(block.ref, root, [peer, block.ref.author]);
    this.#tidy();
  }

  #defer(ref: Ref, peer: number, flaw: Failure): true {
    this.#note('blockDeferred', peer, ref, flaw);
    return true;
  }

  #note(what: ReplicaNote['what'], peer: number, ref: Ref | undefined, flaw: Failure): void {
    this.#shared.out.note({ what, peer, failure: flaw, ...(ref === undefined ? {} : { ref }) });
  }
}
