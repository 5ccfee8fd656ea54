// The replica at work in a process, and the one that is opened to take its place.
import type { SignatureScheme, Signer } from '@fatty/codec';
import type { EpochChain, FrameBytes, ReplicaCore, ResumedAt } from '@fatty/host';
import type { Failure, StateMachine } from '@fatty/interface';
import { type Cell, type Committee, type EpochLink, memberIndex } from '@fatty/protocol';
import {
  beginBehind,
  CheckedChain,
  type ClockSample,
  Follower,
  frameIndexOf,
  linkBytes,
  type OpenedEpoch,
  Replica,
  type ReplicaConfig,
  type ReplicaStatus,
} from '@fatty/replica';

/** How a replica without a past is made. */
export interface CoreParts {
  /** With the genesis committee. */
  readonly cell: Cell;
  readonly signer: Signer;
  readonly scheme: SignatureScheme;
  /** The chain as a key that is no member's yet has been told it, from the genesis on. */
  readonly links?: readonly EpochLink[];
  /** The machine of a replica that begins, for members of such a committee. */
  fresh(committee: Committee): StateMachine;
  /** Puts another program in its place. */
  readonly wrap?: ((replica: Replica, signer: Signer, cell: Cell) => ReplicaCore) | undefined;
  /** Of every replica; default those of every cell. */
  readonly choices?: Pick<ReplicaConfig, 'copying' | 'tuning'>;
}

/** A core that is opened. */
export interface OpenedCore {
  readonly core: ReplicaCore;
  /** The commit that it goes on behind; undefined: it has none but those of its log. */
  readonly at: ResumedAt | undefined;
  /** Why newer frames were not taken. */
  readonly failures: readonly Failure[];
}

/** A replica, or in its place who follows the epochs: its key is no member's, or it has slept through some. */
type Stage =
  | { readonly kind: 'member'; readonly replica: Replica }
  | {
      readonly kind: 'follower';
      readonly follower: Follower;
      readonly chain: EpochChain;
      /** Without a state: nobody is to be shown one. */
      readonly machine: StateMachine;
    };

/**
 * One replica after another, each of the epoch that the disk leads to. The old one is shown until the new one
 * has read the disk; which members there are is known as soon as the new one is opened.
 */
export class Core {
  readonly #parts: CoreParts;
  /** For as long as the process lives. */
  readonly #chain: CheckedChain;
  #epoch: OpenedEpoch;
  #shown: Stage;
  #opened: Stage;

  constructor(parts: CoreParts) {
    this.#parts = parts;
    const { cell, scheme } = parts;
    const { cellId, committee: genesis, founding } = cell;
    this.#chain = new CheckedChain({ cellId, scheme, genesis, founding });
    // What does not hold leads nowhere.
    if (parts.links) this.#chain.follow(parts.links.map(linkBytes));
    this.#epoch = this.#chain.first;
    const replica = this.#make(this.#epoch);
    this.#shown = replica ? { kind: 'member', replica } : this.#follow([]);
    this.#opened = this.#shown;
  }

  /** The cell as it is in the epoch of the opened core. */
  get cell(): Cell {
    return { ...this.#parts.cell, committee: this.#epoch.committee };
  }

  /** Own committee index in that epoch; below 0: the own key is no member's. */
  get me(): number {
    return memberIndex(this.#epoch.committee, this.#parts.signer.publicKey);
  }

  /** False: it follows, and has no log of its own to read. */
  get isReplica(): boolean {
    return this.#opened.kind === 'member';
  }

  /** Of what is shown. */
  get status(): ReplicaStatus {
    return statusOf(this.#shown);
  }

  /** Of the core that reads the disk, or has read it. */
  get openedStatus(): ReplicaStatus {
    return statusOf(this.#opened);
  }

  get machine(): StateMachine {
    return this.#shown.kind === 'member' ? this.#shown.replica.machine : this.#shown.machine;
  }

  get deliveredView(): StateMachine {
    const shown = this.#shown;
    return shown.kind === 'member' ? shown.replica.deliveredView() : shown.machine;
  }

  get chain(): EpochChain {
    return this.#shown.kind === 'member' ? this.#shown.replica : this.#shown.chain;
  }

  /** As a driver wants the opened core. */
  get driven(): ReplicaCore {
    const opened = this.#opened;
    if (opened.kind === 'follower') return { step: (event) => opened.follower.step(event) };
    const { replica } = opened;
    const core = this.#parts.wrap?.(replica, this.#parts.signer, this.cell) ?? replica;
    return {
      step: (event) => core.step(event),
      resume: (head, state) => replica.resume(head, state),
      restore: (records, mark) => replica.restore(records, mark),
    };
  }

  clockMs(sample: ClockSample): number {
    return this.#shown.kind === 'member' ? this.#shown.replica.clockMs(sample) : sample.nowMs;
  }

  isCurrent(): boolean {
    return this.#shown.kind === 'member' && this.#shown.replica.isCurrent();
  }

  /** Makes the core that the frames of the disk lead to, the newest first, and what the core before knew of the chain. */
  open(frames: readonly FrameBytes[]): OpenedCore {
    if (this.#opened.kind === 'member')
      this.#chain.follow(this.#opened.replica.links.map(linkBytes));
    const begun = beginBehind<ResumedAt, Replica>(this.#chain, frames, (epoch) =>
      this.#make(epoch),
    );
    this.#epoch = begun.epoch;
    this.#opened = begun.core ? { kind: 'member', replica: begun.core } : this.#follow(frames);
    const at = begun.at ?? (begun.core && this.#foundedAt);
    return { core: this.driven, at, failures: begun.failures };
  }

  /** The commit behind which the first epoch of a founded cell begins. */
  get #foundedAt(): ResumedAt | undefined {
    const { committee, founding } = this.#parts.cell;
    if (founding === undefined) return undefined;
    const { commit: index, leaseClock } = founding;
    return { index, commitTs: committee.genesisTs, leaseClock };
  }

  /** The opened core has read the disk. */
  begin(): void {
    this.#shown = this.#opened;
  }

  #make({ committee, origin, links }: OpenedEpoch): Replica | undefined {
    const { cell, signer, scheme, fresh, choices } = this.#parts;
    const me = memberIndex(committee, signer.publicKey);
    if (me < 0) return undefined;
    const { cellId } = cell;
    const machine = fresh(committee);
    const own = { me, signer, machine, ...choices };
    return new Replica({ committee, cellId, origin, links, scheme, ...own });
  }

  /** In the newest epoch that is known. */
  #follow([newest]: readonly FrameBytes[]): Stage {
    const { cell, signer, scheme, fresh } = this.#parts;
    const epoch = this.#chain.newest;
    this.#epoch = epoch;
    const keptIndex = (newest && frameIndexOf(newest.head)) ?? 0;
    const { cellId } = cell;
    const config = { cellId, chain: this.#chain, keptIndex, signer, scheme };
    const chain = { epoch: epoch.committee.epoch, links: epoch.links };
    const machine = fresh(epoch.committee);
    return { kind: 'follower', follower: new Follower(config), chain, machine };
  }
}

function statusOf(stage: Stage): ReplicaStatus {
  return stage.kind === 'member' ? stage.replica.status() : stage.follower.status();
}
