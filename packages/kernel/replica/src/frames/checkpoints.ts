// Which commits are checkpoints.
import type { Block } from '@fatty/broadcast';
import { invariant } from '@fatty/codec';
import type { StateMachine } from '@fatty/interface';
import type { Commit, Ordered } from '@fatty/order';
import {
  type Agenda,
  type AuthorSeen,
  type Committee,
  type EpochEnd,
  type Frame,
  type FrameCopy,
  nextCommittee,
} from '@fatty/protocol';
import type { Copying } from '../boundary/copying.ts';
import { type Payload, payloadOf } from './payload.ts';

/** R27: with something uncovered, a checkpoint is made this long after the one before. ms of commitTs. */
export const CHECKPOINT_MS = 250;
/** R27: so soon already where a commit carries nothing, as when the cell comes to rest. ms of commitTs. */
export const IDLE_CHECKPOINT_MS = 50;

/** A commit that all members vote on, with what resumes the order behind it. */
export interface Checkpoint {
  readonly commit: Commit;
  readonly frame: Frame;
  /** Of a copy point: what `frame.copy` names. */
  readonly payload: Uint8Array | undefined;
}

/** What Checkpoints needs of its replica. */
export interface CheckpointsPort {
  readonly committee: Committee;
  readonly copying: Copying;
  readonly machine: Pick<StateMachine, 'snapshot'>;
}

/**
 * Which commits are checkpoints, and the frame of each: a pure function of the commit sequence (R27), and
 * of nothing that this replica alone knows or has chosen.
 */
export class Checkpoints {
  readonly #port: CheckpointsPort;
  readonly #committee: Committee;
  readonly #convicted = new Set<number>();
  #authors: readonly AuthorSeen[];
  /** Commits with blocks above the horizon, the last of them the newest. */
  #recent: Commit[] = [];
  #lastTs: number;
  #isUncovered = false;
  /** Bytes that were committed since the last copy point, and those of the state there. */
  #bytes = 0;
  #stateBytes = 0;

  constructor(port: CheckpointsPort) {
    const { committee } = port;
    this.#port = port;
    this.#committee = committee;
    this.#lastTs = committee.genesisTs;
    this.#authors = committee.members.map(() => ({ round: 0, ts: committee.genesisTs }));
  }

  /** Commits whose blocks the order behind the newest one must know; ascending. */
  get recent(): readonly Commit[] {
    return this.#recent;
  }

  /** Goes on behind a copy point of an earlier life. */
  resume(frame: Frame, recent: readonly Commit[]): void {
    this.#bytes = 0;
    this.#stateBytes = frame.copy?.stateBytes ?? 0;
    this.#recent = [...recent];
    this.#authors = frame.authors;
    this.#convicted.clear();
    for (const author of frame.convicted) this.#convicted.add(author);
    this.#covered(this.#recent.at(-1)?.commitTs ?? this.#lastTs);
  }

  /** Goes on behind the last commit of the epoch before: its state is a copy, and its order is over. */
  begin(frame: Frame): void {
    this.#stateBytes = frame.copy?.stateBytes ?? 0;
  }

  /** Takes the next commit; answers whether it is a checkpoint. `told`: it gave the machine something to tell. */
  committed(ordered: Ordered, told = false): Checkpoint | undefined {
    const { content, convicted, agenda: _, isFinal, ...commit } = ordered;
    for (const author of convicted) this.#convicted.add(author);
    this.#see(content);
    for (const { bytes } of content) this.#bytes += bytes.length;
    this.#recent.push(commit);
    const kept = this.#recent.findIndex(({ leader }) => leader.round > commit.horizon);
    this.#recent.splice(0, kept);
    if (!this.#isDue(commit, told || content.some(carries)) && !isFinal) return undefined;
    this.#covered(commit.commitTs);
    const payload = this.#isCopyDue || isFinal ? this.#copy() : undefined;
    return { commit, frame: this.#frame(commit, ordered, payload?.copy), payload: payload?.bytes };
  }

  /** R28: what a copy costs is a bounded share of what was committed meanwhile. */
  get #isCopyDue(): boolean {
    return this.#bytes >= Math.max(this.#port.copying.bytesMin, 2 * this.#stateBytes);
  }

  #copy(): Payload | undefined {
    const state = this.#port.machine.snapshot();
    this.#bytes = 0;
    this.#stateBytes = state.length;
    return payloadOf(this.#recent, state, this.#port.copying.chunkBytes);
  }

  #isDue({ index, commitTs }: Commit, carriesAnything: boolean): boolean {
    this.#isUncovered ||= carriesAnything;
    if (index % this.#committee.params.checkpointCommits === 0) return true;
    if (!this.#isUncovered) return false;
    return commitTs >= this.#lastTs + (carriesAnything ? CHECKPOINT_MS : IDLE_CHECKPOINT_MS);
  }

  #covered(commitTs: number): void {
    this.#lastTs = commitTs;
    this.#isUncovered = false;
  }

  /** Of two blocks of one slot the later stamp counts, so that their order does not matter. */
  #see(content: readonly Block[]): void {
    const authors = [...this.#authors];
    for (const { ref, header } of content) {
      const seen = authors[ref.author];
      const isNews = seen !== undefined && ref.round >= seen.round;
      const ts = seen?.round === ref.round ? Math.max(seen.ts, header.ts) : header.ts;
      if (isNews) authors[ref.author] = { round: ref.round, ts };
    }
    this.#authors = authors;
  }

  #frame(commit: Commit, { agenda, isFinal }: Ordered, copy: FrameCopy | undefined): Frame {
    const { index, digest } = commit;
    return {
      epoch: this.#committee.epoch,
      index,
      commitDigest: digest,
      firstCommit: this.#recent[0]?.index ?? index,
      convicted: [...this.#convicted].sort((a, b) => a - b),
      authors: this.#authors,
      agenda,
      end: isFinal ? endOf(this.#committee, commit, agenda) : undefined,
      copy,
    };
  }
}

/** R31: what the next epoch begins with; the agenda of a last commit has a plan. */
function endOf(committee: Committee, { leaseClock, commitTs }: Commit, agenda: Agenda): EpochEnd {
  const next = nextCommittee(committee, agenda.plan?.changes ?? [], commitTs);
  invariant(next.ok, 'the changes of a plan fit together (R30)');
  return { leaseClock, next: next.value };
}

/** Something that changes the state, whenever it is applied. */
function carries({ batches, unsigned, body }: Block): boolean {
  return batches.length + unsigned.length + body.evidence.length + body.statements.length > 0;
}
