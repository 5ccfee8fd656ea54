// Tests that every checker finds a history that breaks its rule.
import { hash, toHex, utf8 } from '@fatty/codec';
import { OrswotAlgorithm } from '@fatty/crdt';
import type { OrderedBatch, StateMachine } from '@fatty/interface';
import { memberKey } from '@fatty/protocol';
import { beforeAll, describe, expect, test } from 'vitest';
import { BlockBook, type Reader, ViewChecker } from '../src/checkers/index.ts';
import { bend as bendDraft, openDraft, swapParent } from '../src/liars/craft.ts';
import { staged } from '../src/staging/staged.ts';
import type { Observation } from '../src/world/observation.ts';
import { SeededRng } from '../src/world/rng.ts';
import { blocksIn } from '../src/world/sight.ts';
import { cell, checked, record, rulesBroken } from './recorded-history.ts';

type Kind = Observation['kind'];
type Of<K extends Kind> = Extract<Observation, { kind: K }>;

let history: readonly Observation[] = [];

/** The history with one observation of a kind, the `at`-th that `fits`, told otherwise. */
function bend<K extends Kind>(
  kind: K,
  change: (one: Of<K>) => readonly Observation[],
  fits: (one: Of<K>) => boolean = () => true,
  at = 0,
): readonly Observation[] {
  let left = at;
  let bent = false;
  const out = history.flatMap((one) => {
    if (bent || one.kind !== kind || !fits(one as Of<K>) || left-- > 0) return [one];
    bent = true;
    return change(one as Of<K>);
  });
  expect(bent).toBe(true);
  return out;
}

/** Every telling of the commit at `index` changed in the same way: agreed, and wrong. */
function bendAll(
  index: number,
  change: (one: Of<'committed'>) => Of<'committed'>,
): readonly Observation[] {
  return history.map((one) =>
    one.kind === 'committed' && one.commit.index === index ? change(one) : one,
  );
}

const commitChanged =
  (change: Partial<Of<'committed'>['commit']>) =>
  (one: Of<'committed'>): Of<'committed'> => ({ ...one, commit: { ...one.commit, ...change } });

const withReceipts = (one: Of<'committed'>): boolean => one.applied.receipts.length > 0;

beforeAll(() => {
  history = record();
});

