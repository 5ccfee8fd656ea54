// Tests of what `fatty evidence` makes of what replicas show.
import {
  type Accusation,
  accusationShape,
  type Block,
  signBlock,
  virtualRef,
} from '@fatty/broadcast';
import { compareBytes, encode, type Signer, toHex } from '@fatty/codec';
import { nodeScheme } from '@fatty/codec/node';
import { type Committee, cellIdOf, DEFAULT_PARAMS } from '@fatty/protocol';
import { expect, it } from 'vitest';
import { judge } from '../src/commands/evidence.ts';

const scheme = nodeScheme();
const signers = [1, 2, 3, 4]
  .map((byte) => scheme.signer(new Uint8Array(32).fill(byte)))
  .sort((a, b) => compareBytes(a.publicKey, b.publicKey));
const committee: Committee = {
  epoch: 0,
  members: signers.map(({ publicKey }) => publicKey),
  genesisTs: 1_700_000_000_000,
  params: DEFAULT_PARAMS,
};
const cell = { committee, cellId: cellIdOf(committee) };

function blockOf(author: number, ts: number): Block {
  const refs = signers.map((_, i) => virtualRef(cell.cellId, i));
  const parents = [
    ...refs.filter((ref) => ref.author === author),
    ...refs.filter((ref) => ref.author !== author),
  ];
  const header = { cellId: cell.cellId, epoch: 0, round: 1, author, ts, seal: false, parents };
  const content = { batches: [], unsigned: [], evidence: [] };
  return signBlock(header, content, signers[author] as Signer);
}

/** One slot filled twice, or the same block told twice. */
function accusing(author: number, ts: readonly [number, number]): string {
  const [a, b] = ts
    .map((at) => blockOf(author, committee.genesisTs + at))
    .sort((x, y) => compareBytes(x.ref.digest, y.ref.digest))
    .map(({ signed: { header, sig } }) => ({ header, sig }));
  if (!a || !b) throw new Error('two blocks');
  const accusation: Accusation = { kind: 'blocks', evidence: { a, b } };
  return toHex(encode(accusationShape, accusation));
}

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
  const other = { ...cell, cellId: cellIdOf({ ...committee, genesisTs: 1 }) };
  expect(judge(other, [{ replica: 0, evidence: [good] }])[0]?.member).toBeUndefined();
  // Without the end of the epoch before, what an honest member signs first would look false.
  const later = { ...cell, committee: { ...committee, epoch: 1 } };
  const [unchecked] = judge(later, [{ replica: 0, evidence: [good] }]);
  expect([unchecked?.member, unchecked?.why]).toEqual([undefined, 'of epoch 1: not checked here']);
  expect(judge(cell, [])).toEqual([]);
});
