// The checkers of a world.
import type { CheckedCell, Checker } from '../world/observation.ts';
import { BlockChecker } from './blocks.ts';
import { BlockBook } from './book.ts';
import { BudgetChecker } from './budgets.ts';
import { CommitChecker } from './commits.ts';
import { CopyChecker } from './copies.ts';
import { DurabilityChecker } from './durability.ts';
import { FramedChecker } from './framed.ts';
import { SlotChecker } from './slots.ts';
import { VoteChecker } from './votes.ts';

export { BlockChecker } from './blocks.ts';
export { BlockBook } from './book.ts';
export { type Agreed, CommitChecker, type CommitSeen, effects } from './commits.ts';
export { CopyChecker } from './copies.ts';
export { DurabilityChecker } from './durability.ts';
export { FramedChecker } from './framed.ts';
export { MachineChecker } from './machines.ts';
export { ReadChecker, type ReadCheckerParts, type ReadSeen } from './reads.ts';
export { SlotChecker } from './slots.ts';
export { type Reader, ViewChecker } from './views.ts';

/** The checkers every world runs, and those whose view the nets read as well. */
export interface Watch {
  readonly checkers: readonly Checker[];
  readonly book: BlockBook;
  readonly commits: CommitChecker;
  readonly copies: CopyChecker;
  readonly framed: FramedChecker;
}

/** A fresh set of checkers for one world. The book comes first: the others read it. */
export function watch(checked: CheckedCell): Watch {
  const book = new BlockBook(checked);
  const commits = new CommitChecker(checked);
  const copies = new CopyChecker(book);
  const framed = new FramedChecker(checked, book);
  const checkers = [
    book,
    new SlotChecker(checked, book),
    commits,
    copies,
    new BlockChecker(checked, book),
    new DurabilityChecker(checked, book),
    new BudgetChecker(checked),
    new VoteChecker(checked),
    framed,
  ];
  return { checkers, book, commits, copies, framed };
}
