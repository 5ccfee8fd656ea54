// Test helper: one replica with its disk, and what it has said.
import type { Ref } from '@fatty/broadcast';
import type { LogRecord } from '@fatty/interface';
import type { IndexedBlock, OpenedEpoch, Replica, ReplicaEffect } from '../src/index.ts';

export type Effect<K extends ReplicaEffect['kind']> = Extract<ReplicaEffect, { kind: K }>;

/** Tests that write a log need not say where. */
export type Logged = LogRecord & { readonly segment?: number };

/** A write that is on its way to the disk. */
interface Write {
  readonly effect: Effect<'persist'>;
  readonly life: number;
}

export class Host {
  replica: Replica;
  life = 0;
  up = true;
  /** In which it goes on. */
  epoch: OpenedEpoch;
  /** Its key is no member of the epoch that its disk leads to: it has stopped. */
  removed = false;
  readonly index: number;
  readonly timers = new Map<string, number>();
  readonly kv = new Map<string, IndexedBlock>();
  log: Logged[] = [];
  /** All that was ever durable, and the segments that are gone. */
  readonly wholeLog: Logged[] = [];
  dropped = 0;
  /** Durable frames, the newest last. */
  frames: Omit<Effect<'storeFrame'>, 'kind'>[] = [];
  mark: Uint8Array | undefined;
  writes: Write[] = [];
  readonly committed: Effect<'committed'>[] = [];
  readonly notes: Effect<'note'>['note'][] = [];
  readonly refused: Effect<'refused'>[] = [];
  readonly stated: Effect<'stated'>[] = [];
  readonly proved: Effect<'proved'>[] = [];
  readonly delivered: Ref[] = [];
  readonly halts: Effect<'halt'>[] = [];
  readonly diverged: Effect<'diverged'>[] = [];
  persists = 0;
  constructor(index: number, replica: Replica, epoch: OpenedEpoch) {
    this.index = index;
    this.epoch = epoch;
    this.replica = replica;
  }
  get commitIndex(): number {
    return this.replica.status().commitIndex;
  }
  count(what: string, code?: string): number {
    return this.notes.filter((n) => n.what === what && (!code || n.failure?.code === code)).length;
  }
}
