// Tests of cell.json.
import { compareBytes, standIn, toHex } from '@fatty/codec';
import { describe, expect, it } from 'vitest';
import {
  type CellParams,
  type Committee,
  cellIdOf,
  checkWindows,
  DEFAULT_PARAMS,
  FOUNDING_COMMITS,
  foundingStateDigest,
  genesisOf,
  parseCell,
  signAddresses,
  writeCell,
} from '../src/index.ts';

const scheme = standIn();

function committeeOf(n: number, change: Partial<CellParams>): Committee {
  const members = Array.from({ length: n }, (_, i) => {
    const seed = new Uint8Array(32).fill(i % 251);
    seed[0] = i >> 8;
    return scheme.signer(seed).publicKey;
  });
  members.sort(compareBytes);
  return { epoch: 0, genesisTs: 1, members, params: { ...DEFAULT_PARAMS, ...change } };
}

describe('windows of a cell', () => {
  const cases: [number, Partial<CellParams>, boolean][] = [
    [4, {}, true],
    [200, {}, true],
    [201, {}, false],
    [201, { supportRoundsMax: 402 }, true],
    [4, { supportRoundsMax: 8 }, true],
    [4, { supportRoundsMax: 7 }, false],
    [4, { horizonRounds: 401 }, true],
    [4, { horizonRounds: 400 }, false],
    [4, { supportRoundsMax: 0, horizonRounds: 0 }, false],
  ];
  it.each(cases)('of %i members with %o: read %s', (n, change, isGood) => {
    const committee = committeeOf(n, change);
    const cell = { cellId: cellIdOf(committee), committee, addresses: [] };
    const read = parseCell(writeCell(cell), scheme);
    if (isGood) expect(read).toEqual({ ok: true, value: cell });
    else expect(read).toMatchObject({ ok: false, failure: { code: 'bad_windows' } });
    expect(checkWindows(committee) === undefined).toBe(isGood);
  });
});

describe('the first administrator of a cell', () => {
  const committee = committeeOf(4, {});
  const [admin] = committee.members;
  const cell = { cellId: cellIdOf(committee), committee, addresses: [] };

  it('is a key beside the committee: the cell id does not change', () => {
    const named = { ...cell, ...(admin && { admin }) };
    expect(parseCell(writeCell(named), scheme)).toEqual({ ok: true, value: named });
    expect(writeCell(cell)).not.toContain('admin');
  });

  it.each([5, '', 'ab', null])('is no key: %j', (name) => {
    const file: unknown = { ...JSON.parse(writeCell(cell)), admin: name };
    expect(parseCell(JSON.stringify(file), scheme)).toMatchObject({
      ok: false,
      failure: { code: 'bad_cell_file', expected: 'admin: 32 bytes of hex' },
    });
  });
});

describe('the state that a cell goes on from', () => {
  const committee = committeeOf(4, {});
  const cellId = cellIdOf(committee);
  const state = foundingStateDigest(new Uint8Array(9));
  const founding = { commit: FOUNDING_COMMITS + 7, leaseClock: 1_000, state };

  it('is beside the committee, and where the order begins', () => {
    const cell = { cellId, committee, addresses: [], founding };
    expect(parseCell(writeCell(cell), scheme)).toEqual({ ok: true, value: cell });
    const { origin } = genesisOf(committee, founding);
    expect(origin).toMatchObject({ index: founding.commit, leaseClock: 1_000 });
    const others = [{ ...founding, commit: 8 }, { ...founding, leaseClock: 1 }, undefined].map(
      (one) => toHex(genesisOf(committee, one).origin.root),
    );
    expect(new Set([toHex(origin.root), ...others]).size).toBe(4);
  });

  it.each([5, null, { commit: 1, leaseClock: -1, state: toHex(state) }, { commit: 1 }])(
    'is none: %j',
    (one) => {
      const file: unknown = {
        ...JSON.parse(writeCell({ cellId, committee, addresses: [] })),
        founding: one,
      };
      expect(parseCell(JSON.stringify(file), scheme)).toMatchObject({
        ok: false,
        failure: { code: 'bad_cell_file' },
      });
    },
  );
});

describe('addresses of members that came later', () => {
  const committee = committeeOf(4, {});
  const cell = { cellId: cellIdOf(committee), committee, addresses: [] };
  const newcomer = scheme.signer(new Uint8Array(32).fill(200));
  const at = { peer: 'ws://a', client: 'ws://b', http: '', version: 3 };
  const one = signAddresses(cell.cellId, newcomer, at);

  it('stand beside the members that the cell id is of', () => {
    const read = parseCell(writeCell({ ...cell, addresses: [one] }), scheme);
    expect(read).toEqual({ ok: true, value: { ...cell, addresses: [one] } });
  });

  it('count only with their signature, and are not without end', () => {
    const file: unknown = JSON.parse(
      writeCell({ ...cell, addresses: [{ ...one, peer: 'ws://c' }] }),
    );
    expect(parseCell(JSON.stringify(file), scheme)).toMatchObject({
      failure: { code: 'bad_address_signature' },
    });
    for (const later of [5, Array.from({ length: 257 }, () => ({}))]) {
      const text = JSON.stringify({ ...JSON.parse(writeCell(cell)), later });
      expect(parseCell(text, scheme)).toMatchObject({ failure: { code: 'bad_cell_file' } });
    }
  });
});

describe('the algorithm of a cell', () => {
  const committee = committeeOf(4, {});
  const cell = { cellId: cellIdOf(committee), committee, addresses: [] };

  it('is a name beside the committee: the cell id does not change', () => {
    const named = { ...cell, algorithm: 'Highest' };
    expect(parseCell(writeCell(named), scheme)).toEqual({ ok: true, value: named });
    expect(writeCell(cell)).not.toContain('algorithm');
  });

  it.each([5, '', 'x'.repeat(201), null])('is no name: %j', (algorithm) => {
    const file: unknown = { ...JSON.parse(writeCell(cell)), algorithm };
    expect(parseCell(JSON.stringify(file), scheme)).toMatchObject({
      ok: false,
      failure: { code: 'bad_cell_file', expected: 'algorithm: a name' },
    });
  });
});
