// Tests of the Ed25519 rule, of what is in front of it, and of the self-test.
import { createPublicKey, verify } from 'node:crypto';
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
import { nodeScheme } from '../src/node.ts';

const bytesOf = (text: string): Uint8Array => fromHex(text) ?? new Uint8Array();

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

  it('is what node:crypto in front answers, for every admitted key', () => {
    const plain = ed25519();
    const fast = nodeScheme();
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
    const fast = nodeScheme();
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

describe.each([standIn(), ed25519(), nodeScheme()])('scheme $name', (scheme) => {
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
