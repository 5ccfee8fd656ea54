// Why a gateway does not answer a read.
import type { Failure, Link } from '@fatty/interface';

/** R32b: what was told in an earlier life may be more than what the log of this one holds. */
export const NOT_CURRENT: Failure = {
  code: 'not_current',
  expected: 'a commit with a block that this replica made since it started',
  actual: 'none yet',
};

/** The core that had the batch, or would have had it, is gone: it may come in all the same, or never. */
export const REOPENING: Failure = {
  code: 'reopening',
  expected: 'a replica at work',
  actual: 'one that opens its state anew',
};

/** Why a link did not take an answer: it never will, or its client does not read what is there. */
export function unsent({ messageBytesMax }: Link, sizeBytes: number): Failure {
  if (sizeBytes > messageBytesMax) {
    const [expected, actual] = [`at most ${messageBytesMax} bytes`, `${sizeBytes} bytes`];
    return { code: 'answer_too_large', expected, actual };
  }
  return { code: 'slow_down', expected: 'a client that reads', actual: 'a full link' };
}
