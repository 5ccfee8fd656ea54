// Contents and events in words.
import type { EventBody } from '@fatty/api';
import { asPublicKey } from '@fatty/codec';
import { describe, expect, it } from 'vitest';
import { eventWords } from '../src/model/events.ts';
import { previewOf, short, sizeWords, timeWords } from '../src/model/text.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('a content', () => {
  it('is text where it is text', () => {
    expect(previewOf(utf8('a\tb\nü'))).toEqual({ kind: 'text', shown: 'a\tb\nü', cut: false });
    expect(previewOf(utf8(''))).toEqual({ kind: 'text', shown: '', cut: false });
  });

  it('is hex where it is none, or would play with a terminal', () => {
    expect(previewOf(Uint8Array.of(0xff, 0x01))).toEqual({
      kind: 'hex',
      shown: 'ff 01',
      cut: false,
    });
    expect(previewOf(utf8('\u001b[31m')).kind).toBe('hex');
  });

  it('is cut where it is long', () => {
    expect(previewOf(utf8('x'.repeat(5_000)))).toMatchObject({ kind: 'text', cut: true });
    const hex = previewOf(new Uint8Array(300));
    expect([hex.kind, hex.cut, hex.shown.split(' ').length]).toEqual(['hex', true, 256]);
  });
});

it('says sizes, times and keys for people', () => {
  expect([1, 12, 1536, 3 << 20].map(sizeWords)).toEqual([
    '1 byte',
    '12 bytes',
    '1.5 KiB',
    '3.0 MiB',
  ]);
  expect(timeWords(0)).toBe('1970-01-01 00:00:00.000 UTC');
  expect([short('abcdef'), short('0123456789abcdef')]).toEqual(['abcdef', '01234567…']);
});

describe('an event', () => {
  const client = asPublicKey(new Uint8Array(32).fill(0xab));
  const lockGen = { commit: 3, index: 0 };
  const path = '/a';
  const events: readonly (readonly [EventBody, string])[] = [
    [
      { kind: 'added', path, node: 'file', ephemeral: true, instance: lockGen },
      'ephemeral file made',
    ],
    [
      { kind: 'lockAcquired', path, lockGen, mode: 'shared', client },
      'lock taken by abababab…, shared',
    ],
    [
      { kind: 'lockLost', path, lockGen, reason: 'session_expired' } as EventBody,
      'lock lost: session_expired',
    ],
    [
      { kind: 'lockConflict', path, mode: 'exclusive', client, waits: true },
      'abababab… waits for the lock',
    ],
    [{ kind: 'jobMoved', path, status: 'done', t: 4n }, 'job done, step 4'],
  ];
  it.each(events)('%o', (event, words) => {
    expect(eventWords(event)).toBe(words);
  });
});
