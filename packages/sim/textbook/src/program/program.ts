// What a protocol of the textbook is made of: a program without IO, an input in, effects out.
import type { Shape } from '@fatty/codec';

/** What happens to a process. Processes have numbers, 0 to n − 1. */
export type Input<M> =
  /** Its life begins, with what its disk has. */
  | { readonly kind: 'started' }
  | { readonly kind: 'heard'; readonly from: number; readonly message: M }
  | { readonly kind: 'rang'; readonly timer: string }
  /** A client wants this value to be decided. */
  | { readonly kind: 'asked'; readonly value: string };

/** What a process does. */
export type Effect<M, S> =
  /** Writes all that it may not forget. Whatever else the same step does waits until this is on disk. */
  | { readonly kind: 'save'; readonly state: S }
  | { readonly kind: 'send'; readonly to: number; readonly message: M }
  /** Rings once, at a moment that the dice pick; set again, it rings at the later setting only. */
  | {
      readonly kind: 'setTimer';
      readonly timer: string;
      readonly msMin: number;
      readonly msMax: number;
    }
  /** It has learned what was decided in this slot. */
  | { readonly kind: 'decided'; readonly slot: number; readonly value: string }
  /** Something a reader of the run wants to know; `what` is counted. */
  | { readonly kind: 'note'; readonly what: string; readonly words: string };

/** One life of one process. Pure: no clock, no dice; the same inputs give the same effects. */
export interface Program<M, S> {
  step(input: Input<M>): readonly Effect<M, S>[];
}

/** A protocol, as the world that runs it sees it. */
export interface Protocol<M, S> {
  readonly name: string;
  readonly message: Shape<M>;
  /** What a process keeps on its disk. */
  readonly saved: Shape<S>;
  /** It decides one value for good, and not a list of them. */
  readonly isSingle: boolean;
  /** A new life; `saved` is what the last one left on the disk. */
  open(me: number, processes: number, saved: S | undefined): Program<M, S>;
  /** A message in a few words, for charts. */
  words(message: M): string;
  /** Values of clients in a message. */
  values(message: M): readonly string[];
}

/** Bytes of a value at most. */
export const VALUE_BYTES_MAX = 64;

/** Fills a slot that nobody asked for. */
export const NOTHING = '';

/** How many of n processes two of which never miss each other: more than half. */
export function majority(processes: number): number {
  return Math.floor(processes / 2) + 1;
}

/** A value as charts have it. */
export const named = (value: string): string => (value === NOTHING ? 'a no-op' : value);
