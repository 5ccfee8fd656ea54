// Which of the batches that wait go into one block (R8, R11, R11a).
import { type CarriedBatch, CLIENT_KEYS_MAX, type ClosedBatch } from '@fatty/broadcast';
import { toHex } from '@fatty/codec';
import { BLOCK_WEIGHT_MAX, type Committee } from '@fatty/protocol';
import type { Cost } from '../checks/validate.ts';

/** Canonical heads around one batch, bytes. */
const BATCH_HEAD_BYTES = 80;

/** A batch that may go into the block. */
export interface Candidate {
  readonly id: string;
  readonly carried: CarriedBatch;
  readonly cost: Cost;
  /** The batch is left to somebody else's block, and so is what comes after it in its session. */
  readonly isLeft: boolean;
}

/** Of a batch in a block, bytes. */
export function sizeOf({ signed }: CarriedBatch): number {
  return signed.core.length + BATCH_HEAD_BYTES;
}

/** R3: of the batches with one (session, seq) one has its turn. */
export function placeOf({ batch }: ClosedBatch): string {
  return `${toHex(batch.session)}/${batch.seq}`;
}

/** The candidates that fit into `bytesMax` and the other limits of a block, in their order. */
export function pack(
  candidates: Iterable<Candidate>,
  { params: { limits } }: Committee,
  bytesMax: number,
): readonly Candidate[] {
  let room = bytesMax;
  let ops = limits.blockOpsMax;
  let proofs = limits.blockProofsMax;
  let weight = BLOCK_WEIGHT_MAX;
  const packed: Candidate[] = [];
  const passed = new Set<string>();
  const clients = new Set<string>();
  for (const candidate of candidates) {
    const { carried, cost, isLeft } = candidate;
    const session = toHex(carried.batch.session);
    if (isLeft) passed.add(session);
    // R11: (session, seq) is unique in a block; a lying client's second one waits its turn.
    const place = placeOf(carried);
    if (passed.has(place) || passed.has(session)) continue;
    const client = toHex(carried.batch.client);
    const isStranger = clients.size === CLIENT_KEYS_MAX && !clients.has(client);
    if (cost.proofs > proofs || cost.weight > weight || isStranger) {
      // Keys and slow checks are scarce. A batch that does not fit lets others pass, but not later
      // batches of its session.
      passed.add(session);
      continue;
    }
    if (sizeOf(carried) > room || carried.batch.ops.length > ops) break;
    passed.add(place);
    clients.add(client);
    room -= sizeOf(carried);
    ops -= carried.batch.ops.length;
    proofs -= cost.proofs;
    weight -= cost.weight;
    packed.push(candidate);
  }
  return packed;
}
