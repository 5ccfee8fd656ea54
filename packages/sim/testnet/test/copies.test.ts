// Tests of the copies that S24 compares with.
import { asDigest, asPublicKey, encode, hash, toHex, u53, utf8 } from '@fatty/codec';
import type { Applied, CommitInput, Digest, PublicKey, StateMachine } from '@fatty/interface';
import { expect, test } from 'vitest';
import { Copies } from '../src/world/copies.ts';

const work = { restores: 0, commits: 0 };

/** Adds up what commits hold. `hidden` is no part of its snapshot. */
class Sum implements Pick<StateMachine, 'applyCommit' | 'snapshot' | 'restore' | 'root'> {
  total = 0;
  hidden = 0;

  applyCommit({ index, evidence }: CommitInput): Applied {
    work.commits += 1;
    this.total += evidence.length + index;
    const results = [encode(u53, this.total + this.hidden)];
    const id = asDigest(hash('any', utf8(String(index))));
    const receipt = { batch: id, client: id, session: id, seq: 0, commit: index, results };
    return { receipts: [receipt as never], notices: [], settled: [] };
  }

  snapshot(): Uint8Array {
    return encode(u53, this.total);
  }

  restore(bytes: Uint8Array): void {
    work.restores += 1;
    this.total = bytes[0] ?? 0;
  }

  root(): Digest {
    return hash('sum', this.snapshot());
  }

  fresh(): StateMachine {
    return new Sum().machine;
  }

  get machine(): StateMachine {
    return this as unknown as StateMachine;
  }
}

const KEY = asPublicKey(new Uint8Array(32));

function commit(index: number, evidence: readonly PublicKey[] = []): CommitInput {
  const nothing = { batches: [], unsigned: [], commitTs: 1, leaseClock: 1, epoch: 0 };
  return { ...nothing, index, evidence };
}

const wordAt = (total: number): string => toHex(hash('sum', encode(u53, total)));

test('machines with the same snapshot share a copy: each restore and commit is done once', () => {
  Object.assign(work, { restores: 0, commits: 0 });
  const copies = new Copies();
  for (const replica of [new Sum(), new Sum(), new Sum()]) {
    const copy = copies.of(replica.machine);
    let moment = copy.start;
    for (const index of [1, 2, 3]) moment = copy.follow(moment, commit(index));
    expect(moment.word.root).toBe(wordAt(6));
    expect(copy.rootAgain(moment)).toBe(wordAt(0));
  }
  expect(work).toEqual({ restores: 2, commits: 3 });
});

test('another commit, or another snapshot, is asked for itself', () => {
  const copies = new Copies();
  const copy = copies.of(new Sum().machine);
  const one = copy.follow(copy.start, commit(1));
  const other = copy.follow(copy.start, commit(1, [KEY, KEY]));
  expect([one.word.root, other.word.root]).toEqual([wordAt(1), wordAt(3)]);
  // The copy stands elsewhere by now, and goes there again.
  expect(copy.follow(one, commit(2)).word.root).toBe(wordAt(3));
  expect(copy.follow(other, commit(2)).word.root).toBe(wordAt(5));
  const later = new Sum();
  later.total = 7;
  expect(copies.of(later.machine)).not.toBe(copy);
});

test('a copy knows only what its snapshot says', () => {
  const replica = new Sum();
  replica.hidden = 5;
  const copy = new Copies().of(replica.machine);
  const [said] = replica.machine.applyCommit(commit(1)).receipts;
  const { word } = copy.follow(copy.start, commit(1));
  expect(said?.results.map(toHex)).toEqual(['06']);
  expect(word.said.endsWith(' 01')).toBe(true);
});
