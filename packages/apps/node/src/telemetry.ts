// What a replica tells its operator.
import type { Outward, SendEffect } from '@fatty/host';
import type { Clock, Failure } from '@fatty/interface';
import {
  DEFAULT_TUNING,
  NODE_STATES,
  type NodeState,
  type ReplicaEffect,
  type ReplicaEvent,
  type ReplicaNote,
  type ReplicaStatus,
} from '@fatty/replica';
import { type Logger, pino } from 'pino';
import type { NodeConfig } from './config.ts';
import { lowDisk } from './full-disk.ts';
import type { Check } from './http.ts';
import { EvidenceFile, type KeptEvidence } from './kept-evidence.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { Recorder } from './recorder.ts';
import { RoundLedger } from './round-ledger.ts';

const OBSERVES =
  'follows and serves reads, and signs nothing: what it once signed is not on its disk, or somebody else has its key';

const REMOVED =
  'this key was removed: the process follows, and signs and serves nothing; stop it, or have members add the key again with "fatty member add"';
const JOINING =
  'this key is no member yet: the process follows, and is one when enough members have said "fatty member add" with it';
const BEHIND =
  'the other members are epochs ahead: the process fetches their newest state, and is a member at work when it has it';

/** By the code of what keeps it from being a member at work. */
const WHY_FOLLOWS: ReadonlyMap<string, string> = new Map([
  ['not_a_member', JOINING],
  ['removed', REMOVED],
  ['behind', BEHIND],
]);

/** How a catch-up by frame goes on. */
const OF_FRAMES: ReadonlySet<string> = new Set([
  'frameSyncStarted',
  'frameSyncProgress',
  'frameSynced',
]);

function fetchingTold(fetching: ReplicaStatus['fetching']): readonly string[] {
  if (fetching === undefined) return [];
  const { commit, chunks, chunksHere, bytes, bytesHere, from } = fetching;
  const whose = from.map(({ peer }) => peer).join(', ');
  const told = `${chunksHere} of ${chunks} chunks, ${bytesHere} of ${bytes} bytes`;
  const sources = whose === '' ? '' : `, from ${whose}`;
  return [`fetches the frame of commit ${commit}: ${told}${sources}`];
}

/** Whose telemetry it is. */
export interface TelemetryOptions {
  readonly config: NodeConfig;
  /** Own committee index, in the epoch of now. */
  readonly me: () => number;
  readonly clock: Clock;
}

/** Figures that the replica's own status does not have. */
export interface Gauges {
  readonly peersUp: number;
  readonly clients: number;
  readonly sessions: number;
}

/** How many replicas are in reach, this one among them. */
export interface Reach {
  readonly reachable: number;
  readonly needed: number;
  /** Why members that we dial are not linked, one text each. */
  readonly unlinked: readonly string[];
}

/** How long /readyz shows a TLS handshake that failed, ms. */
const REFUSAL_MS_SHOWN = 60_000;
/** Clocks further apart than this are told of: as far ahead as a stamp may be, ms (R12). */
const CLOCK_OFFSET_MS_MAX = DEFAULT_TUNING.tsAheadMsMax;

/** What an operator has to hear of. */
const LOUD: ReadonlySet<ReplicaNote['what']> = new Set([
  'observer',
  'equivocation',
  'voteTwice',
  'convicted',
]);

/** Logs, metrics, health and the optional trace of one replica; changes nothing. */
export class Telemetry {
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Of the newest rounds: whose blocks are here, and how far they have come. */
  readonly rounds: RoundLedger = new RoundLedger();
  #recorder: Recorder | undefined;
  readonly #clock: Clock;
  readonly #evidence: EvidenceFile;
  readonly #refusals = new Map<string, { readonly text: string; readonly atMs: number }>();
  #clocksApart = false;
  #shown: NodeState | undefined;