describe('every rule is broken by a history that breaks it', () => {
  test('and none by an honest one, with every rule in play', () => {
    expect(rulesBroken(history)).toEqual(new Set());
    const kinds = new Set(history.map(({ kind }) => kind));
    expect(kinds).toEqual(new Set(['sent', 'synced', 'delivered', 'committed', 'noted']));
    expect(
      history.filter((one) => one.kind === 'committed' && withReceipts(one)).length,
    ).toBeGreaterThanOrEqual(16);
  });

  test('S1: an honest author fills a slot twice', () => {
    const [own] = history.flatMap((one) =>
      one.kind === 'synced' ? one.records.filter(({ body }) => isOwn(body, one.by)) : [],
    );
    const draft = own && openDraft(own.body);
    if (draft === undefined) throw new Error('somebody stored a block of its own');
    const { author, ts } = draft.header;
    const signer = cell.signers[author];
    if (signer === undefined) throw new Error('four signers');
    const insider = { index: author, signer, cell, rng: new SeededRng(1), lied: () => undefined };
    const twin = bendDraft(insider, draft, { ts: ts + 1 });
    const sent = { kind: 'sent', by: author, to: 1, bytes: twin, atMs: 0 } as const;
    expect(rulesBroken([...history, sent])).toContain('S1');
    // A liar may: nothing is promised about it.
    const liars = new Set([author]);
    expect(rulesBroken([...history, sent], { ...checked, liars })).not.toContain('S1');
  });

  test('S2: two blocks of one slot are delivered', () => {
    const digest = hash('other', utf8('block'));
    const told = bend('delivered', (one) => [
      one,
      {
        ...one,
        by: (one.by + 1) % 4,
        ref: { ...one.ref, digest: digest as typeof one.ref.digest },
      },
    ]);
    expect(rulesBroken(told)).toContain('S2');
  });

  test('S2: blocks of two branches of one author are delivered', () => {
    const chain = history
      .flatMap((one) => (one.kind === 'delivered' && one.by === 0 ? [one] : []))
      .filter(({ ref }) => ref.author === 2)
      .sort((a, b) => a.ref.round - b.ref.round);
    const [base, left, right] = chain;
    if (base === undefined || left === undefined || right === undefined) {
      throw new Error('somebody delivered three blocks of one author');
    }
    const disks = history.filter((one) => one.kind === 'synced');
    const draft = disks
      .flatMap(({ records }) => records)
      .map(({ body }) => openDraft(body))
      .find((one) => one?.header.author === 2 && one.header.round === right.ref.round);
    const signer = cell.signers[2];
    if (draft === undefined || signer === undefined) throw new Error('it was stored');
    const insider = { index: 2, signer, cell, rng: new SeededRng(1), lied: () => undefined };
    // On the block before the last: its slot is free, what it stands beside is delivered as well.
    const branch = bendDraft(insider, draft, {
      parents: swapParent(draft.header.parents, 0, base.ref),
    });
    const [seen] = blocksIn(branch);
    if (seen === undefined) throw new Error('it is a block');
    const digest = hash('block', seen.header) as typeof base.ref.digest;
    const sent = { kind: 'sent', by: 2, to: 1, bytes: branch, atMs: 0 } as const;
    const others = { ...right, by: 1, ref: { ...right.ref, digest } };
    const liars = { ...checked, liars: new Set([2]) };
    const until = (tip: Observation): readonly Observation[] => [...disks, sent, base, left, tip];
    expect(rulesBroken(until(right), liars)).toEqual(new Set());
    expect(rulesBroken(until(others), liars)).toEqual(new Set(['S2']));
    expect(rulesBroken([...disks, sent, base, others, left], liars)).toEqual(new Set(['S2']));
  });

  test('S4: a replica skips a commit, tells another one, or stops', () => {
    const skipped = bend('committed', () => [], undefined, 9);
    expect(rulesBroken(skipped)).toContain('S4');
    const other = bend(
      'committed',
      (one) => [commitChanged({ commitTs: one.commit.commitTs + 1 })(one)],
      (one) => one.by === 2 && one.commit.index === 3,
    );
    expect(rulesBroken(other)).toContain('S4');
    const failure = { code: 'two_certified', expected: 'one', actual: 'two' };
    const halted = bend('committed', (one) => [
      one,
      { kind: 'halted', failure, by: one.by, atMs: 0 },
    ]);
    expect(rulesBroken(halted)).toContain('S4');
  });

  test('S5: another root or another receipt at one index', () => {
    const root = hash('other', utf8('root')) as Of<'committed'>['root'];
    const late = (one: Of<'committed'>): boolean => one.commit.index === 4 && one.by === 3;
    expect(rulesBroken(bend('committed', (one) => [{ ...one, root }], late))).toContain('S5');
    const told = bend(
      'committed',
      (one) => [{ ...one, applied: { ...one.applied, receipts: [] } }],
      withReceipts,
      1,
    );
    expect(rulesBroken(told)).toContain('S5');
  });

  test('S6: blocks out of order, unknown, twice, or before their parents', () => {
    const told = (
      change: (one: Of<'committed'>) => readonly (typeof one.commit.blocks)[number][],
    ) => rulesBroken(bendAll(6, (one) => commitChanged({ blocks: change(one) })(one)));
    const first = history.find((one) => one.kind === 'committed');
    if (first?.kind !== 'committed') throw new Error('there is a commit');
    const digest = hash('no', utf8('block')) as (typeof first.commit.leader)['digest'];
    expect(told(({ commit }) => [...commit.blocks].reverse())).toContain('S6');
    expect(told(({ commit }) => [...first.commit.blocks, ...commit.blocks])).toContain('S6');
    expect(told(({ commit }) => [{ ...commit.leader, digest }, ...commit.blocks])).toContain('S6');
    // Left out: whatever builds on them comes before its parents.
    expect(told(({ commit }) => [commit.leader])).toContain('S6');
  });

  test('S6: a batch twice in a commit', () => {
    const [at] = history.flatMap((one) =>
      one.kind === 'committed' && withReceipts(one) ? [one.commit.index] : [],
    );
    const twice = (one: Of<'committed'>): Of<'committed'> => ({
      ...one,
      input: { ...one.input, batches: [...one.input.batches, ...one.input.batches] },
    });
    expect(rulesBroken(bendAll(at ?? 0, twice))).toContain('S6');
  });

  test('S7: a seq skipped, answered twice otherwise, or dated elsewhere; rounds that go back', () => {
    const indices = history.flatMap((one) =>
      one.kind === 'committed' && one.by === 0 && withReceipts(one) ? [one.commit.index] : [],
    );
    type Receipt = Of<'committed'>['applied']['receipts'][number];
    const receipts = (change: (one: Receipt) => readonly Receipt[], at = 3): ReadonlySet<string> =>
      rulesBroken(
        bendAll(indices[at] ?? 0, (one) => ({
          ...one,
          applied: { ...one.applied, receipts: one.applied.receipts.flatMap(change) },
        })),
      );
    expect(receipts((one) => [{ ...one, seq: one.seq + 1 }])).toContain('S7');
    expect(receipts(() => [], 0)).toContain('S7');
    expect(receipts((one) => [one, { ...one, results: [utf8('otherwise')] }])).toContain('S7');
    expect(receipts((one) => [{ ...one, commit: one.commit + 1 }])).toContain('S7');
    const back = bendAll(6, (one) =>
      commitChanged({ blocks: one.commit.blocks.map((ref) => ({ ...ref, round: 1 })) })(one),
    );
    expect(rulesBroken(back)).toContain('S7');
  });

  test('S8: a delivered block that no later leader takes along', () => {
    const digest = hash('lost', utf8('block')) as Of<'delivered'>['ref']['digest'];
    const told = bend('delivered', (one) => [
      one,
      { ...one, ref: { round: 1, author: 0, digest } },
    ]);
    expect(rulesBroken(told)).toContain('S8');
  });

  test('S11: a commit time that is no median, a lease clock that runs ahead', () => {
    const ahead = bendAll(5, (one) =>
      commitChanged({ commitTs: one.commit.commitTs + 60_000 })(one),
    );
    expect(rulesBroken(ahead)).toContain('S11');
    const fast = bendAll(5, (one) => commitChanged({ leaseClock: one.commit.leaseClock + 1 })(one));
    expect(rulesBroken(fast)).toContain('S11');
    const late = { ...checked, skewMsMax: -60_000 };
    expect(rulesBroken(history, late)).toContain('S11');
  });

  test('S17: a block sent before it, its parents or a mark are on the disk', () => {
    const unsynced = history.filter((one) => one.kind !== 'synced');
    expect(rulesBroken(unsynced)).toContain('S17');
    const markless = history.map((one) =>
      one.kind === 'synced' ? { ...one, mark: undefined } : one,
    );
    expect(rulesBroken(markless)).toEqual(new Set(['S17']));
    const ownOnly = history.map((one) =>
      one.kind === 'synced'
        ? { ...one, records: one.records.filter(({ body }) => isOwn(body, one.by)) }
        : one,
    );
    expect(rulesBroken(ownOnly)).toEqual(new Set(['S17']));
  });

  test('S19: evidence against an honest replica', () => {
    const evidence = [memberKey(cell.committee, 2)];
    const told = bendAll(5, (one) => ({ ...one, input: { ...one.input, evidence } }));
    expect(rulesBroken(told)).toContain('S19');
    expect(rulesBroken(told, { ...checked, liars: new Set([2]) })).not.toContain('S19');
  });
});

