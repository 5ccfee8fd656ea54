// Which frames are kept on disk, and what of the log may go then.
import { equalBytes } from '@fatty/codec';
import type { Cert, Committee, EpochLink, Frame } from '@fatty/protocol';
import type { Outbox } from '../boundary/outbox.ts';
import type { Tuning } from '../boundary/tuning.ts';
import { linkBytes } from '../cell/checked-chain.ts';
import type { Persistence } from '../signing/persistence.ts';
import type { Checkpoint } from './checkpoints.ts';
import type { Departure } from './departure.ts';
import { LogPlaces } from './log-places.ts';
import { encodeStored } from './stored.ts';

/** What Keeper needs of its replica. */
export interface KeeperPort {
  readonly committee: Committee;
  readonly dag: { readonly highestRound: number };
  readonly departure: Pick<Departure, 'from'>;
  readonly links: readonly EpochLink[];
  readonly me: number;
  readonly out: Outbox;
  readonly persistence: Pick<Persistence, 'lastToken' | 'own' | 'expedite'>;
  readonly tuning: Tuning;
}

/** A copy point, as it was when its commit was applied. */
interface Capture extends Checkpoint {
  readonly payload: Uint8Array;
  /** Bytes of the own vote. */
  readonly core: Uint8Array;
  /** Write of the log after which the commit follows from the log. */
  readonly token: number;
  cert: Cert | undefined;
}

/** A frame on disk. */
export interface HeldFrame {
  readonly frame: Frame;
  readonly cert: Cert;
  /** Of its commit. */
  readonly horizon: number;
}

/** `isAdopted`: it is of others, and ahead of this replica. */
type Writing = HeldFrame & { readonly isAdopted?: true };

/**
 * Keeps certified frames on disk and lets go of the log behind them (R28). The state was copied when the
 * commit was applied, for the certificate comes later; one copy waits.
 */
export class Keeper {
  readonly #port: KeeperPort;
  readonly #places: LogPlaces = new LogPlaces();
  /** By member: blocks at or below this round are in its state for good. */
  readonly #doneRounds: number[];
  #capture: Capture | undefined;
  /** The newest write of the log that is durable. */
  #written = 0;
  /** On its way to the disk. */
  #writing: Writing | undefined;
  #kept: readonly HeldFrame[] = [];

  constructor(port: KeeperPort) {
    this.#port = port;
    this.#doneRounds = port.committee.members.map(() => 0);
  }

  /** Commit of the newest frame on disk; 0: none. */
  get keptIndex(): number {
    return this.#kept.at(-1)?.frame.index ?? 0;
  }

  /** On disk, ascending. */
  get kept(): readonly HeldFrame[] {
    return this.#kept;
  }

  /** The log has every block of the rounds from here on. */
  get fromRound(): number {
    return this.#places.fromRound;
  }

  /** A frame is on its way to the disk. */
  get isWriting(): boolean {
    return this.#writing !== undefined;
  }

  /** Goes on behind a frame of an earlier life. */
  resume(frame: HeldFrame): void {
    this.#kept = [frame];
    this.#places.begin(frame.horizon);
  }

  /** R29: a frame of others is kept as an own one is; then the replica is opened behind it. */
  adopt(frame: HeldFrame, payload: Uint8Array): void {
    this.#capture = undefined;
    this.#write({ ...frame, isAdopted: true }, payload);
  }

