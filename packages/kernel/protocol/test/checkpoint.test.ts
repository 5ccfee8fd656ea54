// Tests of votes on checkpoints and of their certificates.
import { asDigest, asSignature, compareBytes, hash, standIn, utf8 } from '@fatty/codec';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Cert,
  type CertRules,
  cellIdOf,
  certOf,
  checkCert,
  DEFAULT_PARAMS,
  isVoteSigned,
  membersIn,
  quorum,
  type SignedVote,
  signVote,
  type Vote,
} from '../src/index.ts';

const scheme = standIn();

function cell(n: number, epoch = 0) {
  const signers = Array.from({ length: n }, (_, i) => scheme.signer(hash('m', utf8(`${i}`)))).sort(
    (a, b) => compareBytes(a.publicKey, b.publicKey),
  );
  const members = signers.map(({ publicKey }) => publicKey);
  const committee = { epoch, members, genesisTs: 1, params: DEFAULT_PARAMS };
  const rules: CertRules = { committee, cellId: cellIdOf(committee), scheme };
  return { signers, rules };
}

const digest = (byte: number) => asDigest(new Uint8Array(32).fill(byte));

function voteOf(index: number, epoch = 0): Vote {
  const roots = { stateRoot: digest(2), receiptsRoot: digest(3), frameRoot: digest(4) };
  return { epoch, index, commitDigest: digest(1), ...roots };
}

function votes({ signers, rules }: ReturnType<typeof cell>, vote: Vote): readonly SignedVote[] {
  return signers.map((signer, i) => signVote(rules.cellId, signer, i, vote));
}

const codeOf = (rules: CertRules, cert: Cert): string => {
  const checked = checkCert(rules, cert);
  return checked.ok ? 'ok' : checked.failure.code;
};

describe('a certificate', () => {
  test('of any q or more distinct members proves what they signed', () => {
    const sizes = fc.constantFrom(1, 4, 5, 7, 10, 13);
    const world = sizes.chain((n) =>
      fc.tuple(fc.constant(n), fc.shuffledSubarray([...Array(n).keys()])),
    );
    fc.assert(
      fc.property(world, ([n, some]) => {
        fc.pre(some.length > 0);
        const one = cell(n);
        const all = votes(one, voteOf(48));
        const cert = certOf(
          one.rules.committee,
          some.map((i) => all[i] as SignedVote),
        );
        expect(membersIn(cert.bitmap)).toEqual([...some].sort((a, b) => a - b));
        const isEnough = some.length >= quorum(one.rules.committee);
        expect(codeOf(one.rules, cert)).toBe(isEnough ? 'ok' : 'no_quorum');
        const checked = checkCert(one.rules, cert);
        if (checked.ok) expect(checked.value).toEqual(voteOf(48));
      }),
    );
  });

  const four = cell(4);
  const all = votes(four, voteOf(16));
  const good = certOf(four.rules.committee, all.slice(0, 3));

  test('counts each member once: more signatures than bits are refused', () => {
    const [first, second] = good.sigs;
    const twice = {
      ...good,
      sigs: [first, first, second].map((sig) => asSignature(sig ?? digest(0))),
    };
    expect(codeOf(four.rules, { ...twice, bitmap: Uint8Array.of(0b0011) })).toBe('bad_bitmap');
    expect(codeOf(four.rules, twice)).toBe('bad_signature');
  });

  test('counts members only', () => {
    const outsider = scheme.signer(hash('m', utf8('nobody')));
    const fifth = signVote(four.rules.cellId, outsider, 4, voteOf(16));
    const sigs = [...good.sigs.slice(0, 2), fifth.sig];
    const forged = { core: good.core, bitmap: Uint8Array.of(0b0001_0011), sigs };
    expect(codeOf(four.rules, forged)).toBe('bad_bitmap');
    expect(codeOf(four.rules, { ...good, bitmap: Uint8Array.of(7, 0) })).toBe('bad_bitmap');
    expect(isVoteSigned(four.rules, fifth)).toBe(false);
  });

  test('is of this cell, this epoch, and of what was signed', () => {
    const other = votes(four, voteOf(17));
    expect(codeOf(four.rules, { ...good, core: (other[0] as SignedVote).core })).toBe(
      'bad_signature',
    );
    const later = cell(4, 1);
    expect(codeOf(later.rules, good)).toBe('wrong_epoch');
    const elsewhere = { ...four.rules, cellId: later.rules.cellId };
    expect(codeOf(elsewhere, good)).toBe('bad_signature');
    expect(codeOf(four.rules, { ...good, core: Uint8Array.of(1) })).toBe('wrong_shape');
  });
});
