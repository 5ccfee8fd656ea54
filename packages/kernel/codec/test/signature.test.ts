// Tests of the Ed25519 rule, of what is in front of it, and of the self-test.
import { createPublicKey, verify } from 'node:crypto';
import type { PublicKey, Signature } from '@fatty/interface';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ED25519_CASES } from '../src/ed25519-cases.ts';
import {
  asPublicKey,
  asSignature,
  ed25519,
  fromHex,
  type SignatureScheme,
  selfTest,
  standIn,
  verifyByRule,
} from '../src/index.ts';
import { loadSodium, nodeAccelerator, nodeScheme } from '../src/node.ts';
import { type Sodium, sodiumAccelerator } from '../src/sodium.ts';

const bytesOf = (text: string): Uint8Array => fromHex(text) ?? new Uint8Array();

/** Every scheme in front of the rule that this platform has. */
const sodium = loadSodium();
const FAST: readonly (readonly [string, SignatureScheme])[] = [
  ['node:crypto', ed25519(nodeAccelerator())],
  ...(sodium ? [['libsodium', ed25519(sodiumAccelerator(sodium))] as const] : []),
];

describe('the Ed25519 rule', () => {
  it('is the speccheck row of noble strict', () => {
    const row = ED25519_CASES.filter((one) => one.name.startsWith('speccheck')).map((one) =>
      verifyByRule(
        asPublicKey(bytesOf(one.key)),
        bytesOf(one.message),
        asSignature(bytesOf(one.signature)),
      ),
    );
    expect(row.map((accepted) => (accepted ? 'V' : 'X')).join('')).toBe('XXVVVVXXXXXX');
  });

  it.each(FAST)('is what %s in front answers, for every admitted key', (_, fast) => {
    const plain = ed25519();
    let admitted = 0;
    for (const one of ED25519_CASES) {
      const key = asPublicKey(bytesOf(one.key));
      expect(fast.admit(key)).toEqual(plain.admit(key));
      if (plain.admit(key).kind !== 'accept') continue;
      admitted++;
      const args = [key, bytesOf(one.message), asSignature(bytesOf(one.signature))] as const;
      expect([one.name, fast.verify(...args)]).toEqual([one.name, one.accept]);
      expect([one.name, plain.verify(...args)]).toEqual([one.name, one.accept]);
    }
    expect(admitted).toBe(5);
  });

  it('admits no small-order, mixed-order, non-canonical or short key', () => {
    const scheme = ed25519();
    const codes = ['small order', 'torsion', 'not a point'];
    const keys = [ED25519_CASES[0]?.key, ED25519_CASES[3]?.key, ED25519_CASES[10]?.key];
    for (const [i, key] of keys.entries()) {
      expect(scheme.admit(bytesOf(key ?? ''))).toMatchObject({ code: 'bad_key', actual: codes[i] });
    }
    expect(scheme.admit(new Uint8Array(31)).kind).toBe('reject');
  });
});

describe('selfTest', () => {
  it('passes both real schemes', () => {
    expect(selfTest(ed25519())).toBeUndefined();
    expect(selfTest(nodeScheme())).toBeUndefined();
    for (const [, fast] of FAST) expect(selfTest(fast)).toBeUndefined();
  });

  it.each([
    ['accepts everything', { verify: () => true }],
    ['refuses what only cofactored verifiers accept', { verify: () => false }],
    ['admits every key', { admit: () => ({ kind: 'accept' }) as const }],
    ['is no Ed25519 at all', standIn()],
  ] as readonly (readonly [string, Partial<SignatureScheme>])[])(
    'fails a scheme that %s',
    (_, fault) => {
      expect(selfTest({ ...ed25519(), ...fault })?.code).toBe('bad_ed25519');
    },
  );

  it('fails an accelerator without the second look', () => {
    const fast = ed25519(nodeAccelerator());
    const bare = {
      ...fast,
      verify: (...args: Parameters<typeof fast.verify>) => nodeOnly(...args),
    };
    expect(selfTest(bare)?.expected).toBe('torsion in R: scheme accept');
  });
});

/** node:crypto as the whole verdict: cofactorless, so not the rule. */
function nodeOnly(key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), key]);
  return verify(
    null,
    message,
    createPublicKey({ key: spki, format: 'der', type: 'spki' }),
    signature,
  );
}

