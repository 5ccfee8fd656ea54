// Transactions: a branch of ops on files, all or none, chosen by what is there.
import { array, bool, choice, digest, record, type Shape, union } from '@fatty/codec';
import type { Digest, Position } from '@fatty/interface';
import { type FileOp, fileOpShape } from './file-ops.ts';
import { positionShape } from './ids.ts';
import { pathShape } from './path.ts';

/** How what is there has to stand to what is given. */
export type Order = 'equal' | 'notEqual' | 'less' | 'greater';

/** Generations of a node that can be compared. */
export type GenerationKind = 'instance' | 'contentGen' | 'lockGen';

/** One condition. All but `exists: false` are false where no live node has the path. */
export type Compare =
  | { readonly kind: 'exists'; readonly path: string; readonly exists: boolean }
  /** A generation that the node has not got yet is less than every position. */
  | {
      readonly kind: 'generation';
      readonly path: string;
      readonly of: GenerationKind;
      readonly is: Order;
      readonly position: Position;
    }
  /** SHA-256 of the content that is shown first; none for a directory. */
  | {
      readonly kind: 'checksum';
      readonly path: string;
      readonly is: 'equal' | 'notEqual';
      readonly checksum: Digest;
    }
  /** Somebody holds the lock by a grant of this generation: what a resource asks about a fencing token. */
  | { readonly kind: 'held'; readonly path: string; readonly lockGen: Position };

/** `success` when all conditions hold, else `failure`: every op of the branch, or none and an error. */
export interface Txn {
  readonly compares: readonly Compare[];
  readonly success: readonly FileOp[];
  readonly failure: readonly FileOp[];
}

/** Most conditions of one transaction. */
export const COMPARES_MAX = 64;
/** Most ops of one branch. */
export const BRANCH_OPS_MAX = 64;

/** Canonical bytes of a condition. Tags are wire format: never reused, never renumbered. */
export const compareShape: Shape<Compare> = union<Compare>({
  exists: [1, record({ path: pathShape, exists: bool })],
  generation: [
    2,
    record({
      path: pathShape,
      of: choice('instance', 'contentGen', 'lockGen'),
      is: choice('equal', 'notEqual', 'less', 'greater'),
      position: positionShape,
    }),
  ],
  checksum: [3, record({ path: pathShape, is: choice('equal', 'notEqual'), checksum: digest })],
  held: [4, record({ path: pathShape, lockGen: positionShape })],
});

/** Canonical bytes of a transaction. */
export const txnShape: Shape<Txn> = record<Txn>({
  compares: array(compareShape, COMPARES_MAX),
  success: array(fileOpShape, BRANCH_OPS_MAX),
  failure: array(fileOpShape, BRANCH_OPS_MAX),
});

/** Ops of one batch stand below this; what stands above belongs to their parts. */
const OP_INDEX_END = 1024;

/**
 * The index under which part `part` of op `index` makes its nodes and siblings (their dots are [session, seq,
 * this]): no op of a batch has it, nor any other part.
 */
export function partIndex(index: number, part: number): number {
  return OP_INDEX_END * (part + 1) + index;
}

/** What a transaction weighs besides its bytes, in ordinary ops: it is tried before it is done. */
export function txnWeight({ compares, success, failure }: Txn): number {
  return compares.length + 2 * Math.max(success.length, failure.length);
}
