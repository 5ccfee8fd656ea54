// One replica: its parts, and the order in which they act.
import type { Block, Ref } from '@fatty/broadcast';
import { toHex } from '@fatty/codec';
import type { Failure, LogRecord, Outcome, StateMachine, Verdict } from '@fatty/interface';
import { type Commit, commitInput, type Ordered } from '@fatty/order';
import { type EpochLink, quorum } from '@fatty/protocol';
import type { ReplicaConfig } from './boundary/config.ts';
import type { ReplicaEffect, ReplicaEvent, TimerName } from './boundary/contract.ts';
import type { ClockSample } from './cell/clock.ts';
import { resumeFrom, standOn } from './frames/resume.ts';
import { type NodeState, nodeStateOf } from './node-state.ts';
import { assemble, type Parts } from './parts.ts';
import type { ReplayedRecord } from './signing/restore.ts';
import { cellStatus, type ReplicaStatus } from './status.ts';

/** Effects of a replay that the world has to hear of. */
const TOLD_OF_REPLAY: ReadonlySet<ReplicaEffect['kind']> = new Set(['index', 'committed', 'halt']);

/**
 * One replica, sans IO: a function of its events. Every event first changes state, then `#settle`
 * decides once. The rules stand in PROTOCOL.md; the parts know of one another no
 * more than their ports say. Invariants:
 * (1) nothing signed leaves before it and all it references is durable (R24);
 * (2) at most one own block per round, each on top of the own one before (R9);
 * (3) commits are applied in order, each once, synchronously (R21, R25);
 * (4) at rest nothing is scheduled except the heartbeat.
 */
export class Replica {
  readonly #parts: Parts;
  #started = false;
  #ended = false;
  /** The DAG changed since the order was last advanced. */
  #grown = false;

  constructor(config: ReplicaConfig) {
    this.#parts = assemble(config);
  }

  /** The committed state. The caller must not change it. */
  get machine(): StateMachine {
    return this.#parts.machine;
  }

  /** Committed state with the delivered, uncommitted batches folded in (R21a). Read only. */
  deliveredView(): StateMachine {
    return this.#parts.delivered.view();
  }

  /** Before `restore`: see {@link resumeFrom}. After a failure an older frame, or the whole log, may do. */
  resume(head: Uint8Array, payload: Uint8Array): Outcome<Commit> {
    return resumeFrom(this.#parts.past, head, payload);
  }

  /**
   * Before `start`: takes the log in order, in as many calls as the caller likes, and the signer
   * mark with any of them (R24–R26). Answers `index` and `committed` effects of what it replayed:
   * the state machine has them already, a derived index may need them. A log with a foreign
   * owner, a gap or less than the mark makes this replica an observer: see `status().observer`.
   */
  restore(records: Iterable<ReplayedRecord>, mark?: Uint8Array): readonly ReplicaEffect[] {
    this.#parts.restore.readMark(mark);
    for (const step of this.#parts.restore.read(this.#read(records))) {
      if (step.kind === 'block') this.#insertLogged(step.block);
      else this.#advance();
    }
    this.#parts.restore.flushIndex();
    return this.#parts.out.take().filter(({ kind }) => TOLD_OF_REPLAY.has(kind));
  }

  /** What of the log is neither an own vote nor evidence: those are taken out. */
  #read(records: Iterable<ReplayedRecord>): Iterable<LogRecord> {
    const { frames, dossier } = this.#parts;
    return dossier.withoutAccusations(frames.withoutVotes(records));
  }

