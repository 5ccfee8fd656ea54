import type { Block, Ref } from '@fatty/broadcast';
import { toHex } from '@fatty/codec';
import type { LogRecord, StateMachine } from '@fatty/interface';
import { commitInput, type Ordered } from '@fatty/order';
import type { ReplicaEffect, ReplicaEvent, TimerName } from './boundary/contract.ts';
import { Fetch } from './catchup/fetch.ts';
import { Neighbours } from './catchup/neighbours.ts';
import { Serve } from './catchup/serve.ts';
import { Sync } from './catchup/sync.ts';
import type { ClockSample } from './cell/clock.ts';
import { Verdicts } from './checks/verdicts.ts';
import { Delivered } from './clients/delivered.ts';
import { Gateway } from './clients/gateway.ts';
import { Pool } from './clients/pool.ts';
import { type ReplicaConfig, Shared } from './context.ts';
import { Frames } from './frames/frames.ts';
import { framesPort } from './frames/port.ts';
import { Acceptance } from './intake/acceptance.ts';
import { Budgets } from './intake/budgets.ts';
import { Intake } from './intake/intake.ts';
import { blockRulesOf } from './intake/rules.ts';
import { HandOver } from './rounds/hand-over.ts';
import { type OwnChain, Pacemaker } from './rounds/pacemaker.ts';
import { Payload } from './rounds/payload.ts';
import { Proposer } from './rounds/proposer.ts';
import { Rest } from './rounds/rest.ts';
import { Persistence } from './signing/persistence.ts';
import { Restore } from './signing/restore.ts';
import { Standing } from './signing/standing.ts';
import { type ReplicaStatus, statusOf } from './status.ts';

/**
 * One replica, sans IO: a function of its events. Every event first changes state, then `#settle`
 * decides once. Invariants:
 * (1) nothing signed leaves before it and all it references is durable (R24);
 * (2) at most one own block per round, each on top of the own one before (R9);
 * (3) commits are applied in order, each once, synchronously (R21, R25);
 * (4) at rest nothing is scheduled except the heartbeat.
 */
export class Replica {
  readonly #shared: Shared;
  readonly #machine: StateMachine;
  readonly #verdicts: Verdicts;
  readonly #fetch: Fetch;
  readonly #acceptance: Acceptance;
  readonly #persistence: Persistence;
  readonly #pool: Pool;
  readonly #proposer: Proposer;
  readonly #pacemaker: Pacemaker;
  readonly #gateway: Gateway;
  readonly #delivered: Delivered;
  readonly #payload: Payload = new Payload();
  readonly #serve: Serve;
  readonly #intake: Intake;
  readonly #sync: Sync;
  readonly #neighbours: Neighbours;
  readonly #rest: Rest;
  readonly #handOver: HandOver;
  readonly #restore: Restore;
  readonly #standing: Standing;
  readonly #budgets: Budgets;
  readonly #frames: Frames;
  #started = false;
  /** The DAG changed since the order was last advanced. */
  #grown = false;
  #madeAtMs = 0;

