// One replica: its parts, and the order in which they act.
import { type Block, Dag, type Ref } from '@fatty/broadcast';
import { toHex } from '@fatty/codec';
import type { Outcome, StateMachine, Verdict } from '@fatty/interface';
import { type Commit, commitInput, type Ordered, Orderer } from '@fatty/order';
import { faultsMax } from '@fatty/protocol';
import type { ReplicaConfig } from './boundary/config.ts';
import type { ReplicaEffect, ReplicaEvent, TimerName } from './boundary/contract.ts';
import { Outbox, Timers } from './boundary/outbox.ts';
import { DEFAULT_TUNING, type Tuning } from './boundary/tuning.ts';
import { Bodies } from './catchup/bodies.ts';
import { Fetch } from './catchup/fetch.ts';
import { Neighbours } from './catchup/neighbours.ts';
import { Ranges } from './catchup/ranges.ts';
import { Serve } from './catchup/serve.ts';
import { Sync } from './catchup/sync.ts';
import { type ClockSample, OwnClock } from './cell/clock.ts';
import { Frontier } from './cell/frontier.ts';
import { Peers } from './cell/peers.ts';
import { blockRules } from './checks/rules.ts';
import { Verdicts } from './checks/verdicts.ts';
import { Delivered } from './clients/delivered.ts';
import { Gateway } from './clients/gateway.ts';
import { Pool } from './clients/pool.ts';
import { Frames } from './frames/frames.ts';
import { type ResumePort, resumeFrom, standOn } from './frames/resume.ts';
import { Acceptance } from './intake/acceptance.ts';
import { Budgets } from './intake/budgets.ts';
import { Intake } from './intake/intake.ts';
import { Rounds } from './rounds/rounds.ts';
import { Persistence } from './signing/persistence.ts';
import { type ReplayedRecord, Restore } from './signing/restore.ts';
import { Standing } from './signing/standing.ts';
import { type CellPort, cellStatus, type ReplicaStatus } from './status.ts';

/** Effects of a replay that the world has to hear of. */
const TOLD_OF_REPLAY: ReadonlySet<ReplicaEffect['kind']> = new Set(['index', 'committed', 'halt']);

/**
 * One replica, sans IO: a function of its events. Every event first changes state, then `#settle`
 * decides once. The rules stand in PROTOCOL.md; the parts are made here and know of one another no
 * more than their ports say. Invariants:
 * (1) nothing signed leaves before it and all it references is durable (R24);
 * (2) at most one own block per round, each on top of the own one before (R9);
 * (3) commits are applied in order, each once, synchronously (R21, R25);
 * (4) at rest nothing is scheduled except the heartbeat.
 */
export class Replica {
  readonly #machine: StateMachine;
  readonly #out: Outbox;
  readonly #timers: Timers;
  readonly #cell: CellPort;
  readonly #verdicts: Verdicts;
  readonly #ranges: Ranges;
  readonly #bodies: Bodies;
  readonly #sync: Sync;
  readonly #fetch: Fetch;
  readonly #serve: Serve;
  readonly #neighbours: Neighbours;
  readonly #persistence: Persistence;
  readonly #restore: Restore;
  readonly #standing: Standing;
  readonly #pool: Pool;
  readonly #gateway: Gateway;
  readonly #delivered: Delivered;
  readonly #frames: Frames;
  readonly #past: ResumePort;
  readonly #rounds: Rounds;
  readonly #budgets: Budgets;
  readonly #acceptance: Acceptance;
  readonly #intake: Intake;
  #started = false;
  /** The DAG changed since the order was last advanced. */
  #grown = false;

