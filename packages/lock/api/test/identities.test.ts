// Tests of hash chains against SHA-256 alone.
import { keepAliveLink } from '@fatty/protocol';
import { describe, expect, test } from 'vitest';
import { feltByHand, hashByHand, pin, reducedByHand } from '../../../kernel/codec/test/by-hand.ts';
import { entryOf, inboxChain } from '../src/index.ts';

const golden = new URL('./golden/', import.meta.url);
const fill = (byte: number, size = 32): Uint8Array => new Uint8Array(size).fill(byte);

describe('hash chains', () => {
  test('of keep-alives: 3 links from the anchor', () => {
    let byHand: Uint8Array = fill(0x33);
    for (let i = 0; i < 3; i++) byHand = hashByHand('keep-alive', byHand);
    const anchor = keepAliveLink(keepAliveLink(keepAliveLink(fill(0x33))));
    pin(golden, 'keep-alive-anchor', anchor);
    expect(anchor).toEqual(byHand);
  });

  test('of an inbox: entries in order, from 0', () => {
    const entries = [entryOf(Buffer.from('first')), 2n ** 250n + 7n];
    expect(entries[0]).toBe(reducedByHand(hashByHand('inbox-entry', Buffer.from('first'))));
    const byHand = entries.reduce(
      (before, entry) => reducedByHand(hashByHand('inbox', feltByHand(before), feltByHand(entry))),
      0n,
    );
    const chain = entries.reduce(inboxChain, 0n);
    pin(golden, 'inbox-entry', feltByHand(entries[0] ?? 0n));
    pin(golden, 'inbox-chain', feltByHand(chain));
    expect(chain).toBe(byHand);
  });
});
