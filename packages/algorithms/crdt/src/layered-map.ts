/** What a {@link LayeredMap} has of a Map, so that it can stand in for one. */
export interface Entries<K, V> extends Iterable<[K, V]> {
  readonly size: number;
  get(key: K): V | undefined;
  has(key: K): boolean;
  set(key: K, value: V): unknown;
  delete(key: K): boolean;
  values(): Iterable<V>;
}

/**
 * A copy of a map at the price of its changes: reads go through to the base, which must not change
 * while the copy is in use. Entries of the base come first.
 */
export class LayeredMap<K, V> implements Entries<K, V> {
  readonly #base: Entries<K, V>;
  readonly #own = new Map<K, V>();
  /** Keys of the base that are deleted here, or have another value. */
  readonly #hidden = new Set<K>();

  constructor(base: Entries<K, V>) {
    this.#base = base;
  }

  get size(): number {
    return this.#base.size - this.#hidden.size + this.#own.size;
  }

  get(key: K): V | undefined {
    if (this.#own.has(key)) return this.#own.get(key);
    return this.#hidden.has(key) ? undefined : this.#base.get(key);
  }

  has(key: K): boolean {
    return this.#own.has(key) || (!this.#hidden.has(key) && this.#base.has(key));
  }

  set(key: K, value: V): this {
    if (this.#base.has(key)) this.#hidden.add(key);
    this.#own.set(key, value);
    return this;
  }

  delete(key: K): boolean {
    const had = this.has(key);
    if (this.#base.has(key)) this.#hidden.add(key);
    this.#own.delete(key);
    return had;
  }

  *[Symbol.iterator](): Generator<[K, V], void, undefined> {
    for (const entry of this.#base) if (!this.#hidden.has(entry[0])) yield entry;
    yield* this.#own;
  }

  *values(): Generator<V, void, undefined> {
    for (const [, value] of this) yield value;
  }
}
