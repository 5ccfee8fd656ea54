// A cell in virtual time.
import { ACCEPT } from '@fatty/codec';
import type { MakeFront } from '@fatty/host';
import type { Digest, LogRecord, PublicKey, Tracer, Verdict } from '@fatty/interface';
import type { Epoch } from '@fatty/protocol';
import type { ReplicaEffect } from '@fatty/replica';
import { Attendance } from './attendance.ts';
import { type Cell, GENESIS_MS } from './cell.ts';
import { Clockwork } from './clockwork.ts';
import { Disk, type DiskOptions } from './disk.ts';
import type { Fault, NetworkOptions, VerifierOptions } from './faults.ts';
import type { KeptFrame } from './frame-files.ts';
import { type Boot, Host } from './host.ts';
import { Injector } from './injector.ts';
import { Network, type Packet, type Scheduler } from './network.ts';
import type { Checker, Observation, Violation } from './observation.ts';
import { SeededRng } from './rng.ts';
import { Storyteller } from './story.ts';

/** What a world is made of. */
export interface WorldOptions {
  readonly seed: number;
  readonly cell: Cell;
  readonly boot: Boot;
  readonly liars: ReadonlySet<number>;
  /** Its replicas host an algorithm in sessions: clients open theirs, and ops travel as `HostedOp`s. */
  readonly isHosted?: boolean;
  readonly network: NetworkOptions;
  readonly disk: DiskOptions;
  readonly verifier: VerifierOptions;
  readonly checkers: readonly Checker[];
  /** Root of the replica's committed state after its latest commit, for S5. */
  readonly rootOf?: (replica: number, commit: number) => Digest | undefined;
  /** Answers slow checks; everything passes by default. */
  readonly verdictOf?: (job: Uint8Array) => Verdict;
  /** What serves a replica's clients. */
  readonly front?: (replica: number) => MakeFront | undefined;
  readonly scheduler?: Scheduler;
  readonly tracer?: Tracer;
}

/**
 * A cell in virtual time: one heap of events, one seed. Nothing else moves it, so the same seed
 * gives the same run, byte by byte.
 */
export class World extends Clockwork {
  readonly cell: Cell;
  readonly hosts: readonly Host[];
  readonly network: Network;
  readonly rng: SeededRng;
  readonly liars: ReadonlySet<number>;
  readonly attendance: Attendance;
  readonly isHosted: boolean;
  readonly #options: WorldOptions;
  readonly #story: Storyteller;
  readonly #listeners: ((observation: Observation) => void)[] = [];
  readonly #onEpoch: (() => void)[] = [];
  readonly #verifyRng: SeededRng;
  /** By how much each slow check takes longer at present, ms. */
  checksSlowedMs = 0;
  /** Hosts whose disks have been put back to what they were. */
  readonly putBack: Set<number> = new Set();

  constructor(options: WorldOptions) {
    super(GENESIS_MS);
    const { cell } = options;
    this.#options = options;
    this.cell = cell;
    this.attendance = new Attendance(cell.roll);
    this.liars = options.liars;
    this.isHosted = options.isHosted ?? false;
    this.rng = new SeededRng(options.seed);
    this.#verifyRng = this.rng.fork();
    this.#story = new Storyteller(() => this.elapsedMs, options.tracer);
    const replicas = cell.signers.length;
    this.network = new Network(replicas, options.network, this.rng.fork(), this.#networkPorts());
    this.network.scheduler = options.scheduler;
    this.hosts = Array.from({ length: replicas }, (_, index) => this.#makeHost(index));
  }

  get story(): Storyteller {
    return this.#story;
  }

  honest(index: number): boolean {
    return !this.liars.has(index);
  }

  /** Has to come to the tip (L4). Whose disk was put back may need blocks that nobody has any more (R29). */
  follows(index: number): boolean {
    const isLost = this.attendance.dead.has(index) || this.putBack.has(index);
    return this.attendance.isMember(index) && this.honest(index) && !isLost;
  }

  start(faults: readonly Fault[]): void {
    for (const { index } of this.hosts) {
      if (this.attendance.isMember(index)) this.#begin(index);
      else this.network.died(index);
    }
    this.network.resetLinks();
    const injector = new Injector(this);
    for (const fault of faults) this.after(fault.atMs, () => injector.inject(fault));
  }

  onObservation(listener: (observation: Observation) => void): void {
    this.#listeners.push(listener);
  }

  /**
   * Hands a client's bytes to a gateway after the network's delay; a dead gateway loses them.
   * Answers the tag by which the gateway names them when it refuses.
   */
  submit(
    who: string,
    gateway: number,
    batch: Uint8Array,
    label: string,
    delayMs: number = this.clientDelayMs(),
  ): number {
    const tag = this.count('submitted');
    const packet = `${who}-${tag}`;
    const told = this.#story.submitted(who, batch);
    this.#story.tell('send', who, label, { peer: `r${gateway}`, packet, ...told });
    this.after(delayMs, () => {
      const up = this.hosts[gateway]?.peer !== undefined;
      this.#story.tell(up ? 'receive' : 'drop', `r${gateway}`, label, {
        peer: who,
        packet,
        ...told,
      });
      this.hosts[gateway]?.handle({ kind: 'submit', batch, tag });
    });
    return tag;
  }

