// The observed-remove set without tombstones (ORSWOT).
import { array, bytes, compareBytes, mapped, record, type Shape, toHex } from '@fatty/codec';
import {
  CausalContext,
  causalContext,
  compareDots,
  type Dot,
  dotKey,
  dot as dotShape,
} from './causal-context.ts';

/** A member of the set, and why it is there. */
export interface OrswotEntry {
  readonly member: Uint8Array;
  /** The adds of it that stand; never empty; ascending. */
  readonly dots: readonly Dot[];
}

/** The two ops. A remove names the adds its author saw, so an add it did not see wins. */
export type OrswotOp =
  | { readonly kind: 'add'; readonly member: Uint8Array; readonly dot: Dot }
  | { readonly kind: 'remove'; readonly member: Uint8Array; readonly dots: readonly Dot[] };

/**
 * Observed-remove set without tombstones (Bieniusa et al., "An optimized conflict-free replicated
 * set"): members with the dots of their adds, and one causal context that tells "removed" from
 * "not seen yet". Immutable. Works by ops and by state: `merge` is a join.
 */
export class Orswot {
  /** A getter: TypeScript 7.0 emits a static field that names its own class before the name is bound. */
  static get EMPTY(): Orswot {
    return new this(new Map(), CausalContext.EMPTY);
  }

  readonly #entries: ReadonlyMap<string, OrswotEntry>;
  readonly context: CausalContext;

  private constructor(entries: ReadonlyMap<string, OrswotEntry>, context: CausalContext) {
    this.#entries = entries;
    this.context = context;
  }

  /** Brings foreign parts into canonical form: live dots are seen dots, no member without one. */
  static from(entries: readonly OrswotEntry[], context: CausalContext): Orswot {
    let set = new Orswot(new Map(), context);
    for (const { member, dots } of entries) {
      const seen = dots.reduce((all, one) => all.add(one), set.context);
      set = set.#with(member, [...set.dotsOf(member), ...dots], seen);
    }
    return set;
  }

  has(member: Uint8Array): boolean {
    return this.#entries.has(toHex(member));
  }

  /** The adds of a member that stand; empty when it is out. */
  dotsOf(member: Uint8Array): readonly Dot[] {
    return this.#entries.get(toHex(member))?.dots ?? [];
  }

  /** Members in byte order, with their dots. */
  entries(): readonly OrswotEntry[] {
    return [...this.#entries.values()].sort((a, b) => compareBytes(a.member, b.member));
  }

  /** The op by which `actor` adds a member here and now. */
  add(actor: Uint8Array, member: Uint8Array): OrswotOp {
    return { kind: 'add', member, dot: this.context.next(actor) };
  }

  /** The op that removes what is seen of a member here. */
  remove(member: Uint8Array): OrswotOp {
    return { kind: 'remove', member, dots: this.dotsOf(member) };
  }

  /** Whether every dot an op names has been seen; if not, hold it back and try again later. */
  ready(op: OrswotOp): boolean {
    return op.kind === 'add' || op.dots.every((one) => this.context.has(one));
  }

  /** The set after a {@link ready} op. Applying one twice changes nothing. */
  apply(op: OrswotOp): Orswot {
    const live = this.dotsOf(op.member);
    if (op.kind === 'add') {
      // A seen dot that is not live was removed: a late copy must not bring it back.
      if (this.context.has(op.dot)) return this;
      return this.#with(op.member, [...live, op.dot], this.context.add(op.dot));
    }
    const gone = new Set(op.dots.map(dotKey));
    const rest = live.filter((one) => !gone.has(dotKey(one)));
    return this.#with(op.member, rest, this.context);
  }

  /** Join: a dot stands if both have it, or one has it and the other never saw it. */
  merge(other: Orswot): Orswot {
    const context = this.context.merge(other.context);
    let joined = new Orswot(new Map(), context);
    const members = [...this.#entries.values(), ...other.#entries.values()].map((e) => e.member);
    for (const member of members) {
      const mine = this.dotsOf(member);
      const theirs = other.dotsOf(member);
      const dots = joinDots(mine, this.context, theirs, other.context);
      joined = joined.#with(member, dots, context);
    }
    return joined;
  }

  #with(member: Uint8Array, dots: readonly Dot[], context: CausalContext): Orswot {
    const entries = new Map(this.#entries);
    if (dots.length === 0) entries.delete(toHex(member));
    else entries.set(toHex(member), { member, dots: [...dots].sort(compareDots) });
    return new Orswot(entries, context);
  }
}

/** Dots of two replicas of one store, joined. */
export function joinDots<D extends Dot>(
  mine: readonly D[],
  mySeen: CausalContext,
  theirs: readonly D[],
  theirSeen: CausalContext,
): readonly D[] {
  const shared = new Set(theirs.map(dotKey));
  const kept = mine.filter((one) => shared.has(dotKey(one)) || !theirSeen.has(one));
  return [...kept, ...theirs.filter((one) => !mySeen.has(one))];
}

/** Most bytes of a member. */
export const MEMBER_BYTES_MAX = 65_536;
const COUNT_MAX = 2 ** 32 - 1;

const entryShape: Shape<OrswotEntry> = record<OrswotEntry>({
  member: bytes(MEMBER_BYTES_MAX),
  dots: array(dotShape, COUNT_MAX),
});

interface OrswotState {
  readonly entries: readonly OrswotEntry[];
  readonly context: CausalContext;
}

/** Canonical bytes of a set. */
export const orswot: Shape<Orswot> = mapped(
  record<OrswotState>({ entries: array(entryShape, COUNT_MAX), context: causalContext }),
  (state) => Orswot.from(state.entries, state.context),
  (set) => ({ entries: set.entries(), context: set.context }),
);
