// Tests of what `fatty evidence` makes of what replicas show.
import {
  type Accusation,
  accusationShape,
  type Block,
  selfContradiction,
  signBlock,
  virtualRef,
} from '@fatty/broadcast';
import { compareBytes, encode, hash, type Signer, toHex } from '@fatty/codec';
import { nodeScheme } from '@fatty/codec/node';
import type { PublicKey } from '@fatty/interface';
import {
  type Committee,
  cellIdOf,
  DEFAULT_PARAMS,
  type Epoch,
  type Founding,
  foundedOrigin,
  genesisOf,
  memberIndex,
  openLink,
} from '@fatty/protocol';
import { describe, expect, it } from 'vitest';
import { linkFor } from '../../../lock/core/test/links-of.ts';
import { type JudgedBy, judge } from '../src/commands/evidence.ts';

const scheme = nodeScheme();
const signers: readonly Signer[] = [1, 2, 3, 4, 5].map((byte) =>
  scheme.signer(new Uint8Array(32).fill(byte)),
);
const genesis: Committee = {
  epoch: 0,
  members: signers
    .slice(0, 4)
    .map(({ publicKey }) => publicKey)
    .sort(compareBytes),
  genesisTs: 1_700_000_000_000,
  params: DEFAULT_PARAMS,
};
const cellId = cellIdOf(genesis);
const cell: JudgedBy = { cellId, genesis, links: [] };
const first = genesisOf(genesis);

/** An honest author's first block of its epoch. */
function blockOf({ committee, origin }: Epoch, author: number, ts: number): Block {
  const refs = committee.members.map((_, i) => virtualRef(origin.root, i));
  const parents = [
    ...refs.filter((ref) => ref.author === author),
    ...refs.filter((ref) => ref.author !== author),
  ];
  const { epoch, genesisTs, members } = committee;
  const signer = signers.find(({ publicKey }) => publicKey === members[author]) as Signer;
  const header = { cellId, epoch, round: 1, author, ts: genesisTs + ts, seal: false, parents };
  return signBlock(header, { batches: [], unsigned: [], evidence: [] }, signer);
}

const hexOf = (accusation: Accusation): string => toHex(encode(accusationShape, accusation));

/** One slot filled twice, or the same block told twice. */
function accusing(author: number, ts: readonly [number, number], epoch = first): string {
  const [a, b] = ts
    .map((at) => blockOf(epoch, author, at))
    .sort((x, y) => compareBytes(x.ref.digest, y.ref.digest))
    .map(({ signed: { header, sig } }) => ({ header, sig }));
  if (!a || !b) throw new Error('two blocks');
  return hexOf({ kind: 'blocks', evidence: { a, b } });
}

/** A block of an honest author, shown as one that is false by itself. */
const framing = (epoch: Epoch): string =>
  hexOf({ kind: 'blocks', evidence: selfContradiction(blockOf(epoch, 2, 1).signed) });

const shown = (...evidence: readonly string[]) => [{ replica: 0, evidence }];

it('believes no replica: each piece is checked, and told once', () => {
  const [good, forged] = [accusing(2, [1, 2]), accusing(1, [1, 1])];
  const judged = judge(cell, [
    { replica: 0, evidence: [good] },
    { replica: 1, evidence: undefined },
    { replica: 3, evidence: [good, forged, 'xyz', '00'] },
  ]);
  expect(judged.map(({ member, shownBy }) => ({ member, shownBy }))).toEqual([
    { member: 2, shownBy: [0, 3] },
    { member: undefined, shownBy: [3] },
    { member: undefined, shownBy: [3] },
    { member: undefined, shownBy: [3] },
  ]);
  expect(judged[0]?.why).toBe('blocks that no honest member signs');
  const other = { ...genesis, genesisTs: 1 };
  const elsewhere = { ...cell, genesis: other, cellId: cellIdOf(other) };
  expect(judge(elsewhere, shown(good))[0]?.member).toBeUndefined();
  expect(judge(cell, [])).toEqual([]);
});

describe('of a later epoch', () => {
  // The fifth key in the place of the member that sorts second.
  const change = {
    kind: 'replace',
    old: genesis.members[1] as PublicKey,
    key: signers[4]?.publicKey as PublicKey,
  } as const;
  const rules = { committee: genesis, cellId, scheme };
  const link = linkFor(rules, signers, [change], { index: 100, leaseClock: 1 });
  const opened = openLink(rules, first.origin, link);
  if (!opened.ok) throw new Error(opened.failure.code);
  const second = opened.value;
  const chain: JudgedBy = { ...cell, links: [link] };
  const joiner = memberIndex(second.committee, signers[4]?.publicKey as PublicKey);

  it('is held against the members of that epoch, who links prove', () => {
    const old = accusing(1, [1, 2]);
    const young = accusing(joiner, [1, 2], second);
    const judged = judge(chain, shown(old, young));
    expect(judged.map(({ epoch, member, key }) => [epoch, member, key])).toEqual([
      [1, joiner, toHex(change.key)],
      [0, 1, toHex(change.old)],
    ]);
  });

  it('convicts nobody where no link leads, or a link is forged', () => {
    const young = accusing(joiner, [1, 2], second);
    const [unproved] = judge(cell, shown(young));
    expect([unproved?.epoch, unproved?.member, unproved?.why]).toEqual([
      1,
      undefined,
      'needs_links',
    ]);
    const few = linkFor(rules, signers, [change], { index: 100, leaseClock: 1 }, 2);
    expect(judge({ ...chain, links: [few] }, shown(young))[0]?.member).toBeUndefined();
  });

  it('frames no honest member by the first block of its epoch', () => {
    expect(judge(chain, shown(framing(second)))[0]?.why).toBe('header_valid');
  });
});

it('of a founded cell frames nobody by the beginning of another', () => {
  const state = hash('founding-state', new Uint8Array());
  const founding: Founding = {
    commit: 1_000,
    leaseClock: 2_000,
    state: state as Founding['state'],
  };
  const founded = { committee: genesis, origin: foundedOrigin(cellId, founding) };
  const honest = shown(framing(founded));
  expect(judge({ ...cell, founding }, honest)[0]?.why).toBe('header_valid');
  // A stranger's word of how the cell began may leave that out.
  const [unsure] = judge({ ...cell, isBeginningUnknown: true }, honest);
  expect([unsure?.member, unsure?.why]).toEqual([
    undefined,
    expect.stringContaining('not checked'),
  ]);
  const twice = judge({ ...cell, isBeginningUnknown: true }, shown(accusing(2, [1, 2], founded)));
  expect(twice[0]?.member).toBe(2);
});