  /** Takes one event, answers what is to be done, in order. Never throws on any input. */
  step(event: ReplicaEvent): readonly ReplicaEffect[] {
    this.#readClocks(event);
    this.#handle(event);
    if (this.#started) this.#settle();
    return this.#parts.out.take();
  }

  /** The own clock (R12a), ms since the Unix epoch, at a moment between two steps. */
  clockMs(sample: ClockSample): number {
    this.#readClocks(sample);
    return this.#parts.cell.clock.nowMs;
  }

  /**
   * Committed state holds everything that this replica ever told anybody (R32b). Where an epoch has ended others
   * may go on already.
   */
  readonly isCurrent = (): boolean =>
    this.#parts.standing.isCurrent && !this.#parts.cell.orderer.hasEnded;

  /** From the genesis on, as far as this replica knows: more than those to its epoch where that is over. */
  get links(): readonly EpochLink[] {
    return this.#parts.chain.links;
  }

  /** The epoch that it is in. */
  get epoch(): number {
    return this.#parts.cell.committee.epoch;
  }

  status(): ReplicaStatus {
    return {
      ...cellStatus(this.#parts.cell),
      ...this.#parts.frames.status,
      state: this.#state,
      round: this.#parts.persistence.durableRound,
      waiting: this.#parts.acceptance.waiting.size,
      wanted: this.#parts.fetch.size,
      queued: this.#parts.pool.queued + this.#parts.gateway.checkingCount,
      uncommitted: this.#parts.rounds.uncommitted,
      delivered: this.#parts.delivered.size,
      deltaMs: this.#parts.rounds.deltaMs,
      evidence: this.#parts.dossier.convicted,
      resting: this.#parts.rounds.isResting,
      syncing: this.#parts.sync.isSyncing,
      fetching: this.#parts.frameSync.fetching,
      ...this.#parts.standing.status,
    };
  }

  get #state(): NodeState {
    const { committee, peers } = this.#parts.cell;
    return nodeStateOf({
      hasBegun: this.#started,
      hasEnded: this.#ended,
      reachable: peers.up.length + 1,
      quorum: quorum(committee),
      isSyncing: this.#parts.sync.isSyncing,
    });
  }

  #readClocks(sample: ClockSample): void {
    this.#parts.cell.clock.sample(sample);
    this.#parts.timers.shiftMs = Math.floor(sample.nowMs) - this.#parts.cell.clock.runningMs;
  }

