import type { Clock } from '@fatty/interface';
import type { ReplicaEffect, ReplicaEvent, ReplicaStatus } from '@fatty/replica';
import { type Logger, pino } from 'pino';
import type { NodeConfig } from './config.ts';
import type { Outward, SendEffect } from './driver.ts';
import type { Check } from './http.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { Recorder } from './recorder.ts';

export interface ObserverOptions {
  readonly config: NodeConfig;
  readonly me: number;
  readonly clock: Clock;
  readonly blockBytesMax: number;
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

/** Logs, metrics, health and the optional trace of one replica; changes nothing. */
export class Observer {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly #recorder: Recorder | undefined;

  constructor({ config, me, clock, blockBytesMax }: ObserverOptions) {
    this.log = pino({ level: config.logLevel, base: { replica: me } });
    this.metrics = createMetrics();
    this.#recorder =
      config.record === '' ? undefined : new Recorder(config.record, me, clock, blockBytesMax);
  }

  event(event: ReplicaEvent): void {
    this.#recorder?.event(event);
  }

  effect(effect: ReplicaEffect): void {
    this.#recorder?.effect(effect);
  }

  sent(effect: SendEffect, taken: boolean): void {
    this.#recorder?.sent(effect, taken);
  }

  outward(effect: Outward): void {
    switch (effect.kind) {
      case 'committed':
        return this.#committed(effect);
      case 'delivered':
        return this.metrics.delivered.inc();
      case 'refused':
        this.metrics.refused.inc({ code: effect.failure.code });
        return this.log.debug({ failure: effect.failure }, 'refused');
      case 'note':
        return this.#note(effect);
      case 'halt':
        return this.log.fatal({ failure: effect.failure }, 'ordering has stopped');
    }
  }

  /**
   * Restart me? Only what a restart can cure: that nobody answers. A replica that found a
   * contradiction (R18) would find it again in its log; it stays up to be asked.
   */
  live(): readonly Check[] {
    return [{ name: 'process', good: true, detail: 'answers' }];
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
        name: 'quorum',
        good: reachable >= needed,
        detail: [`${reachable} of ${needed} needed`, ...unlinked].join('; '),
      },
      {
        name: 'caught up',
        good: !status.syncing,
        detail: `commit ${status.commitIndex}, round ${status.round}`,
      },
      {
        name: 'signing',
        good: status.observer === undefined && status.vouched,
        detail: status.observer?.code ?? (status.vouched ? 'yes' : 'waits for the others'),
      },
    ];
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
    this.metrics.round.set(status.round);
    this.metrics.commitIndex.set(status.commitIndex);
    this.metrics.peersUp.set(others.peersUp);
    this.metrics.clients.set(others.clients);
    this.metrics.sessions.set(others.sessions);
  }

  async close(): Promise<void> {
    await this.#recorder?.close();
  }

  #committed({ input, commit }: Extract<Outward, { kind: 'committed' }>): void {
    this.metrics.commits.inc();
    const ops = input.batches.reduce((sum, batch) => sum + batch.ops.length, 0);
    if (ops > 0) this.metrics.committedOps.inc({ kind: 'op' }, ops);
    const beats = input.keepAlives.length;
    if (beats > 0) this.metrics.committedOps.inc({ kind: 'keepAlive' }, beats);
    this.metrics.commitIndex.set(commit.index);
    for (const member of input.evidence) this.log.warn({ member }, 'convicted of contradiction');
  }

  #note({ note }: Extract<Outward, { kind: 'note' }>): void {
    const { what, failure } = note;
    if (what === 'leaderTimeout') this.metrics.leaderTimeouts.inc();
    if (what === 'equivocation') this.metrics.equivocations.inc();
    if (failure && (what === 'blockRejected' || what === 'messageRejected')) {
      this.metrics.rejects.inc({ code: failure.code });
    }
    if (what === 'observer' || what === 'equivocation') this.log.warn({ note }, what);
    else this.log.trace({ note }, what);
  }
}
