// Test helper: one replica with its disk, and what it has said.
import { type Ref, refKey } from '@fatty/broadcast';
import type { LogRecord } from '@fatty/interface';
import type {
  CheckedChain,
  Follower,
  IndexedBlock,
  OpenedEpoch,
  Replica,
  ReplicaEffect,
} from '../src/index.ts';

export type Effect<K extends ReplicaEffect['kind']> = Extract<ReplicaEffect, { kind: K }>;

/** Tests that write a log need not say where. */
export type Logged = LogRecord & { readonly segment?: number };

/** A write that is on its way to the disk. */
interface Write {
  readonly effect: Effect<'persist'>;
  readonly life: number;
}

/** Records in a segment of the log: few, so that short worlds have many. */
const SEGMENT_RECORDS = 24;

export class Host {
  replica: Replica;
  /** In the place of the replica while its key is no member's. */
  follower: Follower | undefined;
  life = 0;
  up = true;
  /** In which it goes on. */
  epoch: OpenedEpoch;
  /** Of the process. */
  chain: CheckedChain | undefined;
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
  /** Answers the segment that has the records now. */
  append(records: readonly LogRecord[]): number {
    const last = this.log.at(-1)?.segment ?? 1;
    const isFull = this.log.filter(({ segment }) => segment === last).length >= SEGMENT_RECORDS;
    const segment = isFull ? last + 1 : last;
    const placed = records.map((record) => ({ ...record, segment }));
    this.log.push(...placed);
    this.wholeLog.push(...placed);
    return segment;
  }
  /** Of the log and of the index. */
  drop({ below, epoch, fromRound }: Effect<'dropLog'>): void {
    for (const [key, block] of this.kv) {
      const isOfEpoch = block.epoch === epoch && block.ref.round < fromRound;
      if (block.epoch < epoch || isOfEpoch) this.kv.delete(key);
    }
    const gone = this.log.filter(({ segment = 1 }) => segment < below);
    this.dropped += new Set(gone.map(({ segment }) => segment)).size;
    this.log = this.log.filter(({ segment = 1 }) => segment >= below);
  }
  /** What the index answers. */
  find({ want }: Effect<'read'>): readonly Uint8Array[] {
    if (want.kind === 'refs') {
      return want.refs.flatMap((ref) => this.kv.get(`${want.epoch}/${refKey(ref)}`)?.bytes ?? []);
    }
    return [...this.kv.values()]
      .filter(
        ({ epoch, ref }) => epoch === want.epoch && ref.round >= want.from && ref.round <= want.to,
      )
      .sort((a, b) => a.ref.round - b.ref.round || a.ref.author - b.ref.author)
      .slice(0, want.blocksMax)
      .map(({ bytes }) => bytes);
  }
  get commitIndex(): number {
    return this.replica.status().commitIndex;
  }
  count(what: string, code?: string): number {
    return this.notes.filter((n) => n.what === what && (!code || n.failure?.code === code)).length;
  }
}
