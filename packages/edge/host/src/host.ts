// One replica with all that serves it: its driver, and what stands between it and its clients.
import type { ClockSample, ReplicaEffect } from '@fatty/replica';
import { type Outward, type ResumedAt, sampleOf } from './doings.ts';
import { Driver, type DriverParts } from './driver.ts';
import {
  type AppliedCommit,
  type ClientFront,
  type EpochChain,
  type GatewayReplica,
  NOTHING_APPLIED,
} from './gateway/contract.ts';
import type { Timers } from './ports.ts';

/** Makes the front of a replica; without one, nobody but this process submits anything. */
export type MakeFront = (replica: GatewayReplica, timers: Timers) => ClientFront;

/** What a host is made of. */
export interface HostParts extends DriverParts {
  /** The own clock of the replica (R12a) at a moment between two steps. */
  readonly clockMs: (sample: ClockSample) => number;
  /** As {@link GatewayReplica.isCurrent}. */
  readonly isCurrent: () => boolean;
  /** As {@link GatewayReplica.chain}. */
  readonly chain: () => EpochChain;
  readonly front?: MakeFront | undefined;
}

/** Driver and front of one life of a process. What the replica does is told outside first, then to clients. */
export class Host {
  readonly driver: Driver;
  readonly front: ClientFront | undefined;
  readonly #parts: HostParts;
  /** Where the core that is being opened has come to. */
  #opened: AppliedCommit | undefined;

  constructor(parts: HostParts) {
    const { ports, clockMs, isCurrent, chain, front } = parts;
    this.#parts = parts;
    this.driver = new Driver({
      ...parts,
      onOutward: (effect) => this.#outward(effect),
      onReplayed: (effect) => {
        parts.onReplayed?.(effect);
        if (effect.kind === 'committed') this.#replayed(effect);
      },
      onResumed: (commit) => {
        parts.onResumed?.(commit);
        this.#opened = appliedBy({ commit });
      },
    });
    const replica: GatewayReplica = {
      submit: (batch, tag) => this.driver.dispatch({ kind: 'submit', batch, tag }),
      submitUnsigned: (bytes) => this.driver.dispatch({ kind: 'unsigned', bytes }),
      prove: (question, minCommit, tag) =>
        this.driver.dispatch({ kind: 'prove', tag, question, minCommit }),
      clockMs: () => clockMs(sampleOf(ports.clock)),
      isCurrent,
      chain,
    };
    this.front = front?.(replica, ports.timers);
  }

  /** After `resume` and `restore` of the driver, of each core: from here on clients are served from it. */
  begin(): void {
    this.front?.resume(this.#opened ?? NOTHING_APPLIED);
    this.#opened = undefined;
    this.driver.begin();
  }

  #replayed(effect: Extract<ReplicaEffect, { kind: 'committed' }>): void {
    this.#opened = appliedBy(effect);
    this.front?.replayed(this.#opened, effect.applied);
  }

  #outward(effect: Outward): void {
    this.#parts.onOutward(effect);
    if (effect.kind === 'refused') this.front?.refused(effect.tag, effect.failure);
    if (effect.kind === 'proved') this.front?.proved(effect.tag, effect.answer);
    if (effect.kind === 'committed') this.front?.committed(appliedBy(effect), effect.applied);
  }
}

function appliedBy({ commit }: { readonly commit: ResumedAt }): AppliedCommit {
  return { commit: commit.index, commitTs: commit.commitTs, leaseClock: commit.leaseClock };
}
