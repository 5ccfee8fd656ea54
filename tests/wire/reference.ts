// REFERENCE.md of the lock service: every op, result, event, notice, query and answer, with an example in hex.
import { answerShape, eventShape, noticeShape, opShape, queryShape, resultShape } from '@fatty/api';
import type { Shape } from '@fatty/codec';
import {
  ANSWERS,
  EVENTS,
  NOTICES,
  OPS,
  QUERIES,
  RESULTS,
} from '../../packages/lock/api/test/samples.ts';
import { messagesOf } from './parts.ts';

const HEAD = `# Reference: ops, results, events, notices, queries, answers

The form of what the lock service is asked and says, with one example in hex of each. What each does is in [README.md](README.md)
and in the [service's README](../service/README.md); how these bytes travel, and how to read the listings, in
[MESSAGES.md](../../kernel/replica/MESSAGES.md). Error codes are [in the README](README.md#errors). \`tests/wire.test.ts\` writes this page from the
shapes that the code reads with (\`GOLDEN=write\` writes it anew); the examples are decoded and encoded again by the tests of this package.
A *position* is [commit, index]; an *op id*, which names nodes, siblings and requests, is [session, seq, index].
`;

function section<T extends { readonly kind: string }>(
  title: string,
  about: string,
  shape: Shape<T>,
  all: Readonly<Record<string, T>>,
): string {
  return [`## ${title}\n`, `${about}\n`, messagesOf(shape, Object.values(all), {}, new Map())].join(
    '\n',
  );
}

/** REFERENCE.md. */
export function reference(): string {
  return [
    HEAD,
    section('Ops', 'Ops of a batch, in the batch’s `ops`.', opShape, OPS),
    section(
      'Results',
      'What an op answered, in its place among the `results` of the receipt.',
      resultShape,
      RESULTS,
    ),
    section(
      'Events',
      'What a commit did at one path; `body` of an event of a watch.',
      eventShape,
      EVENTS,
    ),
    section('Notices', '`body` of a notice.', noticeShape, NOTICES),
    section('Queries', '`query` of a read.', queryShape, QUERIES),
    section('Answers', '`answer` of a read’s result.', answerShape, ANSWERS),
  ]
    .join('\n')
    .replace(/\n{3,}/g, '\n\n');
}
