// How threads share one proof: lists of tasks in common memory.
import { type Call, instantiate, type Memory } from './engine.ts';

/** What a thread needs to take part in a proof; it survives `postMessage`. */
export interface Aid {
  readonly module: object;
  /** Shared by all threads of the proof. */
  readonly memory: Memory;
  /** Bytes for the thread itself, see {@link SCRATCH}. */
  readonly scratch: number;
}

/** Other threads, to a prover: somebody else starts and ends them. */
export interface Crew {
  readonly helpers: number;
  /** Makes a helper call {@link help}, once for each proof and whenever it is free. */
  summon(helper: number, aid: Aid): void;
}

/** Bytes that hash functions use: the states of two sponges, or a digest. */
export const SCRATCH = 400;

/** Where threads meet: indices of 32-bit words at the beginning of the memory. */
const ROUND = 1;
/** Tasks that nobody has taken yet, and tasks that are not done yet. */
const OPEN = 2;
const LEFT = 3;
/** Address of the round's list. */
const LIST = 4;
const STOPPED = 5;
const WORDS = 6;

/** Calls one after the other: number of the function, how many parameters, these. */
export type Task = readonly number[];

/** Words per task at the beginning of a list: where it begins, where it ends. */
const HEAD = 2;

/** Bytes of a list of tasks. */
export function listSize(tasks: readonly Task[]): number {
  return tasks.reduce((sum, { length }) => sum + 4 * (HEAD + length), 0);
}

/** Writes a list for {@link Rounds.play} to address `at` of a memory of these words. */
export function writeList(words: Int32Array, at: number, tasks: readonly Task[]): void {
  let next = at / 4 + HEAD * tasks.length;
  for (const [i, task] of tasks.entries()) {
    words.set([next, next + task.length], at / 4 + HEAD * i);
    words.set(task, next);
    next += task.length;
  }
}

/**
 * Rounds of tasks that do not depend on each other. Whoever is free takes the next task; no thread
 * goes on before all are done, so that what is in memory after a round does not depend on who did
 * what, nor on how many they were.
 */
export class Rounds {
  readonly #memory: Memory;
  readonly #calls: readonly Call[];
  readonly #words: Int32Array;

  constructor({ module, memory, scratch }: Aid) {
    this.#memory = memory;
    this.#calls = [...instantiate(module, memory, scratch).values()];
    this.#words = new Int32Array(memory.buffer, 0, WORDS);
  }

  /** Has the `count` tasks of a list done; answers what the last call of each task answered. */
  play(list: number, count: number): number[] {
    const words = this.#words;
    words[LIST] = list;
    Atomics.store(words, LEFT, count);
    Atomics.store(words, OPEN, count);
    this.#wake();
    this.#work();
    for (let left = Atomics.load(words, LEFT); left > 0; left = Atomics.load(words, LEFT))
      Atomics.wait(words, LEFT, left);
    const heads = new Int32Array(this.#memory.buffer, list, HEAD * count);
    return Array.from({ length: count }, (_, i) => heads[HEAD * i] as number);
  }

  /** Before helpers come. One that missed the end of the proof before may still be here. */
  start(): void {
    Atomics.store(this.#words, STOPPED, 0);
  }

  /** Sends the helpers home. */
  stop(): void {
    Atomics.store(this.#words, STOPPED, 1);
    this.#wake();
  }

  /** Takes part until {@link stop}; blocks. */
  help(): void {
    const words = this.#words;
    while (Atomics.load(words, STOPPED) === 0) {
      const round = Atomics.load(words, ROUND);
      // A round that begins from here on makes the wait return at once.
      if (!this.#work()) Atomics.wait(words, ROUND, round);
    }
  }

  #wake(): void {
    Atomics.add(this.#words, ROUND, 1);
    Atomics.notify(this.#words, ROUND);
  }

  /** Does tasks while there are any; answers whether there was one. */
  #work(): boolean {
    const words = this.#words;
    for (let none = true; ; none = false) {
      const task = this.#take();
      if (task === undefined) return !none;
      this.#do(task);
      if (Atomics.sub(words, LEFT, 1) === 1) Atomics.notify(words, LEFT);
    }
  }

  /**
   * A ticket counts down, and is taken by exchange: whoever gets one gets it of the round that is
   * on, however long ago it read the count, and that round's list stays until its task is done.
   */
  #take(): number | undefined {
    const words = this.#words;
    for (let open = Atomics.load(words, OPEN); open > 0; ) {
      const found = Atomics.compareExchange(words, OPEN, open, open - 1);
      if (found === open) return open - 1;
      open = found;
    }
    return undefined;
  }

  #do(task: number): void {
    const list = new Int32Array(this.#memory.buffer);
    const head = (this.#words[LIST] as number) / 4 + HEAD * task;
    const end = list[head + 1] as number;
    let answer = 0;
    for (let at = list[head] as number; at < end; ) {
      const call = this.#calls[list[at] as number] as Call;
      const first = at + 2;
      at = first + (list[at + 1] as number);
      answer = call(...list.subarray(first, at));
    }
    list[head] = answer ?? 0;
  }
}

/** A helper's part of a proof: blocks its thread until the proof is made or given up. */
export function help(aid: Aid): void {
  new Rounds(aid).help();
}