  #handle(event: ReplicaEvent): void {
    switch (event.kind) {
      case 'start':
        return this.#start();
      case 'stop':
        return this.#stop();
      case 'peerUp':
        this.#parts.cell.peers.setUp(event.peer, true);
        this.#parts.standing.linkUp(event.peer);
        this.#parts.neighbours.linkUp(event.peer);
        this.#parts.dossier.linkUp(event.peer);
        return this.#parts.frames.linkUp(event.peer);
      case 'peerDown':
        this.#parts.ranges.linkDown(event.peer);
        this.#parts.standing.linkDown(event.peer);
        this.#parts.chain.linkDown(event.peer);
        this.#parts.frameSync.linkDown(event.peer);
        return this.#parts.cell.peers.setUp(event.peer, false);
      case 'message':
        return this.#parts.intake.hear(event.peer, event.bytes);
      case 'timer':
        return this.#wake(event.name);
      case 'room':
        return this.#room(event.lack);
      case 'persisted':
        return this.#persisted(event.token, event.segment);
      case 'frameStored':
        return this.#parts.frames.stored(event.index);
      case 'frameRead':
        return this.#parts.frameServe.read(event.request, event.bytes);
      case 'verified':
        return this.#verified(event.job, event.verdict);
      case 'submit':
        return this.#parts.gateway.submit(event.batch, event.tag);
      case 'unsigned':
        return this.#parts.gateway.submitUnsigned(event.bytes);
      case 'move':
        return this.#toState(event.tag, () => this.#parts.statements.move(event.change));
      case 'statement':
        return this.#toState(event.tag, () => this.#parts.statements.add(event.bytes));
      case 'prove':
        return this.#parts.proving.ask(event);
      case 'stored':
        return this.#parts.serve.stored(event.request, event.blocks);
    }
  }

  #start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#parts.rounds.begin();
    this.#parts.frames.begin();
    this.#parts.dossier.begin();
    const { lastRound } = this.#parts.rounds;
    this.#parts.standing.begin(lastRound, this.#parts.restore.verdict(lastRound));
    this.#parts.neighbours.tell(this.#parts.cell.peers.up, true);
  }

  #stop(): void {
    if (this.#started) this.#parts.persistence.tendMark(this.#markedCommit, true);
    this.#started = false;
    this.#ended = true;
  }

  /** R24: while the disk lacks room nothing is accepted, made or asked for; afterwards the others are. */
  #room(lack: Failure | undefined): void {
    const { standing, sync, neighbours, cell } = this.#parts;
    const wasLacking = standing.lacksRoom;
    standing.room(lack);
    sync.pause(lack !== undefined);
    if (wasLacking && lack === undefined) neighbours.tell(cell.peers.up, true);
  }

  #wake(name: TimerName): void {
    this.#parts.timers.fired(name);
    if (name === 'fetchRetry') this.#parts.acceptance.askForMissing();
    if (name === 'fetchRetry') this.#parts.chain.retry();
    if (name === 'tsDeferral') this.#parts.acceptance.reexamine();
    if (name === 'proofDue') this.#parts.proving.wake();
    if (name !== 'verifyRetry') return;
    this.#parts.verdicts.retry(
      (key) => this.#parts.acceptance.waitsForJob(key) || this.#parts.gateway.waitsForJob(key),
    );
  }

  #verified(job: Uint8Array, verdict: Verdict | undefined): void {
    const key = this.#parts.verdicts.answered(job, verdict);
    if (key === undefined || verdict === undefined) return;
    this.#parts.acceptance.jobDone(key, verdict);
    this.#absorb();
    this.#parts.gateway.jobDone(key, verdict);
  }

  /** R24: an own block and everything it references are durable. Now it may be sent, and counted. */
  #persisted(token: number, segment: number): void {
    const { own, bytes } = this.#parts.persistence.persisted(token);
    if (own !== undefined) {
      this.#parts.neighbours.push(own);
      this.#parts.rounds.stand(own);
      this.#parts.acceptance.insertOwn(own);
    }
    this.#parts.frames.written(token, segment, bytes);
  }

  /** R30: something about the next epoch is to be said, by own blocks. */
  #toState(tag: number, take: () => Failure | undefined): void {
    const flaw = this.#parts.standing.refusal ?? take();
    this.#parts.out.push({ kind: 'stated', tag, failure: flaw });
  }

  /** R25: a block of the log. An own one is of an earlier life. */
  #insertLogged(block: Block): void {
    if (block.ref.author === this.#parts.cell.me) standOn(this.#parts.past, block);
    this.#parts.acceptance.insertOwn(block);
    this.#absorb();
  }

  /** All events mutate, then this decides: commits, catch-up, the next own block or rest. */
  #settle(): void {
    this.#advance();
    this.#parts.sync.evaluate();
    this.#parts.frames.tend();
    this.#parts.departure.tend();
    this.#parts.overtaken.tend();
    this.#parts.frameSync.evaluate();
    if (this.#parts.standing.refusal === undefined) this.#parts.removals.tend();
    this.#decide();
    this.#parts.persistence.tendMark(this.#markedCommit, false);
  }

  /** R12–R15: what acceptance has made of the blocks that came. */
  #absorb(): void {
    for (const outcome of this.#parts.acceptance.takeOutcomes()) {
      if (outcome.kind === 'accepted') this.#accepted(outcome.block, outcome.delivered);
      else if (outcome.kind === 'evidence') {
        this.#parts.pool.accusations.add(outcome.author, outcome.evidence);
        this.#parts.dossier.found({ kind: 'blocks', evidence: outcome.evidence });
      } else this.#parts.standing.ownHeard(outcome.ref);
    }
  }

  #accepted(block: Block, delivered: readonly Ref[]): void {
    const { author, round } = block.ref;
    this.#grown = true;
    // By a commit before the frame that this life began with.
    const isOld = this.#parts.cell.orderer.isCommitted(block.ref);
    if (!isOld) this.#parts.rounds.accepted(block);
    this.#parts.pool.accepted(block);
    this.#parts.cell.peers.signed(author, round);
    const isOther = author !== this.#parts.cell.me;
    if (isOther) this.#parts.standing.referenced(block.header.parents);
    if (this.#started && isOther) this.#parts.persistence.queue(block);
    if (!this.#started) this.#parts.restore.index(block);
    if (isOld) this.#parts.bodies.committed([block.ref]);
    for (const ref of delivered) {
      this.#parts.out.push({ kind: 'delivered', ref });
      this.#parts.delivered.add(ref);
    }
  }

  /** R16–R21: everything the DAG decides is applied now. */
  #advance(): void {
    const { dag, orderer, frontier } = this.#parts.cell;
    this.#absorb();
    while (this.#grown) {
      this.#grown = false;
      const { horizon } = dag;
      for (const commit of orderer.advance()) this.#commit(commit);
      frontier.advance();
      if (dag.horizon > horizon) {
        this.#parts.rounds.horizonMoved(dag.horizon);
        this.#parts.bodies.horizonMoved(dag.horizon);
        // R12: a parent that fell to the horizon is opaque now.
        this.#parts.acceptance.reexamine();
      }
      this.#absorb();
    }
    if (orderer.halted) this.#parts.standing.halt(orderer.halted.round);
  }

  #commit(commit: Ordered): void {
    const input = commitInput(commit, this.#parts.cell.dag);
    this.#parts.rounds.deciding(commit);
    const applied = this.#parts.machine.applyCommit(input);
    this.#parts.out.push({ kind: 'committed', commit, input, applied });
    for (const author of this.#parts.budgets.committed(commit, input))
      this.#parts.acceptance.setAside(author);
    this.#parts.pool.forget(applied.settled.map(toHex));
    this.#parts.pool.tried(commit.blocks);
    this.#parts.pool.accusations.convicted(commit.convicted);
    for (const author of commit.convicted) this.#parts.acceptance.shun(author);
    this.#parts.bodies.committed(commit.blocks);
    this.#parts.delivered.committed(commit.blocks);
    this.#parts.standing.committed(commit.blocks);
    this.#parts.statements.committed();
    this.#parts.rounds.committed(commit);
    this.#parts.frames.committed(commit, applied);
  }

  /** The next own block (R22–R26), rest, or a look at what the others do. */
  #decide(): void {
    if (this.#parts.persistence.isBusy) return;
    // A block made on the way up would be too old for anyone to reference.
    if (this.#parts.sync.isSyncing) return this.#parts.persistence.flushIfDue(this.#markedCommit);
    if (this.#parts.standing.refusal) return this.#watch();
    if (!this.#parts.rounds.wantsRounds()) {
      this.#parts.rounds.goToRest();
      return this.#parts.persistence.flushIfDue(this.#markedCommit);
    }
    if (!this.#parts.standing.seekVouchers()) return this.#watch();
    this.#parts.rounds.offer();
    const block = this.#parts.rounds.propose();
    if (block) {
      this.#parts.neighbours.askClocks();
      return this.#parts.persistence.writeOwn(block, this.#parts.cell.orderer.lastIndex);
    }
    // The vote on the last commit waits for no block: behind the end of an epoch those are slow.
    if (this.#parts.cell.orderer.hasEnded) this.#parts.persistence.flushIfDue(this.#markedCommit);
    if (!this.#parts.rounds.watchProgress()) return;
    this.#parts.neighbours.shout();
    this.#parts.rounds.handOver.wakeAgain();
  }

  /** Who may not sign follows, and asks when it cannot see the end of what it has seen begin. */
  #watch(): void {
    this.#parts.persistence.flushIfDue(this.#markedCommit);
    if (this.#parts.standing.halted) return this.#parts.rounds.stopWatching();
    if (this.#parts.rounds.watchOthers()) this.#parts.neighbours.shout();
  }

  /** For the mark. An observer leaves that alone: it says what the log lacks. */
  get #markedCommit(): number | undefined {
    return this.#parts.standing.refusal ? undefined : this.#parts.cell.orderer.lastIndex;
  }
}
