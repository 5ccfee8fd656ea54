// Tests that S24 finds machines whose snapshots leave something out.
import { array, bytes, decode, encode, hash, ok } from '@fatty/codec';
import type { Algorithm, Digest, Outcome } from '@fatty/interface';
import { expect, test } from 'vitest';
import { Client, type Net, runNet, staged } from '../src/index.ts';

const wordsShape = array(bytes(64), 100_000);

/** Every word that anybody said, in the order of the commits; the delivered view shows no other. */
class Words implements Algorithm<Uint8Array> {
  words: Uint8Array[] = [];

  open(bytes: Uint8Array): Outcome<Uint8Array> {
    return ok(bytes.slice(0, 64));
  }

  deliver(): void {
    // Words are ordered: nothing shows before its commit.
  }

  apply(_source: unknown, op: Uint8Array): Uint8Array {
    this.words.push(op);
    return Uint8Array.of(this.words.length & 0xff);
  }

  snapshot(): Uint8Array {
    return encode(wordsShape, this.words);
  }

  restore(snapshot: Uint8Array): void {
    const read = decode(wordsShape, snapshot, snapshot.length);
    if (read.ok) this.words = [...read.value];
  }

  root(): Digest {
    return hash('words', this.snapshot());
  }
}

/** Loses the first of more than three words. */
class Forgetful extends Words {
  override restore(snapshot: Uint8Array): void {
    super.restore(snapshot);
    if (this.words.length > 3) this.words.shift();
  }
}

/** Puts what it restores behind what is there. */
class Hoarder extends Words {
  override restore(snapshot: Uint8Array): void {
    const before = this.words;
    super.restore(snapshot);
    this.words = [...before, ...this.words];
  }
}

/** Counts beside its snapshot, and answers by it. */
class Secretive extends Words {
  #count = 0;

  override apply(source: unknown, op: Uint8Array): Uint8Array {
    super.apply(source, op);
    return Uint8Array.of(++this.#count & 0xff);
  }
}

/** Keeps its state in an order that a restored one does not have. */
class Untidy extends Words {
  override snapshot(): Uint8Array {
    return encode(wordsShape, [...this.words].reverse());
  }

  override root(): Digest {
    return hash('words', ...[...this.words].map((word) => word));
  }
}

function netOf(make: () => Algorithm): Net {
  return {
    name: 'words',
    size: {
      replicas: [4],
      clients: 3,
      opsMin: 8,
      opsMax: 30,
      busyMs: 4_000,
      faultsMax: 2,
      realSignaturesOneIn: 8,
      kinds: 1,
    },
    machine: (context) => staged(make, context),
    act: () => ({
      prepare({ clients, world, plan }) {
        for (let i = 0; i < plan.clients; i++) {
          clients.push(new Client(world, `c${i}`, i % plan.replicas));
        }
      },
      perform({ clients }, { client, arg }) {
        clients[client]?.send(`say ${arg}`, () => [Uint8Array.of(arg >> 8, arg & 0xff)]);
      },
      lie: ({ world }) => [world.rng.bytes(3)],
    }),
    wants: {},
  };
}

const runs = { seed: 11, runs: 4, shrinkEventsMax: 0 };

test('a good algorithm is restored in every world, and goes on beside the original', () => {
  const { failure, reached } = runNet(
    netOf(() => new Words()),
    runs,
  );
  expect(failure?.violations).toBeUndefined();
  expect(reached.restores).toBeGreaterThan(20);
  expect(reached.restoredCommits).toBeGreaterThan(200);
});

test.each([
  ['loses an item', () => new Forgetful()],
  ['adds instead of replacing', () => new Hoarder()],
  ['keeps something beside its snapshot', () => new Secretive()],
  ['has another order in its snapshot', () => new Untidy()],
])('one whose restore %s fails within a few worlds', (_, make) => {
  const { failure } = runNet(netOf(make), runs);
  expect(new Set(failure?.violations.map(({ rule }) => rule))).toEqual(new Set(['S24']));
});