  /** A checkpoint that this replica has come to, with its vote; `certified`: newest commit with a certificate. */
  reached({ payload, ...checkpoint }: Checkpoint, core: Uint8Array, certified: number): void {
    const isFinal = checkpoint.frame.end !== undefined;
    if (payload === undefined || (!isFinal && this.#isTaken(certified))) return;
    const token = this.#port.persistence.lastToken;
    this.#capture = { ...checkpoint, payload, core, token, cert: undefined };
  }

  /** A certificate is here; the copy it is of goes to the disk, when the log has all that it follows from. */
  certified(index: number, cert: Cert): void {
    const capture = this.#capture;
    if (capture?.commit.index !== index || !equalBytes(capture.core, cert.core)) return;
    capture.cert = cert;
    this.#store();
  }

  /** A write of the log is durable. */
  written(token: number): void {
    this.#written = token;
    this.#store();
  }

  #store(): void {
    if (this.#capture?.cert === undefined || this.#writing) return;
    // Nobody else may have asked for that write.
    if (this.#capture.token > this.#written) return this.#port.persistence.expedite();
    const { frame, commit, payload, cert } = this.#capture;
    this.#capture = undefined;
    this.#write({ frame, cert, horizon: commit.horizon }, payload);
  }

  #write(held: Writing, payload: Uint8Array): void {
    const { me, persistence, out, links } = this.#port;
    const { frame, cert } = held;
    const own = persistence.own?.bytes ?? new Uint8Array();
    this.#writing = held;
    const chain = links.map(linkBytes);
    const head = encodeStored({ frame, cert, links: chain, author: me, own });
    out.push({ kind: 'storeFrame', index: frame.index, head, payload });
  }

  /** The frame is on disk: what only older ones needed may go. */
  stored(index: number): void {
    const held = this.#writing;
    if (held?.frame.index !== index) return;
    if (held.isAdopted) {
      this.#port.out.note({ what: 'frameSynced', commit: index });
      return this.#port.out.push({ kind: 'reopen' });
    }
    this.#kept = [...this.#kept, held].slice(-2);
    this.#writing = undefined;
    this.#port.out.note({ what: 'frameKept', commit: index });
    if (held.frame.end !== undefined) return this.#port.departure.from(held.frame, held.cert);
    this.#letGo();
    // The last frame of the epoch waits for no other one.
    this.#store();
  }

  /**
   * A life begins, and where all records are is known. Behind the last frame of the epoch before, the older frame
   * on disk is of that epoch or ends the one before it: what is older than that epoch is needed by neither.
   */
  begin(): void {
    const { committee, tuning } = this.#port;
    this.#dropBelow(this.#places.dropEpochs(committee.epoch - 1, tuning.logKeptBytesMin));
  }

  /** Records of this size are durable in a segment of the log. */
  logged(segment: number, bytes: number, epoch: number = this.#port.committee.epoch): void {
    this.#places.add(segment, epoch, this.#port.dag.highestRound, bytes);
  }

  /** A member has everything up to a commit with this horizon on its disk. */
  heard(member: number, horizon: number): void {
    this.#doneRounds[member] = Math.max(this.#doneRounds[member] ?? 0, horizon);
  }

  /** The copy before is wanted still, or is on its way to the disk. */
  #isTaken(certified: number): boolean {
    const waits = this.#capture !== undefined && this.#capture.commit.index >= certified;
    return waits || this.#writing !== undefined;
  }

  /**
   * R28: behind the older of two frames nothing is needed here any more. Members that are behind catch up by
   * blocks as long as there are some, and that is cheaper than by a frame: for them so much is kept as the disk
   * is to bear.
   */
  #letGo(): void {
    const [older, newer] = this.#kept;
    if (older === undefined || newer === undefined) return;
    const { me, tuning } = this.#port;
    const others = this.#doneRounds.filter((_, member) => member !== me);
    const below = this.#places.drop(older.horizon, Math.min(older.horizon, ...others), {
      bytesMin: tuning.logKeptBytesMin,
      bytesMax: tuning.logKeptBytesMax,
    });
    this.#dropBelow(below);
  }

  /** What the log has no more the index need not have: it would be as large as all that ever was. */
  #dropBelow(below: number | undefined): void {
    if (below === undefined) return;
    const { committee, out } = this.#port;
    const epoch = this.#places.goneEpoch;
    const fromRound = epoch === committee.epoch ? this.#places.fromRound : 0;
    out.push({ kind: 'dropLog', below, epoch, fromRound });
  }
}
