// A register that keeps concurrent values.
import { array, bytes, mapped, record, type Shape, u53 } from '@fatty/codec';
import {
  ACTOR_BYTES_MAX,
  CausalContext,
  causalContext,
  compareDots,
  type Dot,
  dotKey,
} from './causal-context.ts';
import { joinDots } from './orswot.ts';

/** A value and the write that put it there. */
export interface Written extends Dot {
  readonly value: Uint8Array;
}

/** A write with the dots of the values it saw and therefore replaces. */
export interface RegisterOp {
  readonly written: Written;
  readonly replaces: readonly Dot[];
}

/**
 * Multi-value register: concurrent writes stand side by side until a write that saw them replaces
 * them (Shapiro et al., "A comprehensive study of CRDTs", §3.2.2, with dots). Immutable.
 */
export class MvRegister {
  /** A getter: TypeScript 7.0 emits a static field that names its own class before the name is bound. */
  static get EMPTY(): MvRegister {
    return new this([], CausalContext.EMPTY);
  }

  /** Ascending by dot. */
  readonly values: readonly Written[];
  readonly context: CausalContext;

  private constructor(values: readonly Written[], context: CausalContext) {
    this.values = [...values].sort(compareDots);
    this.context = context;
  }

  /** Brings foreign parts into canonical form: standing values are seen values. */
  static from(values: readonly Written[], context: CausalContext): MvRegister {
    const seen = values.reduce((all, one) => all.add(one), context);
    return new MvRegister(values, seen);
  }

  /** The op by which `actor` writes over everything seen here. */
  write(actor: Uint8Array, value: Uint8Array): RegisterOp {
    return { written: { ...this.context.next(actor), value }, replaces: this.values };
  }

  /** Whether every value that an op replaces has been seen; if not, hold it back. */
  ready(op: RegisterOp): boolean {
    return op.replaces.every((one) => this.context.has(one));
  }

  /** The register after a {@link ready} op. Applying one twice changes nothing. */
  apply(op: RegisterOp): MvRegister {
    if (this.context.has(op.written)) return this;
    const gone = new Set(op.replaces.map(dotKey));
    const rest = this.values.filter((one) => !gone.has(dotKey(one)));
    return new MvRegister([...rest, op.written], this.context.add(op.written));
  }

  merge(other: MvRegister): MvRegister {
    const values = joinDots(this.values, this.context, other.values, other.context);
    return new MvRegister(values, this.context.merge(other.context));
  }
}

const COUNT_MAX = 2 ** 32 - 1;

const written: Shape<Written> = record<Written>({
  actor: bytes(ACTOR_BYTES_MAX),
  counter: u53,
  value: bytes(COUNT_MAX),
});

interface RegisterState {
  readonly values: readonly Written[];
  readonly context: CausalContext;
}

/** Canonical bytes of a register. */
export const mvRegister: Shape<MvRegister> = mapped(
  record<RegisterState>({ values: array(written, COUNT_MAX), context: causalContext }),
  (state) => MvRegister.from(state.values, state.context),
  (register) => ({ values: register.values, context: register.context }),
);