  constructor(config: ReplicaConfig) {
    const { committee, cellId, me, machine, signer, scheme } = config;
    const members = committee.members.length;
    const faults = faultsMax(committee);
    const tuning: Tuning = { ...DEFAULT_TUNING, ...config.tuning };
    this.#machine = machine;
    // What every role stands on.
    const dag = new Dag(committee, cellId);
    const orderer = new Orderer(dag, committee);
    const out = new Outbox();
    const timers = new Timers(out);
    const clock = new OwnClock(members, faults, tuning.tsAheadMsMax / 2);
    const peers = new Peers(members, me, faults);
    const frontier = new Frontier(dag, committee);
    const cell = { cellId, clock, committee, dag, frontier, me, orderer, peers };
    const ground = { ...cell, machine, out, signer, timers, tuning };
    this.#out = out;
    this.#timers = timers;
    this.#cell = cell;
    // What this replica has to say (R3, R11, R19, R21a).
    const pool = new Pool(ground);
    this.#pool = pool;
    this.#delivered = new Delivered(ground);
    // Static validity (R8–R11) and slow checks (R11a).
    const rules = blockRules(config, (id, sig) => pool.held(id, sig));
    const verdicts = new Verdicts(ground);
    this.#verdicts = verdicts;
    // Catch-up (R12), and what it serves from memory.
    const ranges = new Ranges(members, out);
    const bodies = new Bodies(ground);
    const sync = new Sync({ ...ground, ranges });
    const fetch = new Fetch({ ...ground, sync });
    this.#ranges = ranges;
    this.#bodies = bodies;
    this.#sync = sync;
    this.#fetch = fetch;
    const serve = new Serve(ground);
    this.#serve = serve;
    // Persistence (R24, R25), and whether this replica may sign (R26).
    const persistence = new Persistence({ ...ground, bodies });
    const neighbours = new Neighbours({ ...ground, own: persistence, sync });
    this.#persistence = persistence;
    this.#neighbours = neighbours;
    const restore = new Restore({ ...ground, bodies, persistence, rules });
    this.#restore = restore;
    const standing = new Standing({ ...ground, neighbours, persistence, ranges });
    this.#standing = standing;
    // Votes and certificates (R27).
    const frames = new Frames({ ...ground, persistence, scheme, standing, sync });
    this.#frames = frames;
    // What clients say (R11a), and own blocks (R22, R23).
    const gateway = new Gateway({ ...ground, pool, rules, standing, verdicts });
    const rounds = new Rounds({ ...ground, gateway, pool });
    this.#gateway = gateway;
    this.#rounds = rounds;
    // Acceptance (R12, R13), and what peers send.
    const budgets = new Budgets(ground);
    const acceptance = new Acceptance({ ...ground, budgets, fetch, rules, sync, verdicts });
    this.#budgets = budgets;
    this.#acceptance = acceptance;
    this.#past = { ...ground, acceptance, frames, persistence, pool, restore, rounds, scheme };
    const { handOver } = rounds;
    const toPeers = { frames, neighbours, serve, standing, sync, handOver };
    this.#intake = new Intake({ ...ground, ...toPeers, acceptance, fetch, ranges });
  }

  /** The committed state. The caller must not change it. */
  get machine(): StateMachine {
    return this.#machine;
  }

  /** Committed state with the delivered, uncommitted batches folded in (R21a). Read only. */
  deliveredView(): StateMachine {
    return this.#delivered.view();
  }

