// Tests of what the README shows.
import { readFileSync } from 'node:fs';
import { toHex, utf8 } from '@fatty/codec';
import { expect, test } from 'vitest';
import { hashByHand } from '../../codec/test/by-hand.ts';
import { checkKey, checkPage, proveKey, provePage, Trie } from '../src/index.ts';
import { trieByHand } from './by-hand.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

/** The hex that the worked example gives for this. */
function told(what: string): string {
  const line = readme.split('\n').find((one) => one.startsWith(`${what} `));
  return line?.match(/ ([0-9a-f]{2,})$/)?.[1] ?? `no line ${what}`;
}

const values = { ada: '1', bob: '2', cyd: '3' };
const pairs = Object.entries(values).map(([key, value]) => [utf8(key), utf8(value)] as const);
const trie = pairs.reduce((one, [key, value]) => one.set(key, value), Trie.empty);
const read = (key: Uint8Array): Uint8Array =>
  pairs.find(([one]) => toHex(one) === toHex(key))?.[1] ?? key;

test('the worked example is right', () => {
  expect(told('empty')).toBe(toHex(hashByHand('trie-empty')));
  for (const [key, value] of pairs) {
    const name = Buffer.from(key).toString();
    const leaf = hashByHand('trie-leaf', hashByHand('trie-value', value), key);
    expect([name, told(`place(${name})`)]).toEqual([name, toHex(hashByHand('trie-key', key))]);
    expect([name, told(`leaf(${name})`)]).toEqual([name, toHex(leaf)]);
  }
  expect(told('root')).toBe(toHex(trieByHand(pairs)));
  expect(told('root')).toBe(toHex(trie.root()));
});

test('its proofs are those that are made, and are good', () => {
  for (const name of ['bob', 'eve']) {
    const proof = proveKey(trie, utf8(name));
    expect([name, told(`proof(${name})`)]).toEqual([name, toHex(proof)]);
    expect(checkKey(trie.root(), utf8(name), proof, 8).ok).toBe(true);
  }
  const page = provePage(trie, { from: 1, count: 2 }, read);
  expect(told('page(1,2)')).toBe(toHex(page));
  expect(checkPage(trie.root(), page, 1_000).ok).toBe(true);
});
