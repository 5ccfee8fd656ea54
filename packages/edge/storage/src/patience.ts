// Waits for room on a full disk.
import { isDiskFull } from './errors.ts';

/** Who waits for room, and who is told. */
export interface PatienceOptions {
  /** Between two tries, ms. Default 1,000. */
  readonly delayMs?: number;
  /** True: a write waits for room. False: none does any more. */
  readonly onFull: (isFull: boolean) => void;
}

/**
 * Writes that find the disk full are made anew, whole, until they get through: nothing of them counts
 * before, and each try writes all of its bytes again, so that one that succeeds has them on disk. Other
 * failures are final.
 */
export class Patience {
  readonly #delayMs: number;
  readonly #onFull: (isFull: boolean) => void;
  readonly #wakers = new Set<() => void>();
  #waiting = 0;
  #isOver = false;

  constructor({ delayMs = 1_000, onFull }: PatienceOptions) {
    this.#delayMs = delayMs;
    this.#onFull = onFull;
  }

  /** Resolves and rejects as `write` does, but for a full disk: then it is tried again. */
  async attempt<T>(write: () => Promise<T>): Promise<T> {
    let isWaiting = false;
    try {
      for (;;) {
        try {
          return await write();
        } catch (error) {
          if (this.#isOver || !isDiskFull(error)) throw error;
        }
        if (!isWaiting && this.#waiting++ === 0) this.#onFull(true);
        isWaiting = true;
        await this.#pause();
      }
    } finally {
      if (isWaiting && --this.#waiting === 0) this.#onFull(false);
    }
  }

  /** The process ends: what waits is tried once more, and then fails. */
  giveUp(): void {
    this.#isOver = true;
    for (const wake of this.#wakers) wake();
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#wakers.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, this.#delayMs);
      this.#wakers.add(wake);
    });
  }
}
