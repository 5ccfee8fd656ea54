// An op of the lock service as it travels once its bytes have been read.
import { checkOp, decodeOp, type Op, weightOf } from '@fatty/api';
import { type OpenedProof, openProof } from '@fatty/cairo-verify';
import { fail, ok } from '@fatty/codec';
import type { Outcome } from '@fatty/interface';
import type { CellParams } from '@fatty/protocol';

type ProofOp = Extract<Op, { kind: 'takeMachine' | 'renewMachine' | 'proveJob' }>;

/**
 * An op with proofs whose envelopes have been read. A flaw of an envelope is told later, by whoever
 * looks at it.
 */
export type ProvenOp = ProofOp & { readonly read: readonly Outcome<OpenedProof>[] };
/** That of a machine. */
export type MachineProofOp = Exclude<ProvenOp, { kind: 'proveJob' }>;

/** An op whose form holds. */
export type FormedOp = Exclude<Op, ProofOp> | ProvenOp;

/** An op of good form, with its weight. */
export interface OpenedOp {
  readonly op: FormedOp;
  /** What it costs every replica at most, in ordinary ops (R11); a function of its bytes. */
  readonly weight: number;
}

/** A pure function of the bytes and the cell's parameters. Codes of `decodeOp` and `checkOp`. */
export function openOp(bytes: Uint8Array, params: CellParams): Outcome<OpenedOp> {
  const op = decodeOp(bytes);
  if (!op.ok) return op;
  const form = checkOp(op.value, params);
  if (form.kind !== 'accept') return fail(form.code, form.expected, form.actual);
  return ok({ op: withProofs(op.value), weight: weightOf(bytes) });
}

/** Whether an op carries proofs. */
export function isProven<T extends { readonly kind: Op['kind'] }>(
  op: T,
): op is Extract<T, { kind: ProofOp['kind'] }> {
  return op.kind === 'takeMachine' || op.kind === 'renewMachine' || op.kind === 'proveJob';
}

function withProofs(op: Op): FormedOp {
  if (!isProven(op)) return op;
  return { ...op, read: op.proofs.map((envelope) => openProof(envelope)) };
}