  /** How long a client's next bytes are under way, ms. */
  clientDelayMs(): number {
    const { delayMsMin, delayMsMax } = this.network.options;
    return this.rng.between(delayMsMin, delayMsMax);
  }

  unsigned(gateway: number, bytes: Uint8Array): void {
    this.after(this.rng.between(1, 5), () => {
      this.hosts[gateway]?.handle({ kind: 'unsigned', bytes });
    });
  }

  /** Asks every checker for its last word. */
  finish(): void {
    for (const { disk } of this.hosts) this.count('segmentsDropped', disk.dropped);
    for (const checker of this.#options.checkers) this.report(checker.finish(this.nowMs));
  }

  report(violations: readonly Violation[]): void {
    if (violations.length === 0) return;
    this.violations.push(...violations);
    for (const violation of violations) this.#story.broken(violation);
  }

  crash(replica: number, power: boolean): void {
    const host = this.hosts[replica];
    if (host?.peer === undefined) return;
    const lost = host.crash(power);
    this.count('crashes');
    this.count('lostWrites', lost);
    this.#story.tell('crash', `r${replica}`, power ? `power lost, ${lost} writes gone` : 'killed');
    this.#observe({ kind: 'crashed', lost, by: replica, atMs: this.nowMs });
    this.network.died(replica);
  }

  restart(replica: number): void {
    const host = this.hosts[replica];
    if (host === undefined || host.peer !== undefined || !this.attendance.mayRestart(replica))
      return;
    this.count('restarts');
    const { records } = host.disk.open();
    this.#story.tell('restart', `r${replica}`, `${records.length} records on disk`);
    this.#observe({ kind: 'restarted', by: replica, atMs: this.nowMs });
    // What was durable when the process died counts, even if nobody had been told.
    this.#synced(host, host.disk.synced.slice());
    host.start();
    if (host.peer !== undefined) this.network.revived(replica);
  }

  /** The process of a new member begins: on its disk is the final frame of the epoch before, and nothing else. */
  join(index: number, frame: KeptFrame): void {
    const host = this.hosts[index];
    if (host === undefined || host.peer !== undefined) return;
    this.count('joins');
    this.#story.tell('restart', `r${index}`, 'begins as a new member');
    host.disk.putBack({ synced: [], mark: undefined, frames: [frame] });
    this.#begin(index);
    if (host.peer !== undefined) this.network.revived(index);
  }

  #begin(index: number): void {
    this.attendance.begun.add(index);
    this.hosts[index]?.start();
  }

  #observe(observation: Observation): void {
    for (const listener of this.#listeners) listener(observation);
    if (!this.honest(observation.by) && observation.kind !== 'sent') return;
    for (const checker of this.#options.checkers) this.report(checker.see(observation));
  }

  #makeHost(index: number): Host {
    const disk = new Disk(this.#options.disk, this.rng.fork(), (ms, run) => this.after(ms, run));
    return new Host(index, disk, this.#options.boot, {
      nowMs: () => this.nowMs,
      after: (ms, run) => this.after(ms, run),
      keyOf: (host) => this.#keyOf(host),
      hostWith: (key) => this.cell.roll.hostWith(key),
      placeOf: (epoch, host) => this.cell.roll.placeOf(epoch, host),
      opened: (host, epoch) => this.#opened(host, epoch),
      retired: (host) => this.#retired(host),
      notTaken: () => void this.count('notTaken'),
      send: (from, to, bytes) => {
        this.#observe({ kind: 'sent', by: from, to, bytes, atMs: this.nowMs });
        this.network.send(from, to, bytes);
      },
      verify: (job, answer) => this.#verify(job, answer),
      frontOf: (replica) => this.#options.front?.(replica),
      observe: (host, effect) => this.#seeEffect(host, effect),
      synced: (host, records) => this.#synced(host, records),
      reopened: (host) => {
        this.count('reopens');
        this.#story.tell('restart', `r${host.index}`, 'opens its core anew');
        this.#observe({ kind: 'restarted', by: host.index, atMs: this.nowMs });
      },
      resumed: (host, index) => {
        if (this.honest(host.index)) this.count('resumes');
        this.#observe({ kind: 'resumed', by: host.index, index, atMs: this.nowMs });
      },
      threw: (host, error) => {
        const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
        if (!this.honest(host.index)) throw error;
        const violation = { rule: 'no throw', expected: 'errors as data', actual: text };
        this.report([{ ...violation, atMs: this.nowMs, replica: host.index }]);
      },
    });
  }

