// What is kept fresh by asking again: nothing that happened meanwhile is lost, and nothing goes back.
import type { Believed } from './believed.ts';

/** Things by path, each asked for again and again until it is over. */
export class Fresh<T> {
  /** By path: the commit of the newest that is known to have happened there. */
  readonly #since = new Map<string, number>();
  readonly #found = new Map<string, Believed<T>>();

  /** Something happened there at this commit, or may have: it is asked for from now on. */
  touch(path: string, commit: number): void {
    this.#since.set(path, Math.max(commit, this.#since.get(path) ?? 0));
  }

  /** The node is gone. */
  drop(path: string): void {
    this.#since.delete(path);
    this.#found.delete(path);
  }

  /** What to ask for, at most so many. */
  paths(max: number): readonly string[] {
    return [...this.#since.keys()].slice(0, max);
  }

  /**
   * An answer. One of an earlier commit than the last is none. `isOver`: there is nothing more to ask, unless more
   * has happened than the answer knows.
   */
  heard(path: string, answer: Believed<T>, isOver: boolean): void {
    const since = this.#since.get(path);
    if (since === undefined || answer.commit < (this.#found.get(path)?.commit ?? 0)) return;
    this.#found.set(path, answer);
    if (isOver && answer.commit >= since) this.drop(path);
  }

  /** What was found last, by path. */
  get all(): readonly (readonly [string, Believed<T>])[] {
    return [...this.#found];
  }
}
