// What the checker says when an honest member has signed what convicts it (S19).
import { encode, hash, signedBytes, utf8 } from '@fatty/codec';
import { certOf, openVote, type SignedVote, type Vote, voteShape } from '@fatty/protocol';
import { decodeMessage, encodeMessage } from '@fatty/replica';
import { beforeAll, describe, expect, test } from 'vitest';
import { FramedChecker, watch } from '../src/checkers/index.ts';
import { bend, openDraft, swapParent } from '../src/liars/craft.ts';
import type { CheckedCell, Observation } from '../src/world/observation.ts';
import { SeededRng } from '../src/world/rng.ts';
import { blocksIn } from '../src/world/sight.ts';
import { cell, checked, record } from './recorded-history.ts';

let history: readonly Observation[] = [];
beforeAll(() => {
  history = record();
});

/** Whom the statements of a history would convict, though nobody lies in it. */
function framed(told: readonly Observation[], by: CheckedCell = checked): readonly number[] {
  const { book } = watch(by);
  const checker = new FramedChecker(by, book);
  const found = told.flatMap((one) => {
    book.see(one);
    return checker.see(one);
  });
  expect(checker.tried).toBeGreaterThan(20);
  return found.map(({ replica }) => replica);
}

const said = (by: number, bytes: Uint8Array): Observation => {
  return { kind: 'sent', by, to: (by + 1) % 4, bytes, atMs: 0 };
};

/** A block of an honest author, above round 4, made anew by its author's own key. */
function another(change: (draft: Draft) => Parameters<typeof bend>[2]) {
  const found = history.flatMap((one) =>
    one.kind === 'sent' ? blocksIn(one.bytes).filter(({ round }) => round > 4) : [],
  );
  const block = found[0];
  const bytes = history
    .flatMap((one) => (one.kind === 'synced' ? one.records : []))
    .find(({ body }) => blocksIn(body).some(({ key }) => key === block?.key))?.body;
  const draft = bytes && openDraft(bytes);
  if (block === undefined || draft === undefined) throw new Error('a block above round 4');
  const signer = cell.signers[block.author];
  if (signer === undefined) throw new Error('four signers');
  const rng = new SeededRng(1);
  const insider = { index: block.author, signer, cell, rng, lied: () => undefined };
  return said(block.author, bend(insider, draft, change(draft)));
}

type Draft = NonNullable<ReturnType<typeof openDraft>>;

function votes(): readonly SignedVote[] {
  return history.flatMap((one) => {
    const message = one.kind === 'sent' ? decodeMessage(one.bytes, one.bytes.length) : undefined;
    return message?.ok && message.value.kind === 'vote' ? [message.value.vote] : [];
  });
}

function signedBy(author: number, core: Uint8Array): SignedVote {
  const signer = cell.signers[author];
  if (signer === undefined) throw new Error('four signers');
  return { author, core, sig: signer.sign(signedBytes('vote', cell.cellId, core)) };
}

const root = hash('other', utf8('root')) as Vote['stateRoot'];

function bentVote(): { readonly author: number; readonly core: Uint8Array } {
  const [first] = votes();
  const opened = first && openVote(first.core);
  if (!opened?.ok) throw new Error('somebody voted');
  return {
    author: first?.author ?? 0,
    core: encode(voteShape, { ...opened.value, stateRoot: root }),
  };
}

describe('S19, over all that is signed', () => {
  test('an honest history frames nobody', () => {
    expect(framed(history)).toEqual([]);
  });

  test('two blocks of one slot frame their author', () => {
    const twin = another(({ header }) => ({ ts: header.ts + 1 }));
    expect(framed([...history, twin])).toContain(twin.by);
    const liars = { ...checked, liars: new Set([twin.by]) };
    expect(framed([...history, twin], liars)).toEqual([]);
  });

  test('a block that leaves out an own one frames its author', () => {
    const skipping = another(({ header }) => {
      const [own] = header.parents;
      if (own === undefined) throw new Error('an own parent');
      return { parents: swapParent(header.parents, 0, { ...own, round: own.round - 2 }) };
    });
    expect(framed([...history, skipping])).toContain(skipping.by);
  });

  test('one invalid header frames its author', () => {
    const invalid = another(({ header }) => ({ parents: header.parents.slice(0, 2) }));
    expect(framed([...history, invalid])).toContain(invalid.by);
  });

  test('two votes for one commit frame their author', () => {
    const { author, core } = bentVote();
    const vote = encodeMessage({ kind: 'vote', vote: signedBy(author, core) });
    expect(framed([...history, said(author, vote)])).toContain(author);
  });

  test('a vote beside the certificate of its commit frames its author', () => {
    const { author, core } = bentVote();
    const others = [0, 1, 2, 3].filter((one) => one !== author);
    const certificate = certOf(
      cell.committee,
      others.map((one) => signedBy(one, core)),
    );
    const bytes = encodeMessage({ kind: 'cert', cert: certificate });
    expect(framed([...history, said(others[0] ?? 0, bytes)])).toContain(author);
  });
});
