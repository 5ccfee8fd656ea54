// Dots, and the set of dots that a replica has seen.
import { array, bytes, compareBytes, mapped, record, type Shape, toHex, u53 } from '@fatty/codec';

/** One event of one actor; counters start at 1 and are never reused. */
export interface Dot {
  readonly actor: Uint8Array;
  readonly counter: number;
}

/** Most bytes of an actor's name. */
export const ACTOR_BYTES_MAX = 64;
const COUNT_MAX = 2 ** 32 - 1;

/** Canonical bytes of a dot. */
export const dot: Shape<Dot> = record<Dot>({ actor: bytes(ACTOR_BYTES_MAX), counter: u53 });

/** Map key of a dot. */
export function dotKey(one: Dot): string {
  return `${toHex(one.actor)}.${one.counter}`;
}

/** The order of dots: by actor bytes, then by counter. */
export function compareDots(a: Dot, b: Dot): number {
  return compareBytes(a.actor, b.actor) || a.counter - b.counter;
}

interface Seen {
  readonly actor: Uint8Array;
  /** Every counter up to here is seen. */
  readonly upTo: number;
  /** Seen beyond `upTo + 1`: what arrived out of order, ascending. */
  readonly beyond: readonly number[];
}

/**
 * The set of dots a replica has seen, small because each actor's are mostly a prefix
 * (Almeida, Shoker, Baquero: "Delta state replicated data types", §7.2). Immutable.
 */
export class CausalContext {
  /** A getter: TypeScript 7.0 emits a static field that names its own class before the name is bound. */
  static get EMPTY(): CausalContext {
    return new this(new Map());
  }

  readonly #seen: ReadonlyMap<string, Seen>;

  private constructor(seen: ReadonlyMap<string, Seen>) {
    this.#seen = seen;
  }

  static from(entries: readonly Seen[]): CausalContext {
    let context = CausalContext.EMPTY;
    for (const entry of entries) context = context.#with(entry);
    return context;
  }

  has(one: Dot): boolean {
    const seen = this.#seen.get(toHex(one.actor));
    if (seen === undefined) return false;
    return one.counter <= seen.upTo || seen.beyond.includes(one.counter);
  }

  /** The dot this actor's next event should carry: only the actor itself may ask. */
  next(actor: Uint8Array): Dot {
    const seen = this.#seen.get(toHex(actor));
    return { actor, counter: (seen?.beyond.at(-1) ?? seen?.upTo ?? 0) + 1 };
  }

  add(one: Dot): CausalContext {
    return this.#with({ actor: one.actor, upTo: 0, beyond: [one.counter] });
  }

  merge(other: CausalContext): CausalContext {
    return other.entries().reduce<CausalContext>((context, entry) => context.#with(entry), this);
  }

  /** Canonical: by actor, as few numbers as possible. */
  entries(): readonly Seen[] {
    return [...this.#seen.values()].sort((a, b) => compareBytes(a.actor, b.actor));
  }

  #with(entry: Seen): CausalContext {
    if (entry.upTo === 0 && entry.beyond.length === 0) return this;
    const key = toHex(entry.actor);
    const old = this.#seen.get(key);
    let upTo = Math.max(old?.upTo ?? 0, entry.upTo);
    const loose = new Set([...(old?.beyond ?? []), ...entry.beyond]);
    while (loose.has(upTo + 1)) upTo++;
    const beyond = [...loose].filter((counter) => counter > upTo).sort((a, b) => a - b);
    return new CausalContext(new Map(this.#seen).set(key, { actor: entry.actor, upTo, beyond }));
  }
}

const seenShape: Shape<Seen> = record<Seen>({
  actor: bytes(ACTOR_BYTES_MAX),
  upTo: u53,
  beyond: array(u53, COUNT_MAX),
});

/** Canonical bytes of a causal context. */
export const causalContext: Shape<CausalContext> = mapped(
  array(seenShape, COUNT_MAX),
  (entries) => CausalContext.from(entries),
  (context) => context.entries(),
);