describe('libsodium in front of the rule', () => {
  const key = asPublicKey(new Uint8Array(32).fill(1));
  const message = Uint8Array.of(1);
  const lenient: Sodium = {
    crypto_sign_seed_keypair: () => undefined,
    crypto_sign_detached: () => undefined,
    crypto_sign_verify_detached: () => true,
  };
  const point = (lowest: number, highest: number): Uint8Array =>
    Uint8Array.from({ length: 64 }, (_, i) => (i === 0 ? lowest : i === 31 ? highest : 0xff));

  it.each([
    ['p − 1', 0xec, 0x7f, true],
    ['p', 0xed, 0x7f, false],
    ['p with its sign', 0xed, 0xff, false],
    ['2^255 − 1', 0xff, 0x7f, false],
    ['2^254 − 1', 0xff, 0x3f, true],
  ] as const)(
    'leaves an R of %s to the rule, unless it is below p',
    (_, lowest, highest, taken) => {
      const { verify } = sodiumAccelerator(lenient);
      expect(verify(key, message, asSignature(point(lowest, highest)))).toBe(taken);
    },
  );

  it('answers no to other lengths, unasked', () => {
    const { verify } = sodiumAccelerator(lenient);
    for (const length of [0, 63, 65]) {
      expect(verify(key, message, new Uint8Array(length) as Signature)).toBe(false);
    }
    for (const length of [0, 31, 33]) {
      const signature = asSignature(new Uint8Array(64));
      expect(verify(new Uint8Array(length) as PublicKey, message, signature)).toBe(false);
    }
  });

  it('signs as node:crypto does', () => {
    const seed = new Uint8Array(32).fill(9);
    const signers = FAST.map(([, fast]) => fast.signer(seed));
    const said = signers.map((signer) => [signer.publicKey, signer.sign(message)]);
    for (const one of said) expect(one).toEqual(said[0]);
  });

  it.skipIf(sodium === undefined)('accepts nothing that the rule refuses', () => {
    const { verify } = sodiumAccelerator(sodium ?? lenient);
    fc.assert(
      fc.property(bentSignatures, ({ signer, said, signature }) => {
        if (!verify(signer.publicKey, said, signature)) return;
        expect(verifyByRule(signer.publicKey, said, signature)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});

/** A true signature, perhaps with a bit flipped, or with the group's order added to its S. */
const bentSignatures = fc
  .record({
    seed: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    bit: fc.nat(600),
    plusL: fc.boolean(),
  })
  .map(({ seed, bit, plusL }) => {
    const signer = ed25519(nodeAccelerator()).signer(seed);
    const said = seed.slice(0, 8);
    const signature = signer.sign(said);
    if (bit < 512) signature[bit >> 3] = (signature[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    return { signer, said, signature: plusL ? withL(signature) : signature };
  });

const L = 2n ** 252n + 27742317777372353535851937790883648493n;

function withL(signature: Uint8Array): Signature {
  const bent = signature.slice();
  let s = L;
  for (let i = 32; i < 64; i++) s += BigInt(bent[i] ?? 0) << BigInt(8 * (i - 32));
  for (let i = 32; i < 64; i++, s >>= 8n) bent[i] = Number(s & 0xffn);
  return asSignature(bent);
}

describe.each([standIn(), ed25519(), ...FAST.map(([, fast]) => fast)])('scheme $name', (scheme) => {
  it('verifies its own signatures and no other', () => {
    const signer = scheme.signer(new Uint8Array(32).fill(7));
    const other = scheme.signer(new Uint8Array(32).fill(8));
    const message = Uint8Array.of(1, 2, 3);
    const signature = signer.sign(message);
    expect(scheme.admit(signer.publicKey).kind).toBe('accept');
    expect(scheme.verify(signer.publicKey, message, signature)).toBe(true);
    expect(scheme.verify(signer.publicKey, Uint8Array.of(1, 2), signature)).toBe(false);
    expect(scheme.verify(other.publicKey, message, signature)).toBe(false);
    const bent = signature.slice();
    bent[40] = (bent[40] ?? 0) ^ 1;
    expect(scheme.verify(signer.publicKey, message, asSignature(bent))).toBe(false);
  });
});
