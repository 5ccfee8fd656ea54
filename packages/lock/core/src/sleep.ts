// How long nothing was believed (R32d.4).

/**
 * Of the members that a client knows, no more than f are taken to lie while their epoch lasts, and for one longest lease
 * and a grace period after. Who has believed nothing for that long does not know any more whether it lasts: until
 * that is found out, nothing that they say counts.
 */
export class Sleep {
  readonly #msMax: number;
  #believedAtMs: number | undefined;
  #isDeep = false;

  constructor(msMax: number) {
    this.#msMax = msMax;
  }

  /** What members say is not counted. */
  get isDeep(): boolean {
    return this.#isDeep;
  }

  /** Looks at the time, before anything is counted; true: from now on nothing is. */
  falls(atMs: number): boolean {
    this.#believedAtMs ??= atMs;
    if (this.#isDeep || atMs - this.#believedAtMs <= this.#msMax) return false;
    this.#isDeep = true;
    return true;
  }

  /** Enough members have said something that is believed. */
  believed(atMs: number): void {
    if (!this.#isDeep) this.#believedAtMs = atMs;
  }

  /** The epoch is known to be the newest. */
  ends(atMs: number): void {
    this.#isDeep = false;
    this.#believedAtMs = atMs;
  }
}
