// A fetch of chunks from peers that are right, slow, silent or liars.
import { chunkDigestOf } from '@fatty/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ChunkEffect,
  type ChunkEvent,
  ChunkFetch,
  type Named,
} from '../src/frames/chunk-fetch.ts';

const CHUNK = 16;

function namedOf(bytes: Uint8Array): Named {
  const count = Math.ceil(bytes.length / CHUNK);
  const chunks = Array.from({ length: count }, (_, i) => chunkDigestOf(part(bytes, i)));
  return { bytes: bytes.length, chunkBytes: CHUNK, chunks };
}

const part = (bytes: Uint8Array, i: number): Uint8Array => bytes.slice(i * CHUNK, (i + 1) * CHUNK);

const BEHAVIOURS = ['right', 'slow', 'silent', 'wrong', 'short', 'endless', 'stops'] as const;
type Behaviour = (typeof BEHAVIOURS)[number];

/** What a peer answers, and after how many ms; undefined: nothing. */
function answerOf(kind: Behaviour, right: Uint8Array, asked: number) {
  if (kind === 'silent' || (kind === 'stops' && asked > 2)) return undefined;
  if (kind === 'wrong') return { ms: 1, bytes: right.map((byte) => byte ^ 1) };
  if (kind === 'short') return { ms: 1, bytes: right.slice(1) };
  if (kind === 'endless') return { ms: 1, bytes: new Uint8Array(CHUNK * 64) };
  return { ms: kind === 'slow' ? 2_500 : 5, bytes: right };
}

/** Plays a fetch to its end in virtual time. */
function play(bytes: Uint8Array, peers: readonly Behaviour[]) {
  const fetch = new ChunkFetch(namedOf(bytes));
  const queue: { atMs: number; event: ChunkEvent }[] = peers.map((_, peer) => ({
    atMs: 0,
    event: { kind: 'source', peer },
  }));
  const asked = peers.map(() => 0);
  const lied = new Set<number>();
  let done: Uint8Array | undefined;
  let nowMs = 0;
  const perform = (effect: ChunkEffect): void => {
    if (effect.kind === 'done') done = effect.bytes;
    if (effect.kind === 'lied') lied.add(effect.peer);
    if (effect.kind === 'wake') queue.push({ atMs: effect.atMs, event: { kind: 'tick' } });
    if (effect.kind !== 'ask') return;
    const { peer, chunk } = effect;
    expect(lied.has(peer)).toBe(false);
    const count = (asked[peer] ?? 0) + 1;
    asked[peer] = count;
    const answer = answerOf(peers[peer] ?? 'silent', part(bytes, chunk), count);
    if (answer === undefined) return;
    queue.push({
      atMs: nowMs + answer.ms,
      event: { kind: 'chunk', peer, chunk, bytes: answer.bytes },
    });
  };
  while (queue.length > 0 && done === undefined && nowMs < 3_600_000) {
    queue.sort((a, b) => a.atMs - b.atMs);
    const next = queue.shift();
    if (next === undefined) break;
    nowMs = next.atMs;
    for (const effect of fetch.step(next.event, nowMs)) perform(effect);
  }
  return { done, lied, asked, nowMs, fetch };
}

describe('a fetch of chunks', () => {
  it('ends with the bytes that were named whenever one peer is right, however slow', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: CHUNK * 12 }),
        fc.array(fc.constantFrom(...BEHAVIOURS), { maxLength: 5 }),
        fc.constantFrom<Behaviour>('right', 'slow'),
        (bytes, others, honest) => {
          const { done, lied, fetch } = play(bytes, [...others, honest]);
          expect(done).toEqual(bytes);
          // Who sent what adds up to all of it, and nothing of a liar's counts that was not right.
          const chunks = fetch.from.reduce((sum, one) => sum + one.chunks, 0);
          expect([fetch.bytesHere, chunks]).toEqual([bytes.length, fetch.chunksHere]);
          expect(lied.has(others.length)).toBe(false);
        },
      ),
      { seed: 1, numRuns: 200 },
    );
  });

  it('never ends with anything else, and asks a liar for nothing more', () => {
    const bytes = new Uint8Array(CHUNK * 5).map((_, i) => i);
    for (const liar of ['wrong', 'short', 'endless'] as const) {
      const { done, lied } = play(bytes, [liar]);
      expect([done, [...lied]]).toEqual([undefined, [0]]);
    }
    expect(play(bytes, ['silent']).done).toBeUndefined();
  });

  it('takes no chunk that the peer was not asked for, though it is the right one', () => {
    const bytes = new Uint8Array(CHUNK * 9).map((_, i) => i);
    const fetch = new ChunkFetch(namedOf(bytes));
    fetch.step({ kind: 'source', peer: 0 }, 0);
    const said = fetch.step({ kind: 'chunk', peer: 0, chunk: 8, bytes: part(bytes, 8) }, 0);
    expect(said).toContainEqual({ kind: 'lied', peer: 0 });
    expect([fetch.chunksHere, fetch.hasSources]).toEqual([0, false]);
    // Nor is it asked again, whatever it says.
    expect(fetch.step({ kind: 'source', peer: 0 }, 0)).toEqual([]);
  });

  it('asks several peers at once, and waits for who falls silent in mid-transfer no longer than once', () => {
    const bytes = new Uint8Array(CHUNK * 64).map((_, i) => i);
    const { asked, nowMs } = play(bytes, ['right', 'right', 'stops']);
    // Two answers, and two places filled again.
    expect(asked[2]).toBeLessThan(8);
    expect(Math.min(asked[0] ?? 0, asked[1] ?? 0)).toBeGreaterThan(16);
    expect(nowMs).toBeLessThan(2_100);
  });
});
