// Who watches a room from outside, and says what is broken.
import type { Violation } from '@fatty/testnet';

/** Says that a rule does not hold; at nobody in particular when `process` is −1. */
export type Accuse = (
  wrong: Pick<Violation, 'rule' | 'expected' | 'actual'>,
  process: number,
) => void;

/** Counts what a run has reached. */
export type Count = (what: string, by?: number) => void;

/**
 * Watches wires, disks and what processes report; it sees no process from inside and shares no code with
 * them. All is told in the order in which it happens.
 */
export interface Judge<M, S> {
  /** A client wants this value. */
  asked?(value: string): void;
  /** It leaves the process: its sender can never take it back. */
  sent?(from: number, to: number, message: M): void;
  /** It is on the disk; told again when a life begins with it. */
  saved?(process: number, state: S): void;
  decided?(process: number, slot: number, value: string): void;
}

/** A judge of one world. */
export type MakeJudge<M, S> = (accuse: Accuse, count: Count, processes: number) => Judge<M, S>;
