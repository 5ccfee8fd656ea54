// Feeds of states: waiting readers, slow ones, and the end.
import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import { Feed } from '../src/sdk/feed.ts';

it('answers calls of next in turn, and all of them at the end', async () => {
  const feed = new Feed<number>();
  const reader = feed.iterate(0);
  const results = Array.from({ length: 4 }, () => reader.next());
  feed.push(1);
  feed.push(2);
  feed.end();
  const values = (await Promise.all(results)).map(({ done, value }) => (done ? 'end' : value));
  expect(values).toEqual([0, 1, 2, 'end']);
});

it('keeps the newest of what nobody reads', async () => {
  const feed = new Feed<number>();
  const reader = feed.iterate(-1);
  for (let i = 0; i < 1_000; i++) feed.push(i);
  feed.end();
  const seen: number[] = [];
  for await (const value of reader) seen.push(value);
  expect(seen).toEqual(Array.from({ length: 64 }, (_, i) => 936 + i));
});

it('leaves nothing on a signal that lives on', async () => {
  const feed = new Feed<number>();
  const { signal } = new AbortController();
  for (let i = 0; i < 5; i++) for await (const _ of feed.iterate(i, signal)) break;
  expect(getEventListeners(signal, 'abort')).toEqual([]);
  const aborted = feed.iterate(7, AbortSignal.abort());
  expect(await aborted.next()).toEqual({ done: false, value: 7 });
  expect(await aborted.next()).toMatchObject({ done: true });
});
