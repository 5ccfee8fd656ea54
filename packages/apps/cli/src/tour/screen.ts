/** A step of the tour that did not do what it says. */
export class StepFailed extends Error {
  override name = 'StepFailed';
}

/** @throws StepFailed with the promise that was broken */
export function expectTrue(condition: boolean, promise: string): asserts condition {
  if (!condition) throw new StepFailed(promise);
}

const LETTERS = 'abcdefg';

/** Plain words and live figures on standard output. */
export class Screen {
  readonly #startMs: number = performance.now();
  #steps = 0;

  title(text: string): void {
    const letter = LETTERS[this.#steps++] ?? '?';
    this.#write(`\n(${letter}) ${text}`);
  }

  say(text: string): void {
    this.#write(`    ${text}`);
  }

  plain(text: string): void {
    this.#write(text);
  }

  get seconds(): string {
    return ((performance.now() - this.#startMs) / 1000).toFixed(1);
  }

  #write(text: string): void {
    process.stdout.write(`${text}\n`);
  }
}

/** Runs `work` and answers its value and how long it took, ms. */
export async function timed<T>(work: () => Promise<T>): Promise<{ value: T; ms: number }> {
  const startMs = performance.now();
  const value = await work();
  return { value, ms: performance.now() - startMs };
}

/** A duration as the tour says it. */
export const ms = (value: number): string =>
  value < 10 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`;

/** Many times what anything here takes: only what hangs is given up. */
const PATIENCE_MS = 120_000;

/** Polls until `look` answers something. @throws StepFailed when it hangs */
export async function until<T>(
  promise: string,
  look: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  const endMs = performance.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    expectTrue(performance.now() < endMs, `${promise} within ${PATIENCE_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