  constructor(config: ReplicaConfig) {
    const shared = new Shared(config);
    this.#shared = shared;
    this.#machine = config.machine;
    const rules = blockRulesOf(config, (id, sig) => this.#pool.held(id, sig));
    this.#verdicts = new Verdicts(shared);
    this.#fetch = new Fetch(shared);
    this.#persistence = new Persistence(shared);
    this.#pool = new Pool(shared);
    this.#proposer = new Proposer(shared, this.#pool);
    this.#pacemaker = new Pacemaker(shared);
    this.#gateway = new Gateway(shared, rules, this.#verdicts, this.#pool);
    this.#delivered = new Delivered(config.machine);
    this.#serve = new Serve(shared);
    this.#sync = new Sync(shared);
    this.#neighbours = new Neighbours(shared, this.#persistence, this.#sync);
    this.#standing = new Standing(shared, this.#persistence, this.#neighbours);
    this.#rest = new Rest(shared, this.#payload, this.#pool, this.#proposer);
    this.#handOver = new HandOver(shared, this.#rest, this.#proposer, this.#pool, this.#gateway);
    this.#restore = new Restore(shared, rules);
    this.#budgets = new Budgets(shared, (author) => this.#acceptance.setAside(author));
    this.#acceptance = new Acceptance(shared, rules, this.#verdicts, this.#fetch, {
      accepted: (block, delivered) => this.#accepted(block, delivered),
      evidence: (author, evidence) => this.#pool.addEvidence(author, evidence),
      ownHeard: (block) => this.#standing.ownHeard(block),
    });
    this.#frames = new Frames(
      framesPort(shared, this.#persistence, this.#standing, () => this.#started),
    );
    this.#intake = new Intake(shared, {
      acceptance: this.#acceptance,
      fetch: this.#fetch,
      serve: this.#serve,
      sync: this.#sync,
      standing: this.#standing,
      neighbours: this.#neighbours,
      handOver: this.#handOver,
      frames: this.#frames,
      advance: () => this.#advance(),
    });
  }

  /** The committed state. The caller must not change it. */
  get machine(): StateMachine {
    return this.#machine;
  }

  /** Committed state with the delivered, uncommitted batches folded in (R21a). Read only. */
  deliveredView(): StateMachine {
    return this.#delivered.view();
  }

  /**
   * Before `start`: takes the log in order, in as many calls as the caller likes, and the signer
   * mark with any of them (R24–R26). Answers `index` and `committed` effects of what it replayed:
   * the state machine has them already, a derived index may need them. A log with a foreign
   * owner, a gap or less than the mark makes this replica an observer: see `status().observer`.
   */
  restore(records: Iterable<LogRecord>, mark?: Uint8Array): readonly ReplicaEffect[] {
    this.#restore.mark(mark, this.#persistence);
    const advance = (): void => this.#advance();
    const blocks = this.#frames.withoutVotes(records);
    for (const block of this.#restore.blocks(blocks, this.#persistence, advance)) {
      if (block.ref.author === this.#shared.me) this.#standOn(block);
      this.#acceptance.insertOwn(block);
    }
    this.#restore.flushIndex();
    const kept = new Set(['index', 'committed', 'halt']);
    return this.#shared.out.take().filter((effect) => kept.has(effect.kind));
  }

  /** Takes one event, answers what is to be done, in order. Never throws on any input. */
  step(event: ReplicaEvent): readonly ReplicaEffect[] {
    this.#shared.tick(event);
    this.#handle(event);
    if (this.#started) this.#settle();
    return this.#shared.out.take();
  }

  /** The own clock (R12a), ms since the Unix epoch, at a moment between two steps. */
  clockMs(sample: ClockSample): number {
    this.#shared.tick(sample);
    return this.#shared.clock.nowMs;
  }

  /** Committed state holds everything that this replica ever told anybody (R32b). */
  readonly isCurrent = (): boolean => this.#standing.isCurrent;

  status(): ReplicaStatus {
    return {
      ...statusOf(this.#shared),
      ...this.#frames.status,
      round: this.#persistence.durableRound,
      waiting: this.#acceptance.waitingCount,
      wanted: this.#fetch.size,
      queued: this.#pool.queued + this.#gateway.checkingCount,
      uncommitted: this.#payload.size,
      delivered: this.#delivered.size,
      deltaMs: this.#pacemaker.deltaMs,
      resting: this.#rest.isResting,
      vouched: this.#standing.isVouched,
      observer: this.#standing.observer,
      halted: this.#standing.halted,
    };
  }

  #handle(event: ReplicaEvent): void {
    switch (event.kind) {
      case 'start':
        return this.#start();
      case 'stop':
        return this.#stop();
      case 'peerUp':
        this.#shared.peers.setUp(event.peer, true);
        this.#neighbours.linkUp(event.peer);
        return this.#frames.linkUp(event.peer);
      case 'peerDown':
        this.#shared.ranges.linkDown(event.peer);
        return this.#shared.peers.setUp(event.peer, false);
      case 'message':
        return this.#intake.message(event.peer, event.bytes);
      case 'timer':
        return this.#timer(event.name);
      case 'persisted':
        return this.#persisted(event.token);
      case 'verified': {
        const key = this.#verdicts.answered(event.job, event.verdict);
        if (key === undefined || event.verdict === undefined) return;
        this.#acceptance.jobDone(key, event.verdict);
        return this.#gateway.jobDone(key, event.verdict);
      }
      case 'submit':
        return this.#submit(event.batch, event.tag);
      case 'unsigned':
        return this.#unsigned(event.bytes);
      case 'stored':
        return this.#serve.stored(event.request, event.blocks);
    }
  }

  #start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#rest.begin();
    this.#standing.born(this.#proposer.lastRound);
    const flaw = this.#restore.verdict(this.#proposer.lastRound);
    if (flaw) this.#standing.observe(flaw);
    this.#neighbours.tell(this.#shared.peers.up, true);
  }

  #stop(): void {
    if (this.#started) this.#tendMark(true);
    this.#started = false;
  }

  #timer(name: TimerName): void {
    this.#shared.timers.fired(name);
    if (name === 'fetchRetry') this.#acceptance.fetchDue();
    if (name === 'tsDeferral') this.#acceptance.reexamine();
    if (name === 'verifyRetry') {
      this.#verdicts.retry(
        (key) => this.#acceptance.waitsForJob(key) || this.#gateway.waitsForJob(key),
      );
    }
    // The others only make `#settle` look at the clock again.
  }

  /** Own block and everything it references are durable: now it may be sent, and counted. */
  #persisted(token: number): void {
    const own = this.#persistence.persisted(token);
    if (own !== undefined) {
      this.#shared.out.send(this.#shared.peers.up, { kind: 'push', block: own.bytes });
      this.#proposer.stand(own);
      this.#acceptance.insertOwn(own);
    }
    this.#frames.written(token);
  }

  #submit(batch: Uint8Array, tag: number): void {
    const flaw = this.#standing.refusal;
    if (flaw) this.#shared.out.push({ kind: 'refused', tag, failure: flaw });
    else this.#gateway.submit(batch, tag);
  }

  #unsigned(bytes: Uint8Array): void {
    if (this.#standing.refusal) return;
    const flaw = this.#gateway.unsigned(bytes);
    if (flaw) this.#shared.out.note({ what: 'messageRejected', failure: flaw });
  }

  #accepted(block: Block, delivered: readonly Ref[]): void {
    const { me, peers, dag, out, orderer } = this.#shared;
    const { author, round } = block.ref;
    this.#grown = true;
    this.#payload.accepted(block);
    this.#pool.accepted(block);
    this.#budgets.taken(block);
    peers.signed(author, round);
    if (this.#started && author !== me) this.#persistence.queue(block);
    if (!this.#started) this.#restore.index(block);
    if (round >= this.#proposer.lastRound) {
      peers.inTime(author, orderer.leaderOf(round) === author);
    }
    for (const ref of delivered) {
      out.push({ kind: 'delivered', ref });
      const found = dag.whole(ref);
      if (found && !orderer.isCommitted(ref)) this.#delivered.add(found);
    }
  }

  /** An own block of an earlier life. */
  #standOn(block: Block): void {
    this.#proposer.stand(block);
    this.#persistence.restoredOwn(block.ref.round);
    this.#pool.include(block);
  }

  /** All events mutate, then this decides: commits, catch-up, the next own block or rest. */
  #settle(): void {
    this.#advance();
    this.#sync.evaluate();
    this.#decide();
    this.#tendMark(false);
  }

  #decide(): void {
    if (this.#persistence.isBusy) return;
    // A block made on the way up would be too old for anyone to reference.
    if (this.#shared.syncing) return this.#flushIfMuch();
    if (this.#standing.refusal) return this.#watch();
    if (!this.#rest.wantsRounds()) return this.#doRest();
    if (!this.#standing.seekVouchers()) return this.#watch();
    if (!this.#payload.isOpen && this.#pool.hasAny) this.#handOver.offer();
    const chain = this.#chain();
    if (this.#pacemaker.isTime(chain) && chain.nextRound !== undefined) {
      this.#propose(chain.nextRound);
    } else if (this.#pacemaker.isStalled(chain)) this.#shout();
  }

  #shout(): void {
    this.#neighbours.shout();
    this.#handOver.wakeAgain();
  }

  /** R16–R21: everything the DAG decides is applied now. */
  #advance(): void {
    const { orderer, dag } = this.#shared;
    while (this.#grown) {
      this.#grown = false;
      const horizon = dag.horizon;
      for (const commit of orderer.advance()) this.#commit(commit);
      this.#shared.refreshComplete();
      if (dag.horizon === horizon) continue;
      this.#payload.horizonMoved(dag.horizon);
      this.#shared.bodies.horizonMoved(dag.horizon);
      // R12: a parent that fell to the horizon is opaque now.
      this.#acceptance.reexamine();
    }
    if (orderer.halted) this.#standing.halt(orderer.halted.round);
  }

  #commit(commit: Ordered): void {
    const input = commitInput(commit, this.#shared.dag);
    this.#rest.deciding(commit.leader.round, this.#payload.isAmong(commit.blocks));
    const applied = this.#machine.applyCommit(input);
    this.#shared.out.push({ kind: 'committed', commit, input, applied });
    this.#budgets.committed(commit, input);
    this.#pool.forget(applied.settled.map(toHex));
    this.#pool.tried(commit.blocks);
    this.#pool.convicted(commit.convicted);
    for (const author of commit.convicted) this.#acceptance.shun(author);
    this.#payload.committed(commit.blocks);
    this.#shared.bodies.committed(commit.blocks);
    this.#delivered.committed(commit.blocks);
    this.#standing.committed(commit.blocks);
    this.#pacemaker.committed();
    this.#rest.committed();
    this.#frames.committed(commit);
  }

  #chain(): OwnChain {
    const nextRound = this.#proposer.nextRound();
    return {
      lastRound: this.#proposer.lastRound,
      madeAtMs: this.#madeAtMs,
      nextRound,
      needsShunned: nextRound !== undefined && this.#proposer.needsShunned(nextRound),
      pauseMs: this.#rest.pauseMs(),
    };
  }

  #propose(round: number): void {
    const { nowMs, out, orderer, clock, peers } = this.#shared;
    if (clock.asks()) this.#neighbours.tellClock(peers.up, true);
    this.#pacemaker.made(round);
    const block = this.#proposer.make(round, this.#rest.end());
    this.#madeAtMs = nowMs;
    out.note({ what: 'proposed', ref: block.ref });
    this.#persistence.writeOwn(block, orderer.lastCommit?.index ?? 0);
  }

  #doRest(): void {
    const { timers, out } = this.#shared;
    if (this.#rest.begin()) out.note({ what: 'rest', round: this.#proposer.lastRound });
    this.#pacemaker.rested();
    timers.wantOrNot('leaderTimeout', undefined);
    timers.wantOrNot('minRoundDelay', undefined);
    timers.wantOrNot('heartbeat', this.#shared.whenClockIs(this.#rest.heartbeatMs()));
    this.#flushIfMuch();
  }

  /** Who may not sign follows, and asks when it cannot see the end of what it has seen begin. */
  #watch(): void {
    this.#flushIfMuch();
    if (this.#standing.halted || !this.#payload.isOpen) {
      this.#shared.timers.wantOrNot('leaderTimeout', undefined);
      return;
    }
    if (this.#pacemaker.isStalled({ ...this.#chain(), lastRound: 0 })) this.#neighbours.shout();
  }

  /** An observer leaves the mark alone: it says what the log lacks. */
  #tendMark(atOnce: boolean): void {
    if (this.#standing.refusal) return;
    this.#persistence.tendMark(this.#shared.orderer.lastCommit?.index ?? 0, atOnce);
  }

  #flushIfMuch(): void {
    const { unloggedBytesMax } = this.#shared.tuning;
    const isMuch = this.#persistence.unloggedBytes > unloggedBytesMax;
    if (isMuch || this.#frames.wantsWrite) this.#persistence.flush();
  }
}
