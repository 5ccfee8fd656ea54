// What a state root costs.
import { createHash } from 'node:crypto';
import { useSha256 } from '@fatty/codec';
import { expect, test } from 'vitest';
import { Client, op, type Sent, World } from './world.ts';

/** Bytes that are hashed while something is done. */
function hashed(what: () => void): number {
  let bytes = 0;
  const counted =
    <T>(hash: (input: Uint8Array) => T) =>
    (input: Uint8Array): T => {
      bytes += input.length;
      return hash(input);
    };
  const sha = (input: Uint8Array): Buffer => createHash('sha256').update(input).digest();
  useSha256(
    counted((input) => Uint8Array.from(sha(input))),
    counted((input) => sha(input).toString('latin1')),
  );
  bytes = 0;
  what();
  return bytes;
}

/** So many files in one directory, and sessions that all wait for one lock. */
function crowded(files: number, sessions: number): { world: World; client: Client } {
  const world = new World();
  const client = new Client(0);
  world.open(client, op.dir('/d'), ...Array.from({ length: files }, (_, n) => op.file(`/d/${n}`)));
  const batches: Sent[] = [];
  for (let n = 0; n < sessions; n++) {
    const one = new Client(1 + (n % 250), n >> 8);
    batches.push(one.open(op.acquire('/d/0')));
  }
  world.step(0, batches);
  return { world, client };
}

/** Of one commit: what its op makes the root cost. */
function costs(files: number, sessions: number): readonly number[] {
  const { world, client } = crowded(files, sessions);
  world.service.root();
  const ops = [
    op.write('/d/1', 'x'),
    op.file('/d/new'),
    op.acquire('/d/0'),
    op.acquire('/d/2'),
    op.release('/d/2'),
  ];
  return ops.map((one) => {
    world.one(client, one);
    return hashed(() => world.service.root());
  });
}

test('the root costs what was touched: as much with 32 times the files, sessions and waiters', () => {
  const [few, many] = [costs(64, 8), costs(2_048, 256)];
  for (const [i, cost] of many.entries()) {
    // Five levels more of each trie, an inner node and a leaf each: 92 bytes and some more.
    expect(cost - (few[i] ?? 0)).toBeLessThan(5 * 5 * 256);
    expect(cost).toBeLessThan(16 * 1024);
  }
});

test('a root that nothing was touched for costs its record', () => {
  const { world } = crowded(100, 10);
  world.service.root();
  expect(hashed(() => world.service.root())).toBeLessThan(1024);
});
