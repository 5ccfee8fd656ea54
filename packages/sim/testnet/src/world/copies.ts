// Machines that were restored from snapshots, to compare with.
import { equalBytes, hash, toHex } from '@fatty/codec';
import type { Applied, CommitInput, StateMachine } from '@fatty/interface';

/** What a machine said to one commit, as text; its root after it. */
export interface Word {
  readonly said: string;
  readonly root: string;
}

/** How far a restored machine has gone: the commits since its snapshot, and what it said last. */
export interface Moment {
  readonly commits: readonly CommitInput[];
  readonly word: Word;
  /** By what a commit holds. */
  readonly next: Map<string, Moment>;
  /** Its root when it is restored once more from here. */
  rootAgain: string | undefined;
}

/**
 * A machine restored from one snapshot. What it says is a function of these bytes and of the commits
 * since, so it is asked once, for however many replicas have the same snapshot.
 */
export class Copy {
  readonly bytes: Uint8Array;
  /** Of the machine as it was restored. */
  readonly root: string;
  readonly snapshot: Uint8Array;
  readonly start: Moment;
  readonly #fresh: () => StateMachine;
  /** The machine, as far as it has gone; gone itself once it was restored again. */
  #running: { readonly machine: StateMachine; readonly at: Moment } | undefined;

  constructor(bytes: Uint8Array, fresh: () => StateMachine) {
    this.bytes = bytes;
    this.#fresh = fresh;
    const machine = this.#restored();
    this.root = toHex(machine.root());
    const snapshot = machine.snapshot();
    this.snapshot = equalBytes(snapshot, bytes) ? bytes : snapshot.slice();
    this.start = momentOf([], { said: '', root: this.root });
    this.#running = { machine, at: this.start };
  }

  /** Where a commit leads to from a moment. */
  follow(moment: Moment, commit: CommitInput): Moment {
    const key = textOfCommit(commit);
    const known = moment.next.get(key);
    if (known !== undefined) return known;
    const machine = this.#machineAt(moment);
    const word = wordOf(machine.applyCommit(commit), machine.root());
    const next = momentOf([...moment.commits, commit], word);
    moment.next.set(key, next);
    this.#running = { machine, at: next };
    return next;
  }

  /**
   * The root of the copy when it has gone on and is restored again: a restore must replace whatever
   * was there.
   */
  rootAgain(moment: Moment): string {
    if (moment.rootAgain === undefined) {
      const machine = this.#machineAt(moment);
      machine.restore(this.bytes.slice());
      moment.rootAgain = toHex(machine.root());
      this.#running = undefined;
    }
    return moment.rootAgain;
  }

  #machineAt(moment: Moment): StateMachine {
    if (this.#running?.at === moment) return this.#running.machine;
    const machine = this.#restored();
    for (const commit of moment.commits) machine.applyCommit(commit);
    return machine;
  }

  #restored(): StateMachine {
    const machine = this.#fresh();
    machine.restore(this.bytes.slice());
    return machine;
  }
}

function momentOf(commits: readonly CommitInput[], word: Word): Moment {
  return { commits, word, next: new Map(), rootAgain: undefined };
}

/** The copies of one world, by their snapshots. */
export class Copies {
  readonly #copies = new Map<string, Copy>();

  /** A machine restored from the snapshot of this one. */
  of(machine: StateMachine): Copy {
    const bytes = machine.snapshot().slice();
    const key = toHex(hash('copied-snapshot', bytes));
    const copy = this.#copies.get(key) ?? new Copy(bytes, () => machine.fresh());
    this.#copies.set(key, copy);
    return copy;
  }
}

/** What a machine said to one commit, as text. */
export function wordOf({ receipts, notices, settled }: Applied, root: Uint8Array): Word {
  const told = receipts.map(({ batch, client, session, seq, commit, results }) =>
    [toHex(batch), toHex(client), toHex(session), seq, commit, ...results.map(toHex)].join(' '),
  );
  const news = notices.map(({ session, body }) => `${toHex(session)} ${toHex(body)}`);
  return { said: [...told, ...news, ...settled.map(toHex)].join(', '), root: toHex(root) };
}

/** All of a commit: the id of a batch stands for what its client signed. */
function textOfCommit(commit: CommitInput): string {
  const { index, epoch, commitTs, leaseClock, batches, unsigned, evidence } = commit;
  return [
    [index, epoch, commitTs, leaseClock].join(' '),
    batches.map(({ id, author }) => `${toHex(id)}/${toHex(author)}`).join(' '),
    unsigned.map(({ bytes }) => toHex(bytes)).join(' '),
    evidence.map(toHex).join(' '),
  ].join(', ');
}
