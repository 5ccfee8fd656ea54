// What a process has checked of the chain of epochs it does not check again (R31.3).
import { encode, type SignatureScheme } from '@fatty/codec';
import { type EpochLink, epochLinkShape } from '@fatty/protocol';
import { describe, expect, it } from 'vitest';
import { CheckedChain } from '../src/index.ts';
import { busy } from './traffic.ts';
import { makeCell, scheme, World } from './world.ts';

const EPOCHS = 3;
const cell = makeCell(4, { checkpointCommits: 2, supportRoundsMax: 8, horizonRounds: 12 });

/** The links of a cell that has renewed its epoch some times. */
function linksOf(seed: number, movers: readonly number[]): readonly EpochLink[] {
  const world = new World({ cell, seed, copying: { bytesMin: 1, chunkBytes: 256 } });
  world.start();
  for (let epoch = 1; epoch <= EPOCHS; epoch++) {
    busy(world, 2);
    for (const index of movers) {
      world.event(world.host(index), { kind: 'move', change: { kind: 'renew' }, tag: index });
    }
    world.run(60_000, () => world.hosts.every(({ epoch: at }) => at.committee.epoch === epoch));
  }
  return world.host(0).epoch.links;
}

const links = linksOf(1, [0, 1, 2]);
const others = linksOf(2, [1, 2, 3]);
const bytesOf = (some: readonly EpochLink[]) => some.map((link) => encode(epochLinkShape, link));

function counting(): { readonly scheme: SignatureScheme; readonly count: () => number } {
  let checked = 0;
  const verify: SignatureScheme['verify'] = (...args) => {
    checked += 1;
    return scheme.verify(...args);
  };
  return { scheme: { ...scheme, verify }, count: () => checked };
}

function begun() {
  const counted = counting();
  const { cellId, committee: genesis } = cell;
  return { chain: new CheckedChain({ cellId, genesis, scheme: counted.scheme }), counted };
}

const epochOf = (chain: CheckedChain): number => chain.newest.committee.epoch;

describe('a chain that was checked', () => {
  it('is compared and not checked again, however often it is read', () => {
    const { chain, counted } = begun();
    expect(chain.follow(bytesOf(links.slice(0, 2)))).toMatchObject({ ok: true });
    const two = counted.count();
    expect(two).toBeGreaterThanOrEqual(6);
    for (let i = 0; i < 5; i++) chain.follow(bytesOf(links.slice(0, 2)));
    expect(counted.count()).toBe(two);
    const all = chain.follow(bytesOf(links));
    expect(all.ok && all.value.committee.epoch).toBe(EPOCHS);
    // The new link alone.
    expect(counted.count() - two).toBeLessThanOrEqual(4);
    expect(chain.newest.links).toEqual(links);
    expect(chain.at(1)?.links).toEqual(links.slice(0, 1));
    expect(chain.at(EPOCHS + 1)).toBeUndefined();
    expect(chain.first.links).toEqual([]);
  });

  it('answers for the epoch that was asked about, and not for the newest', () => {
    const { chain } = begun();
    chain.follow(bytesOf(links));
    const one = chain.follow(bytesOf(links.slice(0, 1)));
    expect(one.ok && one.value.committee.epoch).toBe(1);
    expect(epochOf(chain)).toBe(EPOCHS);
  });

  it('takes nothing that does not hold, whatever stands before it', () => {
    const { chain } = begun();
    const [first, second, third] = bytesOf(links) as [Uint8Array, Uint8Array, Uint8Array];
    const bent = links.map((link) => {
      const [one = expect.fail('a signature'), ...rest] = link.cert.sigs;
      const sig = one.slice() as typeof one;
      sig[0] = (sig[0] ?? 0) ^ 1;
      return { ...link, cert: { ...link.cert, sigs: [sig, ...rest] } };
    });
    const [, lie] = bytesOf(bent) as [Uint8Array, Uint8Array];
    expect(chain.follow([first, lie])).toMatchObject({ failure: { code: 'bad_signature' } });
    expect(epochOf(chain)).toBe(1);
    expect(chain.follow([first, third])).toMatchObject({ ok: false });
    expect(chain.follow([first, second.slice(1)])).toMatchObject({ ok: false });
    expect(epochOf(chain)).toBe(1);
    expect(chain.follow([first, second, third])).toMatchObject({ ok: true });
    // Known links do not vouch for others in their place.
    expect(chain.follow([first, lie, third])).toMatchObject({ ok: false });
    expect(epochOf(chain)).toBe(EPOCHS);
    expect(chain.extend(EPOCHS + 1, links)).toMatchObject({ failure: { code: 'unknown_epoch' } });
  });

  it('is of the cell that its id names', () => {
    const { cellId } = makeCell(5);
    const chain = new CheckedChain({ cellId, genesis: cell.committee, scheme });
    expect(chain.follow(bytesOf(links))).toMatchObject({ failure: { code: 'wrong_cell_id' } });
  });

  it('goes over to another end of an epoch that holds, for more than f have signed both', () => {
    const { chain } = begun();
    chain.follow(bytesOf(links));
    expect(bytesOf(others)[0]).not.toEqual(bytesOf(links)[0]);
    const other = chain.follow(bytesOf(others.slice(0, 1)));
    expect(other.ok && other.value.links).toEqual(others.slice(0, 1));
    expect(epochOf(chain)).toBe(1);
  });
});