  /** Before `restore`: see {@link resumeFrom}. After a failure an older frame, or the whole log, may do. */
  resume(head: Uint8Array, state: Uint8Array): Outcome<Commit> {
    return resumeFrom(this.#past, head, state);
  }

  /**
   * Before `start`: takes the log in order, in as many calls as the caller likes, and the signer
   * mark with any of them (R24–R26). Answers `index` and `committed` effects of what it replayed:
   * the state machine has them already, a derived index may need them. A log with a foreign
   * owner, a gap or less than the mark makes this replica an observer: see `status().observer`.
   */
  restore(records: Iterable<ReplayedRecord>, mark?: Uint8Array): readonly ReplicaEffect[] {
    this.#restore.readMark(mark);
    for (const step of this.#restore.read(this.#frames.withoutVotes(records))) {
      if (step.kind === 'block') this.#insertLogged(step.block);
      else this.#advance();
    }
    this.#restore.flushIndex();
    return this.#out.take().filter(({ kind }) => TOLD_OF_REPLAY.has(kind));
  }

  /** Takes one event, answers what is to be done, in order. Never throws on any input. */
  step(event: ReplicaEvent): readonly ReplicaEffect[] {
    this.#readClocks(event);
    this.#handle(event);
    if (this.#started) this.#settle();
    return this.#out.take();
  }

  /** The own clock (R12a), ms since the Unix epoch, at a moment between two steps. */
  clockMs(sample: ClockSample): number {
    this.#readClocks(sample);
    return this.#cell.clock.nowMs;
  }

  /** Committed state holds everything that this replica ever told anybody (R32b). */
  readonly isCurrent = (): boolean => this.#standing.isCurrent;

  status(): ReplicaStatus {
    return {
      ...cellStatus(this.#cell),
      ...this.#frames.status,
      round: this.#persistence.durableRound,
      waiting: this.#acceptance.waitingCount,
      wanted: this.#fetch.size,
      queued: this.#pool.queued + this.#gateway.checkingCount,
      uncommitted: this.#rounds.uncommitted,
      delivered: this.#delivered.size,
      deltaMs: this.#rounds.deltaMs,
      resting: this.#rounds.isResting,
      syncing: this.#sync.isSyncing,
      ...this.#standing.status,
    };
  }

  #readClocks(sample: ClockSample): void {
    this.#cell.clock.sample(sample);
    this.#timers.shiftMs = Math.floor(sample.nowMs) - this.#cell.clock.runningMs;
  }

  #handle(event: ReplicaEvent): void {
    switch (event.kind) {
      case 'start':
        return this.#start();
      case 'stop':
        return this.#stop();
      case 'peerUp':
        this.#cell.peers.setUp(event.peer, true);
        this.#neighbours.linkUp(event.peer);
        return this.#frames.linkUp(event.peer);
      case 'peerDown':
        this.#ranges.linkDown(event.peer);
        return this.#cell.peers.setUp(event.peer, false);
      case 'message':
        return this.#intake.hear(event.peer, event.bytes);
      case 'timer':
        return this.#wake(event.name);
      case 'persisted':
        return this.#persisted(event.token, event.segment);
      case 'frameStored':
        return this.#frames.stored(event.index);
      case 'verified':
        return this.#verified(event.job, event.verdict);
      case 'submit':
        return this.#gateway.submit(event.batch, event.tag);
      case 'unsigned':
        return this.#gateway.submitUnsigned(event.bytes);
      case 'stored':
        return this.#serve.stored(event.request, event.blocks);
    }
  }

  #start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#rounds.begin();
    this.#frames.begin();
    const { lastRound } = this.#rounds;
    this.#standing.begin(lastRound, this.#restore.verdict(lastRound));
    this.#neighbours.tell(this.#cell.peers.up, true);
  }

  #stop(): void {
    if (this.#started) this.#persistence.tendMark(this.#markedCommit, true);
    this.#started = false;
  }

