// Tests of the chain of epochs: what a link proves, and every way in which it proves nothing.
import { asCellId, decode, encode } from '@fatty/codec';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type CertRules,
  type Change,
  cellIdOf,
  type EpochLink,
  epochLinkShape,
  followChain,
  frameRootOf,
  genesisOf,
  openLink,
} from '../src/index.ts';
import { certified, committeeOf, keyOf, linkOf, rulesOf, scheme } from './cells.ts';

const genesis = committeeOf(4);
const rules = rulesOf(genesis);
const { cellId } = rules;
const { origin } = genesisOf(genesis);
const old = ['m0', 'm1', 'm2', 'm3'];
const all = [...old, 'x', 'y', 'z'];
const add = (name: string): Change => ({ kind: 'add', key: keyOf(name) });

const codeOf = (link: EpochLink, by: CertRules = rules): string => {
  const opened = openLink(by, origin, link);
  return opened.ok ? 'ok' : opened.failure.code;
};

/** One link for each step, each signed by its own epoch. */
function chain(steps: readonly (readonly Change[])[]): readonly EpochLink[] {
  let committee = genesis;
  return steps.map((changes, i) => {
    const link = linkOf({ committee, cellId, scheme }, all, changes, 10 * (i + 1));
    committee = link.frame.end?.next ?? committee;
    return link;
  });
}

describe('a link', () => {
  const good = linkOf(rules, old, [add('x')], 40);

  test('opens the epoch that its frame names, behind its commit', () => {
    const opened = openLink(rules, origin, good);
    if (!opened.ok) throw new Error(opened.failure.code);
    expect(opened.value.committee).toMatchObject({ epoch: 1, genesisTs: 2_040 });
    expect(opened.value.committee.members.length).toBe(5);
    const { commitDigest: digest } = good.frame;
    const root = frameRootOf(good.frame);
    expect(opened.value.origin).toEqual({ root, index: 40, digest, leaseClock: 1_940 });
    const back = decode(epochLinkShape, encode(epochLinkShape, good), 1 << 20);
    expect(back).toEqual({ ok: true, value: good });
  });

  test('is signed by a quorum of its own epoch', () => {
    expect(codeOf(linkOf(rules, old, [add('x')], 40, [0, 1]))).toBe('no_quorum');
    // The members of the next epoch, who are more, prove nothing about this one.
    const next = good.frame.end?.next ?? genesis;
    const later = certified(
      { committee: { ...next, epoch: 0 }, cellId, scheme },
      all,
      good.frame,
      [0, 1, 2, 3],
    );
    expect(codeOf(later)).not.toBe('ok');
    const elsewhere = { ...rules, cellId: asCellId(new Uint8Array(32)) };
    expect(codeOf(good, elsewhere)).toBe('bad_signature');
    const second = chain([[add('x')], [add('y')]])[1] ?? good;
    expect(codeOf(second)).toBe('wrong_epoch');
  });

  test('has the frame that was signed, a final one, and a committee that follows from it', () => {
    const { frame } = good;
    const { end } = frame;
    if (end === undefined) throw new Error('no end');
    const quorum = [0, 1, 2];
    const signed = (changed: Partial<typeof frame>): string =>
      codeOf(certified(rules, old, { ...frame, ...changed }, quorum));
    expect(codeOf({ ...good, frame: { ...frame, index: 41 } })).toBe('wrong_frame');
    expect(codeOf({ ...good, frame: { ...frame, end: undefined } })).toBe('wrong_frame');
    expect(signed({ end: undefined })).toBe('not_final');
    expect(signed({ index: 0 })).toBe('no_progress');
    const forged = [
      { ...end.next, epoch: 2 },
      { ...end.next, members: [...end.next.members].reverse() },
      { ...end.next, members: end.next.members.slice(0, 3) },
      { ...end.next, members: genesis.members },
      { ...end.next, params: { ...end.next.params, leaseMs: 1 } },
    ];
    for (const next of forged) expect(signed({ end: { ...end, next } })).toBe('bad_committee');
    const unplanned = { agenda: { ...frame.agenda, plan: undefined } };
    expect(signed(unplanned)).toBe('bad_committee');
  });

  test('that is changed anywhere proves nothing', () => {
    const bytes = encode(epochLinkShape, good);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const changed = Uint8Array.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ by;
        const back = decode(epochLinkShape, changed, 1 << 20);
        if (back.ok) expect(codeOf(back.value)).not.toBe('ok');
      }),
    );
  });
});

describe('the chain', () => {
  const links = chain([
    [add('x'), add('y'), add('z')],
    [{ kind: 'remove', old: keyOf('m0') }],
    [{ kind: 'replace', old: keyOf('m1'), key: keyOf('m0') }],
    [{ kind: 'renew' }],
  ]);

  test('is followed from the cell id over any number of epochs', () => {
    const end = followChain({ genesis, cellId, scheme }, links);
    if (!end.ok) throw new Error(end.failure.code);
    expect(end.value.committee.epoch).toBe(4);
    expect(end.value.committee.members).toContainEqual(keyOf('m0'));
    expect(end.value.committee.members).not.toContainEqual(keyOf('m1'));
    expect(end.value.origin.index).toBe(40);
    expect(followChain({ genesis, cellId, scheme }, [])).toEqual({
      ok: true,
      value: genesisOf(genesis),
    });
  });

  test('has no gap, no other order, no other beginning', () => {
    const code = (some: readonly EpochLink[], from = genesis): string => {
      const end = followChain({ genesis: from, cellId, scheme }, some);
      return end.ok ? 'ok' : end.failure.code;
    };
    expect(code(links.slice(1))).toBe('wrong_epoch');
    expect(code([...links].reverse())).toBe('wrong_epoch');
    expect(code(links.filter((_, i) => i !== 2))).toBe('wrong_epoch');
    expect(code([...links, ...links])).toBe('wrong_epoch');
    expect(code(links, committeeOf(5))).toBe('wrong_cell_id');
    expect(cellIdOf(genesis)).toEqual(cellId);
  });

  test('is as long as it has to be: a thousand epochs', () => {
    const steps = Array.from({ length: 1_000 }, (_, i): readonly Change[] => {
      const [came, goes] = i % 2 === 0 ? ['x', 'm0'] : ['m0', 'x'];
      return [{ kind: 'replace', old: keyOf(goes), key: keyOf(came) }];
    });
    const end = followChain({ genesis, cellId, scheme }, chain(steps));
    expect(end.ok && end.value.committee.epoch).toBe(1_000);
    expect(end.ok && end.value.committee.members).toEqual(genesis.members);
  });
});
