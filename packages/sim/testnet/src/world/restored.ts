// Checks S24: a restored machine goes on as the original does.
import { toHex } from '@fatty/codec';
import type { Applied, CommitInput, Digest, StateMachine } from '@fatty/interface';
import { type Copies, type Copy, type Moment, type Word, wordOf } from './copies.ts';

type Say = (expected: string, actual: string) => void;

/** How often a machine is copied by its snapshot, in commits. */
export const RESTORE_EVERY = 16;

/** Which machine is checked, and how often. */
export interface RestoredOptions {
  readonly machine: StateMachine;
  /** Shared by the machines of one world. */
  readonly copies: Copies;
  /** How often the machine is copied, in commits. */
  readonly every: number;
  readonly say: Say;
  readonly count: (what: string) => void;
}

/**
 * S24 of one machine: every so many commits its snapshot, restored, gives its root and its snapshot
 * again; and the restored machine goes on beside it, saying the same to every commit. A restore
 * replaces whatever was there: the copy, which has gone on, is taken back to the last snapshot first.
 */
export class Restored {
  readonly #options: RestoredOptions;
  #copy: { readonly copy: Copy; moment: Moment } | undefined;

  constructor(options: RestoredOptions) {
    this.#options = options;
  }

  /** After the machine has applied a commit, with what it answered and its root since. */
  applied(commit: CommitInput, applied: Applied, root: Digest): void {
    const { every, count } = this.#options;
    const going = this.#copy;
    if (going !== undefined) {
      going.moment = going.copy.follow(going.moment, commit);
      this.#compare(`commit ${commit.index}`, wordOf(applied, root), going.moment.word);
      count('restoredCommits');
    }
    if (commit.index % every === 0) this.#restore(commit.index, toHex(root));
  }

  #compare(where: string, own: Word, copy: Word): void {
    const { say } = this.#options;
    if (own.said !== copy.said) say(`${where}: ${own.said}`, `restored: ${copy.said}`);
    else if (own.root !== copy.root) say(`${where}: root ${own.root}`, `restored: ${copy.root}`);
  }

  #restore(index: number, root: string): void {
    const { machine, copies, say, count } = this.#options;
    count('restores');
    if (this.#copy !== undefined) {
      const { copy, moment } = this.#copy;
      this.#demandRoot(copy.rootAgain(moment), copy.root, `a snapshot from before commit ${index}`);
    }
    const copy = copies.of(machine);
    this.#demandRoot(copy.root, root, `the snapshot of commit ${index}`);
    if (copy.snapshot !== copy.bytes) {
      say(`snapshot ${toHex(copy.bytes)}`, `restored: ${toHex(copy.snapshot)}`);
    }
    this.#copy = { copy, moment: copy.start };
  }

  #demandRoot(restored: string, root: string, what: string): void {
    if (restored !== root) this.#options.say(`${what}: root ${root}`, `restored: ${restored}`);
  }
}