  #wake(name: TimerName): void {
    this.#timers.fired(name);
    if (name === 'fetchRetry') this.#acceptance.askForMissing();
    if (name === 'tsDeferral') this.#acceptance.reexamine();
    if (name !== 'verifyRetry') return;
    this.#verdicts.retry(
      (key) => this.#acceptance.waitsForJob(key) || this.#gateway.waitsForJob(key),
    );
  }

  #verified(job: Uint8Array, verdict: Verdict | undefined): void {
    const key = this.#verdicts.answered(job, verdict);
    if (key === undefined || verdict === undefined) return;
    this.#acceptance.jobDone(key, verdict);
    this.#absorb();
    this.#gateway.jobDone(key, verdict);
  }

  /** R24: an own block and everything it references are durable. Now it may be sent, and counted. */
  #persisted(token: number, segment: number): void {
    const { own, bytes } = this.#persistence.persisted(token);
    if (own !== undefined) {
      this.#out.send(this.#cell.peers.up, { kind: 'push', block: own.bytes });
      this.#rounds.stand(own);
      this.#acceptance.insertOwn(own);
    }
    this.#frames.written(token, segment, bytes);
  }

  /** R25: a block of the log. An own one is of an earlier life. */
  #insertLogged(block: Block): void {
    if (block.ref.author === this.#cell.me) standOn(this.#past, block);
    this.#acceptance.insertOwn(block);
    this.#absorb();
  }

  /** All events mutate, then this decides: commits, catch-up, the next own block or rest. */
  #settle(): void {
    this.#advance();
    this.#sync.evaluate();
    this.#decide();
    this.#persistence.tendMark(this.#markedCommit, false);
  }

  /** R12–R15: what acceptance has made of the blocks that came. */
  #absorb(): void {
    for (const outcome of this.#acceptance.takeOutcomes()) {
      if (outcome.kind === 'accepted') this.#accepted(outcome.block, outcome.delivered);
      else if (outcome.kind === 'evidence') {
        this.#pool.accusations.add(outcome.author, outcome.evidence);
      } else this.#standing.ownHeard(outcome.ref);
    }
  }

  #accepted(block: Block, delivered: readonly Ref[]): void {
    const { author, round } = block.ref;
    this.#grown = true;
    // By a commit before the frame that this life began with.
    const isOld = this.#cell.orderer.isCommitted(block.ref);
    if (!isOld) this.#rounds.accepted(block);
    this.#pool.accepted(block);
    this.#cell.peers.signed(author, round);
    if (this.#started && author !== this.#cell.me) this.#persistence.queue(block);
    if (!this.#started) this.#restore.index(block);
    if (isOld) this.#bodies.committed([block.ref]);
    for (const ref of delivered) {
      this.#out.push({ kind: 'delivered', ref });
      this.#delivered.add(ref);
    }
  }

  /** R16–R21: everything the DAG decides is applied now. */
  #advance(): void {
    const { dag, orderer, frontier } = this.#cell;
    this.#absorb();
    while (this.#grown) {
      this.#grown = false;
      const { horizon } = dag;
      for (const commit of orderer.advance()) this.#commit(commit);
      frontier.advance();
      if (dag.horizon > horizon) {
        this.#rounds.horizonMoved(dag.horizon);
        this.#bodies.horizonMoved(dag.horizon);
        // R12: a parent that fell to the horizon is opaque now.
        this.#acceptance.reexamine();
      }
      this.#absorb();
    }
    if (orderer.halted) this.#standing.halt(orderer.halted.round);
  }

  #commit(commit: Ordered): void {
    const input = commitInput(commit, this.#cell.dag);
    this.#rounds.deciding(commit);
    const applied = this.#machine.applyCommit(input);
    this.#out.push({ kind: 'committed', commit, input, applied });
    for (const author of this.#budgets.committed(commit, input)) this.#acceptance.setAside(author);
    this.#pool.forget(applied.settled.map(toHex));
    this.#pool.tried(commit.blocks);
    this.#pool.accusations.convicted(commit.convicted);
    for (const author of commit.convicted) this.#acceptance.shun(author);
    this.#bodies.committed(commit.blocks);
    this.#delivered.committed(commit.blocks);
    this.#standing.committed(commit.blocks);
    this.#rounds.committed(commit);
    this.#frames.committed(commit);
  }

  /** The next own block (R22–R26), rest, or a look at what the others do. */
  #decide(): void {
    if (this.#persistence.isBusy) return;
    // A block made on the way up would be too old for anyone to reference.
    if (this.#sync.isSyncing) return this.#persistence.flushIfDue(this.#markedCommit);
    if (this.#standing.refusal) return this.#watch();
    if (!this.#rounds.wantsRounds()) {
      this.#rounds.goToRest();
      return this.#persistence.flushIfDue(this.#markedCommit);
    }
    if (!this.#standing.seekVouchers()) return this.#watch();
    this.#rounds.offer();
    const block = this.#rounds.propose();
    if (block) {
      this.#neighbours.askClocks();
      return this.#persistence.writeOwn(block, this.#cell.orderer.lastCommit?.index ?? 0);
    }
    if (!this.#rounds.watchProgress()) return;
    this.#neighbours.shout();
    this.#rounds.handOver.wakeAgain();
  }

  /** Who may not sign follows, and asks when it cannot see the end of what it has seen begin. */
  #watch(): void {
    this.#persistence.flushIfDue(this.#markedCommit);
    if (this.#standing.halted) return this.#rounds.stopWatching();
    if (this.#rounds.watchOthers()) this.#neighbours.shout();
  }

  /** For the mark. An observer leaves that alone: it says what the log lacks. */
  get #markedCommit(): number | undefined {
    return this.#standing.refusal ? undefined : (this.#cell.orderer.lastCommit?.index ?? 0);
  }
}
