// Tests of caches of signatures and keys.
import { ACCEPT, asSignature, type SignatureScheme, toHex } from '@fatty/codec';
import { describe, expect, it } from 'vitest';
import {
  batchKey,
  checkBatchAtDoor,
  checkBatchSignature,
  readBatch,
  seenCache,
  virtualRef,
} from '../src/index.ts';
import { Cell } from './signed.ts';

const cell = new Cell();

describe('caches', () => {
  it('change no answer: a good batch under another signature is still refused', () => {
    const rules = { ...cell.rules, batchVerified: seenCache(10), keyAdmitted: seenCache(10) };
    const batch = cell.batch(1, 1);
    const opened = readBatch(batch, cell.committee.params.limits);
    if (!opened.ok) throw new Error(opened.failure.code);
    const good = opened.value;
    const forged = { ...good, signed: { ...batch, sig: asSignature(new Uint8Array(64)) } };
    const never = { ...cell.scheme, verify: () => false, accepts: () => false };
    for (const check of [checkBatchAtDoor, checkBatchSignature]) {
      expect(check(good, rules)).toBeUndefined();
      expect(check(forged, rules)).toMatchObject({ code: 'bad_batch_signature' });
      expect(check(good, { ...rules, scheme: never })).toBeUndefined();
    }
  });

  it('a forged batch costs a door neither a second look nor the admission of its key', () => {
    const asked: string[] = [];
    const scheme: SignatureScheme = {
      ...cell.scheme,
      accepts: (...all) => asked.push('accepts') > 0 && cell.scheme.accepts(...all),
      verify: (...all) => asked.push('verify') > 0 && cell.scheme.verify(...all),
      admit: (key) => (asked.push('admit') > 0 ? cell.scheme.admit(key) : ACCEPT),
    };
    const rules = { ...cell.rules, scheme };
    const batch = cell.batch(1, 1);
    const opened = readBatch(batch, cell.committee.params.limits);
    if (!opened.ok) throw new Error(opened.failure.code);
    const signed = { ...batch, sig: asSignature(new Uint8Array(64)) };
    expect(checkBatchAtDoor({ ...opened.value, signed }, rules)).toBeDefined();
    expect(asked.splice(0)).toEqual(['accepts']);
    expect(checkBatchAtDoor(opened.value, rules)).toBeUndefined();
    expect(asked).toEqual(['accepts', 'admit']);
  });

  it('keeps what is used and stays bounded', () => {
    const cache = seenCache(8);
    cache.add('used');
    for (let i = 0; i < 100; i++) {
      cache.add(`key ${i}`);
      expect(cache.has('used')).toBe(true);
    }
    const kept = Array.from({ length: 100 }, (_, i) => cache.has(`key ${i}`)).filter(
      Boolean,
    ).length;
    expect(kept).toBeLessThanOrEqual(8);
    const { digest } = virtualRef(cell.cellId, 0);
    const sig = asSignature(new Uint8Array(64));
    expect(batchKey(digest, sig)).toBe(toHex(digest) + toHex(sig));
  });
});
