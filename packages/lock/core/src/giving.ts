// Which ops end a hold of their sender: belief in it ends as they are sent (TIME.md, T5).
import { equalPositions, type Op } from '@fatty/api';
import type { Hold } from './holds.ts';

/** What somebody holds, or may be about to hold. */
export type Claim = Pick<Hold, 'path' | 'mode' | 'at' | 'lockGen'>;

const KINDS = [
  'closeSession',
  'cancel',
  'release',
  'releaseMachine',
  'remove',
  'removeSubtree',
] as const;

/** An op by which a holder ends its own hold. */
export type Giving = Extract<Op, { kind: (typeof KINDS)[number] }>;

function isGiving(op: Op): op is Giving {
  return KINDS.some((kind) => kind === op.kind);
}

/**
 * Those of the ops that may end a hold of whoever sends them. Of a transaction, those of both branches: which
 * one is taken is not known before it is done.
 */
export function givingsOf(ops: readonly Op[]): readonly Giving[] {
  return ops.flatMap((op) =>
    op.kind === 'txn' ? givingsOf([...op.success, ...op.failure]) : isGiving(op) ? [op] : [],
  );
}

/**
 * Whether this op of its own holder ends a hold at the cell, at once if it applies: then the holder
 * must not believe in it from the moment the op is on its way.
 */
export function givesUp(op: Giving, { path, mode, at, lockGen }: Claim): boolean {
  const isLock = mode !== 'machine';
  switch (op.kind) {
    case 'closeSession':
      return isLock;
    case 'cancel':
      return isLock && at?.seq === op.seq && at.index === op.index;
    case 'release':
      return isLock && op.path === path && (!op.lockGen || equalPositions(op.lockGen, lockGen));
    case 'releaseMachine':
      return !isLock && op.path === path;
    case 'remove':
      return op.path === path;
    case 'removeSubtree':
      return op.path === path || path.startsWith(`${op.path}/`);
  }
}
