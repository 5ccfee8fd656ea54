// Tests of blocks that are left out on a look at their header.
import { compareBatches, signedBlockShape } from '@fatty/broadcast';
import { asSignature, encode } from '@fatty/codec';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { DEFAULT_TUNING, encodeMessage } from '../src/index.ts';
import { among, carried, forge, inventedRef, push } from './forge.ts';
import { type Cell, Client, scheme } from './world.ts';

const QUORUM_BELOW = [3, 0, 1, 2] as const;

/** A block of member 3 with many batches, on parents that nobody has. */
function heavy(cell: Cell, round: number, salt = ''): ReturnType<typeof forge> {
  const parents = QUORUM_BELOW.map((author) => inventedRef(author, round - 1, salt));
  const batches = Array.from({ length: 40 }, (_, k) =>
    carried(new Client(cell, `${round} ${salt} ${k}`).op('x')),
  ).sort(compareBatches);
  return forge(cell, 3, round, parents, { content: { batches } });
}

describe('blocks that are put off cost a look at their header (R12)', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('one of a round far ahead: one signature, and none the second time', () => {
    const { world, cell, host } = among(4);
    const far = heavy(cell, DEFAULT_TUNING.holdRounds + 2);
    const verify = vi.spyOn(scheme, 'verify');
    world.inject(3, 0, push(far));
    world.run(10);
    expect(host.count('blockDeferred', 'round_ahead')).toBe(1);
    expect(verify).toHaveBeenCalledTimes(1);
    world.inject(3, 0, push(far));
    world.inject(2, 0, push(far));
    world.run(10);
    expect(host.count('blockDeferred', 'round_ahead')).toBe(3);
    expect(verify).toHaveBeenCalledTimes(1);
    expect(host.notes.filter(({ what }) => what === 'peerMuted')).toEqual([]);
  });

  it('but not one that its author never signed: that is the offence of its sender', () => {
    const { world, cell, host } = among(4);
    for (let k = 0; k < DEFAULT_TUNING.offencesMax; k++) {
      const { signed } = heavy(cell, DEFAULT_TUNING.holdRounds + 2, `${k}`);
      const block = encode(signedBlockShape, { ...signed, sig: asSignature(new Uint8Array(64)) });
      world.inject(2, 0, encodeMessage({ kind: 'push', block }));
    }
    world.run(10);
    expect(host.notes.filter(({ what }) => what === 'peerMuted')).toMatchObject([{ peer: 2 }]);
    expect(host.count('blockDeferred', 'round_ahead')).toBe(0);
  });

  it('one for which its author has no room left', () => {
    const pendingPerAuthor = 4;
    const { world, cell, host } = among(4, { pendingPerAuthor });
    for (let round = 5; round < 5 + pendingPerAuthor; round++) {
      world.inject(3, 0, push(heavy(cell, round)));
    }
    world.run(10);
    expect(host.replica.status().waiting).toBe(pendingPerAuthor);
    const late = heavy(cell, 50);
    const verify = vi.spyOn(scheme, 'verify');
    for (let k = 0; k < 3; k++) world.inject(3, 0, push(late));
    world.run(10);
    expect(host.count('blockDeferred', 'author_pending')).toBe(3);
    expect(verify).toHaveBeenCalledTimes(1);
    world.inject(3, 0, push(heavy(cell, 4)));
    world.run(10);
    expect(host.replica.status().waiting, 'a lower one is worth it').toBe(pendingPerAuthor);
    expect(verify.mock.calls.length).toBeGreaterThan(40);
  });
});