  constructor({ config, me, clock }: TelemetryOptions) {
    const mixin = (): object => ({ replica: me() });
    this.log = pino({ level: config.logLevel, base: {}, mixin });
    this.#clock = clock;
    this.#evidence = new EvidenceFile(config.dir);
    this.metrics = createMetrics();
    const { record } = config;
    const onEnd = (why: string): void => this.log.warn({ record, why }, 'nothing more is recorded');
    if (record !== '') this.#recorder = new Recorder(record, me(), clock, { onEnd });
  }

  event(event: ReplicaEvent): void {
    this.#record((recorder) => recorder.event(event));
  }

  effect(effect: ReplicaEffect): void {
    this.rounds.effect(effect);
    this.#record((recorder) => recorder.effect(effect));
  }

  sent(effect: SendEffect, taken: boolean): void {
    this.#record((recorder) => recorder.sent(effect, taken));
  }

  /** A recorder that throws costs its recording, never the replica. */
  #record(act: (recorder: Recorder) => void): void {
    const recorder = this.#recorder;
    if (recorder === undefined) return;
    try {
      act(recorder);
    } catch (error) {
      this.#recorder = undefined;
      this.log.error({ err: error }, 'nothing more is recorded');
      void recorder.close();
    }
  }

  /** Against members of this epoch and of those before. */
  evidence(status: ReplicaStatus): readonly KeptEvidence[] {
    return this.#evidence.with(status);
  }

  /** `status`: the replica's, behind the effect. */
  outward(effect: Outward, status: () => ReplicaStatus): void {
    switch (effect.kind) {
      case 'committed':
        return this.#committed(effect);
      case 'delivered':
        return this.metrics.delivered.inc();
      case 'refused':
        this.metrics.refused.inc({ code: effect.failure.code });
        return this.log.debug({ failure: effect.failure }, 'refused');
      case 'stated':
        return this.log.info({ failure: effect.failure }, 'said about the next epoch');
      case 'proved':
        this.metrics.proved.inc({ code: effect.answer.ok ? 'ok' : effect.answer.failure.code });
        return;
      case 'note':
        if (effect.note.what === 'convicted') this.#keepEvidence(status());
        return this.#note(effect);
      case 'halt':
        return this.log.fatal({ failure: effect.failure }, 'ordering has stopped');
      case 'diverged':
        return this.log.fatal({ failure: effect.failure }, 'another state than others have');
    }
  }

  #keepEvidence(status: ReplicaStatus): void {
    try {
      this.#evidence.keep(status);
    } catch (error) {
      this.log.error({ err: error }, 'evidence is not kept beyond this epoch');
    }
  }

  /**
   * Restart me? Only what a restart can cure: that nobody answers. A replica that found a
   * contradiction (R18) would find it again in its log; it stays up to be asked.
   */
  live(): readonly Check[] {
    return [{ name: 'process', good: true, detail: 'answers' }];
  }

  /** `config` was read again; the log level is all of it that is taken here. */
  reload({ logLevel }: NodeConfig): void {
    this.log.level = logLevel;
    this.log.info({ logLevel }, 'read again: cell.json, certificates, log level');
  }

  notReloaded(failure: Failure): void {
    this.log.error({ failure }, 'not read again: the old one stands');
  }

  moved(peers: readonly string[]): void {
    this.log.info({ peers }, 'members are at');
  }

  /** Nobody to talk to for some seconds, or somebody again. `whys`: of those whom we dial. */
  lonely(lonely: boolean, whys: readonly string[]): void {
    if (!lonely) this.log.info('somebody to talk to again');
    else this.log.warn({ whys }, 'nobody to talk to: no other member is linked');
  }

  /** A connection to one of our ports became no link. A refused certificate is ours to mend. */
  refusedAtDoor(port: 'peers' | 'clients', failure: Failure | undefined, from: string): void {
    const why = failure === undefined ? 'gone' : `${failure.code}: ${failure.actual}`;
    if (failure?.code !== 'tls_failed') return this.log.debug({ port, from, why }, 'no link');
    const text = `${from} at the port for ${port}: ${why}`;
    const known = this.#refusals.get(port);
    this.#refusals.set(port, { text, atMs: this.#clock.monotonicMs() });
    if (known?.text !== text) this.log.warn({ port, from, why }, 'no TLS with somebody');
  }

  /** Who of the members may have refused our certificate in the last minute. */
  get turnedAway(): readonly string[] {
    const last = this.#refusals.get('peers');
    const isFresh = last && this.#clock.monotonicMs() - last.atMs < REFUSAL_MS_SHOWN;
    return last !== undefined && isFresh ? [last.text] : [];
  }

  /** A member that we dial has no link, or has one again; called once per change. */
  peerLink(peer: number, url: string, why: string | undefined): void {
    if (why === undefined) this.log.info({ peer, url }, 'peer linked');
    else this.log.warn({ peer, url, why }, 'peer not linked');
  }

  /** Route to me? A quorum in reach and not catching up. */
  ready(status: ReplicaStatus, { reachable, needed, unlinked }: Reach): readonly Check[] {
    return [
      {
        name: 'ordering',
        good: status.halted === undefined,
        detail: status.halted?.code ?? 'running',
      },
      {
        name: 'state',
        good: status.diverged === undefined,
        detail: status.diverged
          ? `${status.diverged.code}: not ${status.diverged.expected}`
          : 'as the others have it',
      },
      {
        name: 'quorum',
        good: reachable >= needed,
        detail: [`${reachable} of ${needed} needed`, ...unlinked].join('; '),
      },
      {
        name: 'caught up',
        good: !status.syncing,
        detail: [
          `commit ${status.commitIndex}, round ${status.round}`,
          ...fetchingTold(status.fetching),
        ].join('; '),
      },
      {
        name: 'disk',
        good: status.lack === undefined,
        detail: status.lack ? `${status.lack.code}: ${status.lack.actual}` : 'has room',
      },
      {
        name: 'signing',
        good: status.observer === undefined && status.vouched,
        detail: status.observer?.code ?? (status.vouched ? 'yes' : 'waits for the others'),
      },
    ];
  }

  /** An epoch begins here; `why`: the own key is no member's in it. */
  epoch(epoch: number, members: number, why: Failure | undefined): void {
    if (why === undefined) return this.log.info({ epoch, members }, 'epoch');
    const words = WHY_FOLLOWS.get(why.code) ?? JOINING;
    this.log.warn({ epoch, members, failure: why }, words);
  }

  /** The disk has too little room, or enough again; called once per change. */
  room(lack: Failure | undefined, dir: string): void {
    if (lack === undefined) this.log.info('room on the disk again: goes on');
    else this.log.error({ failure: lack }, lowDisk(lack, dir));
  }

  /** Before its log is replayed a replica does not know what it was. */
  replayed(recordsSoFar: number | undefined): Check {
    const done = recordsSoFar === undefined;
    return {
      name: 'log',
      good: done,
      detail: done ? 'replayed' : `${recordsSoFar} records so far`,
    };
  }

  gauges(status: ReplicaStatus, others: Gauges): void {
    this.#clocks(status);
    this.#state(status);
    this.#checks(status, others.peersUp);
    this.metrics.epoch.set(status.epoch);
    this.#fetching(status.fetching);
    this.metrics.round.set(status.round);
    this.metrics.commitIndex.set(status.commitIndex);
    this.metrics.certifiedCommit.set(status.certifiedCommit);
    this.metrics.frameCommit.set(status.frameCommit);
    this.metrics.peersUp.set(others.peersUp);
    this.metrics.evidence.set(status.evidence.length);
    this.metrics.clients.set(others.clients);
    this.metrics.sessions.set(others.sessions);
  }

  /** What /readyz says, for those who collect figures. */
  #checks(status: ReplicaStatus, peersUp: number): void {
    const members = status.clockOffsetsMs.length;
    const needed = members - Math.floor((members - 1) / 3);
    const reach = { reachable: peersUp + 1, needed, unlinked: [] };
    this.metrics.members.set(members);
    for (const { name, good } of this.ready(status, reach)) {
      this.metrics.check.set({ check: name }, good ? 1 : 0);
    }
  }

  /** A change of state is said in the log. */
  #state({ state, commitIndex, peersUp }: ReplicaStatus): void {
    for (const one of NODE_STATES) this.metrics.state.set({ state: one }, one === state ? 1 : 0);
    if (state === this.#shown) return;
    this.#shown = state;
    this.log.info({ state, commitIndex, peersUp }, 'state');
  }

  /** While no frame is fetched all of it is 0, so that a sum over members is what is here. */
  #fetching(fetching: ReplicaStatus['fetching']): void {
    const { frameSyncChunks, frameSyncChunksFetched, frameSyncBytes, frameSyncBytesFetched } =
      this.metrics;
    frameSyncChunks.set(fetching?.chunks ?? 0);
    frameSyncChunksFetched.set(fetching?.chunksHere ?? 0);
    frameSyncBytes.set(fetching?.bytes ?? 0);
    frameSyncBytesFetched.reset();
    for (const { peer, bytes } of fetching?.from ?? []) {
      frameSyncBytesFetched.set({ member: `${peer}` }, bytes);
    }
  }

  /** Clocks that disagree need an operator: said in the log when it begins and when it ends. */
  #clocks({ clockOffsetsMs, clockAheadOfWallMs }: ReplicaStatus): void {
    const { clockOffsetSeconds, clockAheadOfWallSeconds, clockAlarm } = this.metrics;
    clockAheadOfWallSeconds.set(clockAheadOfWallMs / 1000);
    clockOffsetsMs.forEach((offsetMs, member) => {
      if (offsetMs !== undefined) clockOffsetSeconds.set({ member: `${member}` }, offsetMs / 1000);
    });
    const offsets = [clockAheadOfWallMs, ...clockOffsetsMs.map((ms) => ms ?? 0)];
    const isApart = offsets.some((ms) => Math.abs(ms) > CLOCK_OFFSET_MS_MAX);
    clockAlarm.set(isApart ? 1 : 0);
    if (isApart === this.#clocksApart) return;
    this.#clocksApart = isApart;
    const figures = { offsetsMs: clockOffsetsMs, aheadOfWallMs: clockAheadOfWallMs };
    if (isApart) this.log.warn(figures, 'clocks are too far apart: look at the time of the hosts');
    else this.log.info(figures, 'clocks agree again');
  }

  async close(): Promise<void> {
    await this.#recorder?.close();
  }

  #committed({ input, commit }: Extract<Outward, { kind: 'committed' }>): void {
    this.metrics.commits.inc();
    const ops = input.batches.reduce((sum, batch) => sum + batch.ops.length, 0);
    if (ops > 0) this.metrics.committedOps.inc({ kind: 'op' }, ops);
    const beats = input.unsigned.length;
    if (beats > 0) this.metrics.committedOps.inc({ kind: 'keepAlive' }, beats);
    this.metrics.commitIndex.set(commit.index);
    for (const member of commit.convicted) this.log.warn({ member }, 'convicted of contradiction');
  }

  #note({ note }: Extract<Outward, { kind: 'note' }>): void {
    const { what, failure } = note;
    if (what === 'leaderTimeout') this.metrics.leaderTimeouts.inc();
    if (what === 'frameSynced') this.metrics.frameSyncs.inc();
    if (what === 'equivocation' || what === 'voteTwice') this.metrics.equivocations.inc();
    if (failure && (what === 'blockRejected' || what === 'messageRejected')) {
      this.metrics.rejects.inc({ code: failure.code });
    }
    if (what === 'observer') this.log.warn({ note }, OBSERVES);
    else if (LOUD.has(what)) this.log.warn({ note }, what);
    else if (OF_FRAMES.has(what)) this.log.info({ note }, what);
    else this.log.trace({ note }, what);
  }
}
