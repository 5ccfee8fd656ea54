// Tests of shared verdicts.
import { ACCEPT, asSignature, reject, type SignatureScheme, standIn, utf8 } from '@fatty/codec';
import { expect, test } from 'vitest';
import { sharedVerdicts } from '../src/world/verdicts.ts';

/** A stand-in that counts how often it is asked. */
function counted() {
  const asked = { verify: 0, accepts: 0, admit: 0 };
  const scheme = standIn();
  const counting = (what: 'verify' | 'accepts'): SignatureScheme['verify'] => {
    return (...of) => {
      asked[what] += 1;
      return scheme[what](...of);
    };
  };
  const shared = sharedVerdicts({
    ...scheme,
    verify: counting('verify'),
    accepts: counting('accepts'),
    admit: (key) => {
      asked.admit += 1;
      return key[0] === 0 ? reject('bad_key', 'a key', 'none') : ACCEPT;
    },
  });
  return { shared, asked };
}

const message = utf8('a block');

test('each signature is looked at once, whatever the verdict', () => {
  const { shared, asked } = counted();
  const { publicKey, sign } = shared.signer(new Uint8Array(32));
  const good = sign(message);
  const bad = asSignature(good.map((byte) => byte ^ 1));
  for (let i = 0; i < 3; i++) {
    expect(shared.verify(publicKey, message, good)).toBe(true);
    expect(shared.verify(publicKey, message, bad)).toBe(false);
    expect(shared.accepts(publicKey, message, good)).toBe(true);
  }
  expect(asked).toEqual({ verify: 2, accepts: 1, admit: 0 });
});

test('each key is admitted once, or refused', () => {
  const { shared, asked } = counted();
  const [good, bad] = [new Uint8Array(32).fill(1), new Uint8Array(32)];
  for (let i = 0; i < 3; i++) {
    expect(shared.admit(good.slice()).kind).toBe('accept');
    expect(shared.admit(bad.slice())).toMatchObject({ code: 'bad_key' });
  }
  expect(asked.admit).toBe(2);
});

test('another key, message or signature is another question', () => {
  const { shared } = counted();
  const one = shared.signer(new Uint8Array(32));
  const other = shared.signer(new Uint8Array(32).fill(1));
  const sig = one.sign(message);
  expect(shared.verify(one.publicKey, message, sig)).toBe(true);
  expect(shared.verify(other.publicKey, message, sig)).toBe(false);
  expect(shared.verify(one.publicKey, utf8('another'), sig)).toBe(false);
  expect(shared.verify(one.publicKey, message, other.sign(message))).toBe(false);
});

test('bytes of other lengths are not taken for others that join to the same', () => {
  const { shared } = counted();
  const { publicKey, sign } = shared.signer(new Uint8Array(32));
  const sig = sign(message);
  expect(shared.verify(publicKey, message, sig)).toBe(true);
  const short = sig.subarray(0, 63) as typeof sig;
  const long = new Uint8Array([...sig.subarray(63), ...message]);
  expect(shared.verify(publicKey, long, short)).toBe(false);
});