describe('S15', () => {
  const context = { cellId: cell.cellId, epoch: 0, members: cell.committee.members };
  const { machine } = staged(() => new OrswotAlgorithm(), context);

  /** A machine that only remembers in which order it was given batches. */
  function diary(): StateMachine & { readonly entries: string[] } {
    const entries: string[] = [];
    return Object.assign(Object.create(machine) as StateMachine, {
      entries,
      fresh: diary,
      view: diary,
      restore: () => undefined,
      snapshot: () => new Uint8Array(),
      deliverBatch: (batch: OrderedBatch) => void entries.push(toHex(batch.id)),
    });
  }

  /** Whether two replicas were seen with the same batches pending, and what S15 had to say. */
  function looked(view: (replica: number) => StateMachine, read: Reader): ReadonlySet<string> {
    const book = new BlockBook(checked);
    const views = new ViewChecker(book, read, new SeededRng(1));
    const broken: string[] = [];
    for (const one of history) {
      book.see(one);
      views.see(one);
      if (one.kind !== 'delivered') continue;
      const shown = { replica: one.by, atMs: 0, committed: diary(), view: () => view(one.by) };
      broken.push(...views.look(shown).map(({ rule }) => rule));
    }
    expect(views.reached.viewsCompared).toBeGreaterThan(10);
    expect(views.reached.viewsPermuted).toBeGreaterThan(2);
    return new Set(broken);
  }

  test('equal sets, equal views', () => {
    expect(looked(diary, () => 'the same')).toEqual(new Set());
  });

  test('a replica that shows something else', () => {
    const odd = diary();
    const read: Reader = (one) => (one === odd ? 'odd' : 'even');
    expect(looked((replica) => (replica === 3 ? odd : diary()), read)).toContain('S15');
  });

  test('a view that depends on the order of arrival', () => {
    // The checker folds in a random order: a reader that minds it sees another view now and then.
    const read: Reader = (one) => {
      const { entries } = one as ReturnType<typeof diary>;
      return entries.length > 1 && entries.join() !== [...entries].sort().join() ? 'odd' : 'even';
    };
    expect(looked(diary, read)).toContain('S15');
  });
});

const isOwn = (body: Uint8Array, by: number): boolean =>
  blocksIn(body).some(({ author }) => author === by);