  #keyOf(host: number): PublicKey {
    const signer = this.cell.signers[host];
    if (signer === undefined) throw new RangeError(`no host ${host}`);
    return signer.publicKey;
  }

  #opened({ index }: Host, epoch: Epoch): void {
    const isNews = this.cell.roll.learn(epoch);
    const missed = this.attendance.opened(index, epoch.committee.epoch);
    if (missed > 0) this.count('cameByChain');
    if (missed > 1) this.count('cameByChainOfSeveral');
    const { committee, origin } = epoch;
    if (isNews === undefined) {
      const expected = `the members and the beginning of epoch ${committee.epoch} that others have`;
      const violation = { rule: 'S20', expected, actual: 'others', atMs: this.nowMs };
      this.report([{ ...violation, replica: index }]);
    }
    if (isNews !== true) return;
    this.count('epochs');
    const label = `epoch ${committee.epoch} of ${committee.members.length} behind ${origin.index}`;
    this.#story.tell('note', `r${index}`, label);
    for (const listener of this.#onEpoch) listener();
  }

  /** Calls when the first replica has come to another epoch. */
  onEpoch(listener: () => void): void {
    this.#onEpoch.push(listener);
  }

  #retired(host: Host): void {
    this.count('retired');
    this.#story.tell('note', `r${host.index}`, 'is no member any more, and ends');
    host.crash(false);
    this.network.died(host.index);
  }

  #synced(host: Host, records: readonly LogRecord[]): void {
    const { mark } = host.disk;
    this.count('syncs');
    this.#observe({ kind: 'synced', records, mark, by: host.index, atMs: this.nowMs });
  }

  #verify(job: Uint8Array, answer: (verdict: Verdict | undefined) => void): void {
    const { delayMsMin, delayMsMax, silentPerMille } = this.#options.verifier;
    const silent = this.#verifyRng.chance(silentPerMille);
    this.count(silent ? 'noVerdicts' : 'verdicts');
    const verdict = silent ? undefined : (this.#options.verdictOf?.(job) ?? ACCEPT);
    const delayMs = this.checksSlowedMs + this.#verifyRng.between(delayMsMin, delayMsMax);
    this.after(delayMs, () => answer(verdict));
  }

  #seeEffect(host: Host, effect: ReplicaEffect): void {
    const at = { by: host.index, epoch: host.epoch, atMs: this.nowMs };
    if (effect.kind === 'delivered') {
      if (this.honest(host.index)) this.count('deliveries');
      this.#story.delivered(host.index, effect.ref);
      this.#observe({ kind: 'delivered', ref: effect.ref, ...at });
    } else if (effect.kind === 'committed') {
      const { commit, input, applied } = effect;
      if (this.honest(host.index)) {
        this.count('commits');
        this.count('convicted', input.evidence.length);
      }
      this.#story.committed(host.index, effect);
      const root = this.#options.rootOf?.(host.index, commit.index);
      const { isHosted } = this;
      this.#observe({ kind: 'committed', commit, input, applied, root, isHosted, ...at });
    } else if (effect.kind === 'note') {
      if (this.honest(host.index)) this.count(`note.${effect.note.what}`);
      this.#story.noted(host.index, effect.note);
      this.#observe({ kind: 'noted', note: effect.note, ...at });
    } else if (effect.kind === 'refused') {
      this.count('refusals');
      this.count(`refusal.${effect.failure.code}`);
      this.#story.tell('reject', `r${host.index}`, `refused: ${effect.failure.code}`);
      this.#observe({ kind: 'refused', tag: effect.tag, failure: effect.failure, ...at });
    } else if (effect.kind === 'stated') {
      this.count(`stated.${effect.failure?.code ?? 'taken'}`);
    } else if (effect.kind === 'halt') {
      this.#observe({ kind: 'halted', failure: effect.failure, ...at });
    }
  }

  #networkPorts(): ConstructorParameters<typeof Network>[3] {
    return {
      nowMs: () => this.nowMs,
      after: (ms, run) => this.after(ms, run),
      sent: (packet) => this.#story.packet('send', packet),
      arrive: (packet) => this.#arrive(packet),
      dropped: (packet, why) => {
        this.count(`dropped.${why}`);
        this.#story.packet('drop', packet, why);
      },
      linkChanged: (at, other, up) => {
        this.hosts[at]?.linked(other, up);
      },
    };
  }

  #arrive(packet: Packet): void {
    this.count('packets');
    this.#story.packet('receive', packet);
    this.hosts[packet.to]?.hear(packet.from, packet.bytes);
  }
}
