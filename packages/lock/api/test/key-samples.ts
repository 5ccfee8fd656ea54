// Test helper: samples of what is about keys.

import { asPublicKey, asSignature } from '@fatty/codec';
import type { Answer, Op, Query, Result } from '../src/index.ts';

const key = asPublicKey(new Uint8Array(32).fill(2));
const newKey = asPublicKey(new Uint8Array(32).fill(4));
const proof = asSignature(new Uint8Array(64).fill(5));
const position = { commit: 5_000_000_000, index: 4 };

type Of<T extends { readonly kind: string }, K extends T['kind']> = {
  readonly [One in K]: Extract<T, { kind: One }>;
};

export const KEY_OPS: Of<Op, 'rotateKey' | 'revokeKey'> = {
  rotateKey: { kind: 'rotateKey', newKey, proof },
  revokeKey: { kind: 'revokeKey', key },
};
export const KEY_RESULTS: Of<Result, 'keyRotated' | 'keyRevoked'> = {
  keyRotated: { kind: 'keyRotated', identity: key, position },
  keyRevoked: { kind: 'keyRevoked', identity: key, position },
};
export const KEY_QUERY: Extract<Query, { kind: 'key' }> = { kind: 'key', key };
export const KEY_ANSWER: Extract<Answer, { kind: 'key' }> = {
  kind: 'key',
  identity: key,
  current: newKey,
  standing: 'former',
  isRevoked: false,
};
