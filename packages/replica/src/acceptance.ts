import {
  type Block,
  type BlockRules,
  type Checked,
  checkAgainstParent,
  checkBlock,
  contradiction,
  type Evidence,
  headerDigest,
  type Ref,
  refKey,
  type SeenCache,
  seenCache,
  signedBlockShape,
} from '@fatty/broadcast';
import { decode, failure, toHex } from '@fatty/codec';
import type { Failure, Verdict } from '@fatty/interface';
import type { ReplicaNote } from './contract.ts';
import type { Fetch } from './fetch.ts';
import type { Shared } from './shared.ts';
import type { Verdicts } from './verdicts.ts';
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
    this.#shareBytes = Math.floor(shared.tuning.pendingBytesMax / members.length);
  }

  get waitingCount(): number {
    return this.#waiting.size;
  }

  waitsForJob(key: string): boolean {
    return this.#waiting.byJob(key).length > 0;
  }

  /**
   * Bytes of a SignedBlock from a peer. Live pushes come once; in answers about the past most blocks
   * are known, and a look at the digest saves the signature checks.
   */
  receive(bytes: Uint8Array, peer: number, isPushed: boolean): void {
    if (!isPushed && this.#isOldNews(this.#keyOf(bytes))) return;
    const checked = checkBlock(bytes, this.#rules);
    if (checked.kind === 'accept') {
      if (!this.#isOldNews(refKey(checked.block.ref))) this.#take(checked, peer);
      return;
    }
    const { code, expected, actual } = checked;
    const what = checked.kind === 'reject' ? 'blockRejected' : 'blockIgnored';
    this.#note(what, peer, undefined, failure(code, expected, actual));
    if (checked.kind === 'ignore' || checked.author === undefined) return;
    // R4: the body is bound by the signed header, so its author is to blame, whoever sent it.
    this.#shared.peers.shun(checked.author);
    if (checked.evidence) this.#hooks.evidence(checked.author, checked.evidence);
    const key = this.#keyOf(bytes);
    if (key !== undefined) this.#recent.add(key);
  }

  /** The slow check of a job ended. */
  jobDone(key: string, verdict: Verdict): void {
    for (const entry of this.#waiting.byJob(key)) {
      if (verdict.kind === 'accept') this.#waiting.jobAccepted(entry, key);
      else this.#refuseWaiting(entry, verdict);
    }
    this.#drain();
  }

  /** `tsDeferral` fired, or the horizon moved: looks at everything that waits. */
  reexamine(): void {
    const { dag, nowMs, tuning } = this.#shared;
    for (const entry of this.#waiting.all()) {
      if (entry.block.ref.round <= dag.horizon) this.#drop(entry);
      else this.#waiting.refresh(entry, dag.horizon, nowMs + tuning.tsAheadMsMax);
    }
    for (const key of this.#waiting.unneeded()) this.#fetch.forget(key);
    this.#drain();
    this.#armDeferral();
  }

  /** `fetchRetry` fired. */
  fetchDue(): void {
    const hopeless = this.#fetch.due();
    for (const key of hopeless) {
      for (const entry of this.#waiting.childrenOf(key)) {
        this.#defer(
          entry.block,
          entry.peer,
          failure('parent_missing', 'a parent', 'nobody has it'),
        );
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

  #keyOf(bytes: Uint8Array): string | undefined {
    const { blockBytesMax } = this.#shared.committee.params.limits;
    const signed = decode(signedBlockShape, bytes, blockBytesMax);
    return signed.ok ? toHex(headerDigest(signed.value.header)) : undefined;
  }

  /** Judged before; but what was left out may turn out to be needed. */
  #isOldNews(key: string | undefined): boolean {
    if (key === undefined) return false;
    if (this.#waiting.has(key)) return true;
    return this.#recent.has(key) && !this.#waiting.isNeeded(key);
  }

  #take({ block, asks }: Extract<Checked, { kind: 'accept' }>, peer: number): void {
    const { dag, peers, me } = this.#shared;
    const { ref } = block;
    peers.signed(ref.author, ref.round);
    if (dag.has(ref)) return;
    if (ref.author === me) this.#hooks.ownHeard(block);
    if (ref.round <= dag.horizon) {
      const flaw = failure('below_horizon', `above ${dag.horizon}`, `${ref.round}`);
      return this.#note('blockIgnored', peer, ref, flaw);
    }
    if (this.#isSecond(block, peer) || this.#isTooMuch(block, peer)) return;
    const jobs = this.#verdicts.ask(asks);
    if (!(jobs instanceof Set)) return this.#refuse(block, peer, jobs);
    this.#hold(block, peer, jobs);
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

  /** R12: limits that only delay; in sync mode bytes alone are bounded. */
  #isTooMuch(block: Block, peer: number): boolean {
    const { tuning, syncing, completeRound } = this.#shared;
    const { round, author } = block.ref;
    const top = completeRound + tuning.holdRounds;
    if (round > top && !syncing) {
      return this.#defer(block, peer, failure('round_ahead', `at most ${top}`, `${round}`));
    }
    for (let held = this.#waiting.bytesOf(author); held > 0; held = this.#waiting.bytesOf(author)) {
      if (held + block.bytes.length <= this.#shareBytes) break;
      if (this.#giveWay(block)) continue;
      const max = `${this.#shareBytes} bytes of one author`;
      return this.#defer(block, peer, failure('pending_full', max, `${held}`));
    }
    const pending = this.#waiting.countOf(author);
    if (pending < tuning.pendingPerAuthor || this.#isReady(block)) return false;
    if (this.#giveWay(block)) return false;
    const most = `at most ${tuning.pendingPerAuthor} waiting`;
    return this.#defer(block, peer, failure('author_pending', most, `${pending}`));
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
    return this.#defer(block, peer, lower);
  }

  #isReady(block: Block): boolean {
    return this.#shared.dag.missingParents(block).length === 0;
  }

  #hold(block: Block, peer: number, jobs: Set<string>): void {
    const { dag, nowMs, tuning } = this.#shared;
    const key = refKey(block.ref);
    const root = this.#fetch.rootOf(key) ?? block.ref.author;
    this.#fetch.forget(key);
    const missing = dag.missingParents(block);
    const early = block.header.ts > nowMs + tuning.tsAheadMsMax;
    const entry = this.#waiting.add({ block, peer, root, jobs, early }, missing);
    for (const ref of missing) {
      if (!this.#waiting.has(refKey(ref))) this.#fetch.want(ref, root, [peer, block.ref.author]);
    }
    if (early) {
      const at = `${block.header.ts - nowMs} ms ahead`;
      this.#defer(block, peer, failure('ts_ahead', `at most ${tuning.tsAheadMsMax} ms`, at));
      this.#armDeferral();
    }
    this.#waiting.markReady(entry);
  }

  #armDeferral(): void {
    const earliest = this.#waiting.earliestTs();
    const { timers, tuning } = this.#shared;
    const atMs = earliest === undefined ? undefined : earliest - tuning.tsAheadMsMax;
    timers.wantOrNot('tsDeferral', atMs);
  }

  /** Moves what waits for nothing any more into the DAG, parents before children. */
  #drain(): void {
    for (let entry = this.#waiting.shift(); entry; entry = this.#waiting.shift()) {
      if (this.#isSound(entry)) this.#insert(entry.block);
      this.#waiting.remove(entry);
    }
  }

  /**
   * R11 against the own parent. Whether that parent is known depends on the local horizon, so the
   * answer may not decide who accepts what others reference: a flawed block is dropped on direct
   * push, its author shunned, and kept like a second block of a slot when something needs it.
   */
  #isSound({ block, peer }: WaitingBlock): boolean {
    const [own] = block.header.parents;
    const parent = own && this.#shared.dag.get(own);
    let verdict: Verdict = { kind: 'accept' };
    if (parent) verdict = checkAgainstParent(block, parent);
    else if (own?.round === 0 && block.header.ts < this.#shared.committee.genesisTs) {
      const genesis = `≥ ${this.#shared.committee.genesisTs}`;
      verdict = { kind: 'reject', ...failure('ts_backwards', genesis, `${block.header.ts}`) };
    }
    if (verdict.kind === 'accept') return true;
    const { code, expected, actual } = verdict;
    this.#shared.peers.shun(block.ref.author);
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
    this.#shared.peers.shun(author);
    this.#hooks.evidence(author, evidence);
  }

  #refuse(block: Block, peer: number, verdict: Exclude<Verdict, { kind: 'accept' }>): void {
    const { code, expected, actual } = verdict;
    const what = verdict.kind === 'reject' ? 'blockRejected' : 'blockIgnored';
    this.#note(what, peer, block.ref, failure(code, expected, actual));
    if (verdict.kind === 'ignore') return;
    this.#recent.add(refKey(block.ref));
    this.#shared.peers.shun(block.ref.author);
  }

  #refuseWaiting(entry: WaitingBlock, verdict: Exclude<Verdict, { kind: 'accept' }>): void {
    this.#refuse(entry.block, entry.peer, verdict);
    this.#drop(entry);
  }

  /** Leaves a block and what only it needed. It comes again when something else needs it. */
  #drop(entry: WaitingBlock): void {
    const { block, root, peer } = entry;
    this.#waiting.remove(entry);
    const needed = this.#waiting.isNeeded(refKey(block.ref));
    if (needed) this.#fetch.want(block.ref, root, [peer, block.ref.author]);
    for (const key of this.#waiting.unneeded()) this.#fetch.forget(key);
  }

  #defer(block: Block, peer: number, flaw: Failure): true {
    this.#note('blockDeferred', peer, block.ref, flaw);
    return true;
  }

  #note(what: ReplicaNote['what'], peer: number, ref: Ref | undefined, flaw: Failure): void {
    this.#shared.out.note({ what, peer, failure: flaw, ...(ref === undefined ? {} : { ref }) });
  }
}
