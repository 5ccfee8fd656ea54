// The shapes of what `@fatty/cairo` makes, as far as callers of a worker see them.
import type { PublicInput } from '@fatty/cairo-air';

// Declared here, and not imported: that package is an optional peer, and the declarations of the SDK are read
// by compilers in installs without it. They are the same types to a compiler, member by member.

/** A program that the VM can run: what `assemble` and `loadProgram` answer. */
export interface Runnable {
  readonly builtins: readonly string[];
  /** Memory words from address 1. */
  readonly words: readonly bigint[];
  readonly start: number | undefined;
  readonly end: number | undefined;
  readonly main: number;
  /** Names of main's first frame cells, from [fp] on: the statement. */
  readonly cells: readonly string[];
  readonly hints: readonly RunnableHint[];
}

/** What the VM does before the instruction at offset `pc`. */
export type RunnableHint =
  | {
      readonly kind: 'inputs';
      readonly pc: number;
      readonly inputs: readonly { readonly key: string; readonly cell: number }[];
    }
  | { readonly kind: 'segment'; readonly pc: number };

/** A finished run in proof mode: what `runProgram` answers. */
export interface Run {
  readonly publicInput: PublicInput;
  readonly privateInput: {
    readonly pedersen: readonly {
      readonly index: number;
      readonly x: bigint;
      readonly y: bigint;
    }[];
    readonly rangeCheck: readonly { readonly index: number; readonly value: bigint }[];
  };
  readonly trace: readonly { readonly ap: number; readonly fp: number; readonly pc: number }[];
  readonly memory: readonly { readonly address: number; readonly value: bigint }[];
  readonly cells: readonly bigint[];
  readonly output: readonly bigint[];
  readonly stepsUsed: number;
}

/** What a caller chooses of a proof; everything else follows from it and the number of steps. */
export interface ParameterOptions {
  /** Conjectured bits, default 96: queries · log2 cosets + bits of work. */
  readonly bits?: number;
  /** log2 of the blow-up, 1..6, default 4. Less is faster to prove, and a larger proof. */
  readonly logNCosets?: number;
  /** Bits of proof of work, default 16: 2^16 hashes. */
  readonly powBits?: number;
  /** Default `keccak256`, unmasked. */
  readonly commitmentHash?: string;
  /** Of channel and proof of work, default `keccak256`. */
  readonly channelHash?: string;
  /** Coefficients of the last FRI layer, a power of two, default 64. */
  readonly lastLayerDegreeBound?: number;
  /** Halvings per FRI layer: 0, then 1 to 4 each. Default: threes, then the rest. */
  readonly friStepList?: readonly number[];
}

/** Where a prover is. */
export interface ProverProgress {
  readonly phase: string;
  /** Of the phase, 0..1. */
  readonly fraction: number;
  /** Most bytes of the prover's memory so far. */
  readonly bytesPeak: number;
}
