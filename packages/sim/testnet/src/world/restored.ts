import { toHex } from '@fatty/codec';
import type { Applied, CommitInput, StateMachine } from '@fatty/interface';

/** What a machine said to one commit, as text; its root after it. */
interface Word {
  readonly said: string;
  readonly root: string;
}

type Say = (expected: string, actual: string) => void;

/** How often a machine is copied by its snapshot, in commits. */
export const RESTORE_EVERY = 16;

/**
 * S24 of one machine: every so many commits its snapshot, restored, gives its root and its snapshot
 * again; and the restored machine goes on beside it, saying the same to every commit. A restore
 * replaces whatever was there: the copy, which has gone on, is taken back to the last snapshot first.
 */
export class Restored {
  readonly #machine: StateMachine;
  readonly #every: number;
  readonly #say: Say;
  readonly #count: (what: string) => void;
  #copy: StateMachine | undefined;
  #last: { readonly bytes: Uint8Array; readonly root: string } | undefined;

  constructor(
    machine: StateMachine,
    every: number,
    say: Say,
    count: (what: string) => void = () => undefined,
  ) {
    this.#machine = machine;
    this.#every = every;
    this.#say = say;
    this.#count = count;
  }

  /** After the machine has applied a commit, with what it answered. */
  applied(commit: CommitInput, applied: Applied): void {
    if (this.#copy !== undefined) {
      this.#compare(`commit ${commit.index}`, wordOf(this.#machine, applied), {
        said: textOf(this.#copy.applyCommit(commit)),
        root: toHex(this.#copy.root()),
      });
      this.#count('restoredCommits');
    }
    if (commit.index % this.#every === 0) this.#restore(commit.index);
  }

  #compare(where: string, own: Word, copy: Word): void {
    if (own.said !== copy.said) this.#say(`${where}: ${own.said}`, `restored: ${copy.said}`);
    else if (own.root !== copy.root) {
      this.#say(`${where}: root ${own.root}`, `restored: ${copy.root}`);
    }
  }

  #restore(index: number): void {
    this.#count('restores');
    if (this.#copy !== undefined && this.#last !== undefined) {
      this.#copy.restore(this.#last.bytes);
      this.#demandRoot(this.#copy, this.#last.root, `a snapshot from before commit ${index}`);
    }
    const bytes = this.#machine.snapshot().slice();
    const root = toHex(this.#machine.root());
    const copy = this.#machine.fresh();
    copy.restore(bytes.slice());
    this.#demandRoot(copy, root, `the snapshot of commit ${index}`);
    const again = toHex(copy.snapshot());
    if (again !== toHex(bytes)) this.#say(`snapshot ${toHex(bytes)}`, `restored: ${again}`);
    this.#copy = copy;
    this.#last = { bytes, root };
  }

  #demandRoot(copy: StateMachine, root: string, what: string): void {
    const restored = toHex(copy.root());
    if (restored !== root) this.#say(`${what}: root ${root}`, `restored: ${restored}`);
  }
}

function wordOf(machine: StateMachine, applied: Applied): Word {
  return { said: textOf(applied), root: toHex(machine.root()) };
}

function textOf({ receipts, notices, settled }: Applied): string {
  const told = receipts.map(({ batch, client, session, seq, commit, results }) =>
    [toHex(batch), toHex(client), toHex(session), seq, commit, ...results.map(toHex)].join(' '),
  );
  const news = notices.map(({ session, body }) => `${toHex(session)} ${toHex(body)}`);
  return [...told, ...news, ...settled.map(toHex)].join(', ');
}
