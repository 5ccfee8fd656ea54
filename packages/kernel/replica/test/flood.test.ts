// Tests of peers that flood.
import { type Block, Dag, refKey, signedBlockShape } from '@fatty/broadcast';
import { asSignature, encode } from '@fatty/codec';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { DEFAULT_TUNING, encodeMessage } from '../src/index.ts';
import { among, Follower, forge, inventedRef, onTop, openBlock, push, type Row } from './forge.ts';
import { type Cell, Client, makeCell, opOf, START_MS, scheme, World } from './world.ts';

/** A good block under a signature of nobody. */
function unsigned(block: Block): Uint8Array {
  return encode(signedBlockShape, { ...block.signed, sig: asSignature(new Uint8Array(64)) });
}

const status = (highestRound: number): Uint8Array =>
  encodeMessage({
    kind: 'status',
    epoch: 0,
    lastOwnRound: 0,
    highestRound,
    commitIndex: 0,
    yourRound: 0,
    ask: false,
  });

describe('a peer that sends what no honest one does (R12)', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  function forgeries(cell: Cell, virtual: Row, count: number): readonly Uint8Array[] {
    return Array.from({ length: count }, (_, i) =>
      unsigned(forge(cell, 1, 1, onTop(1, virtual), { ts: START_MS + i })),
    );
  }

  it('costs one failed check per message, a bounded number of messages, and is heard again', () => {
    const { world, cell, host, virtual } = among(4);
    const verify = vi.spyOn(scheme, 'verify');
    const blocks = forgeries(cell, virtual, 300);
    for (let k = 0; k < 20; k++) {
      world.inject(3, 0, status(9));
      world.inject(3, 0, encodeMessage({ kind: 'rounds', from: 1, to: 9, blocks, last: false }));
    }
    world.run(10);
    expect(verify).toHaveBeenCalledTimes(DEFAULT_TUNING.offencesMax);
    expect(host.count('blockRejected', 'bad_signature')).toBe(DEFAULT_TUNING.offencesMax);
    expect(host.notes.filter(({ what }) => what === 'peerMuted')).toMatchObject([{ peer: 3 }]);
    const good = push(forge(cell, 3, 1, onTop(3, virtual)));
    world.inject(3, 0, good);
    world.run(10);
    expect(host.replica.status().highestRound).toBe(0);
    world.idle(DEFAULT_TUNING.muteMs);
    world.inject(3, 0, good);
    world.run(10);
    expect(host.replica.status().highestRound).toBe(1);
  });

  it('of pushes and garbage a bounded number is looked at; others are heard all the while', () => {
    const { world, cell, host, virtual } = among(4, { offencesMax: 5 });
    const blocks = forgeries(cell, virtual, 10);
    for (const block of blocks) world.inject(3, 0, encodeMessage({ kind: 'push', block }));
    for (let k = 0; k < 10; k++) world.inject(2, 0, Uint8Array.of(k));
    world.inject(1, 0, push(forge(cell, 1, 1, onTop(1, virtual))));
    world.run(10);
    expect(host.count('blockRejected', 'bad_signature')).toBe(5);
    expect(host.count('messageRejected')).toBe(5);
    expect(host.count('peerMuted')).toBe(2);
    expect(host.replica.status().highestRound).toBe(1);
  });

  it('an answer to nothing that was asked is not looked at', () => {
    const { world, cell, host, virtual } = among(4);
    const verify = vi.spyOn(scheme, 'verify');
    const good = [1, 2, 3].map((author) => forge(cell, author, 1, onTop(author, virtual)).bytes);
    const range = { kind: 'rounds', from: 1, to: 9, blocks: good, last: true } as const;
    world.inject(2, 0, status(9));
    world.inject(3, 0, encodeMessage(range));
    world.inject(2, 0, encodeMessage({ ...range, to: 10 }));
    world.inject(2, 0, encodeMessage({ kind: 'blocks', blocks: good }));
    world.run(5);
    expect(host.count('messageRejected', 'not_asked')).toBe(2);
    expect(verify).not.toHaveBeenCalled();
    const many = forgeries(cell, virtual, 65);
    world.inject(2, 0, encodeMessage({ kind: 'blocks', blocks: many }));
    world.run(5);
    expect(host.count('messageRejected', 'too_many')).toBe(1);
    world.inject(2, 0, encodeMessage(range));
    world.run(5);
    expect(host.replica.status().blocks).toBeGreaterThanOrEqual(3);
    world.inject(2, 0, encodeMessage(range));
    world.run(5);
    expect(host.count('messageRejected', 'not_asked')).toBe(3);
  });

  it('is not one whose blocks only have to wait, or are of another epoch', () => {
    const { world, cell, host, virtual } = among(4, { offencesMax: 1 });
    for (let k = 0; k < 5; k++) {
      const more = { ts: START_MS + k, epoch: 1 };
      world.inject(3, 0, push(forge(cell, 3, 1, onTop(3, virtual), more)));
      const parents = [3, 0, 1, 2].map((author) => inventedRef(author, 5000 + k, 'p'));
      world.inject(3, 0, push(forge(cell, 3, 5001 + k, parents)));
    }
    world.run(20);
    expect(host.count('blockIgnored', 'other_epoch')).toBe(5);
    expect(host.count('blockDeferred', 'round_ahead')).toBe(5);
    expect(host.count('peerMuted')).toBe(0);
  });

  it('is never one who passes on what a liar said', () => {
    const cell = makeCell(4);
    // The first offence mutes, for so short that the liar goes on lying.
    const tuning = { offencesMax: 1, muteMs: 50 };
    const world = new World({ cell, tuning, loses: (random) => random.below(20) === 0 });
    const liar = new Follower(world, 3, new Dag(cell.committee, cell.cellId).virtual);
    liar.twist = (round, parents) => {
      if (round % 3 !== 0) return undefined;
      const at = [world.nowMs, world.nowMs + 1, START_MS];
      for (const to of [0, 1, 2]) {
        world.inject(3, to, push(forge(cell, 3, round, parents.slice(0, 2))));
      }
      return new Map(at.map((ts, to) => [to, forge(cell, 3, round, parents, { ts })]));
    };
    world.start();
    const client = new Client(cell, 'c');
    for (let k = 0; k < 40; k++) {
      world.submit(k % 3, client.op(`${k}`));
      world.run(60);
    }
    world.run(20_000);
    expect(liar.made).toBeGreaterThan(5);
    for (const host of world.honest) {
      expect(host.count('equivocation') + host.count('blockRejected')).toBeGreaterThan(0);
      expect(host.commitIndex).toBeGreaterThan(5);
      const muted = host.notes.filter(({ what }) => what === 'peerMuted');
      expect(new Set(muted.map(({ peer }) => peer))).toEqual(new Set([3]));
    }
  });
});

it('own blocks carry nothing while too much waits for a commit (R22)', () => {
  const BOUND = 1_500;
  const cell = makeCell(4);
  const world = new World({ cell, tuning: { uncommittedBytesMax: BOUND } });
  const open = new Map<string, number>();
  let empty = 0;
  world.onPersist = (host, { mark, records }) => {
    const body = mark && records.at(-1)?.body;
    if (!body || host.index !== 0) return;
    for (const { commit } of host.committed) {
      for (const ref of commit.blocks) open.delete(refKey(ref));
    }
    const { ref, body: content } = openBlock(body);
    if (ref.author !== 0) return;
    if (content.batches.length === 0) {
      if (host.replica.status().queued > 0) empty++;
      return;
    }
    expect([...open.values()].reduce((sum, bytes) => sum + bytes, 0)).toBeLessThanOrEqual(BOUND);
    open.set(refKey(ref), body.length);
  };
  world.start();
  const client = new Client(cell, 'c');
  const COUNT = 60;
  for (let k = 0; k < COUNT; k++) {
    world.submit(0, client.batch([opOf(1, 'x'.repeat(400))]));
    world.run(2);
  }
  expect(world.run(60_000), 'at rest').toBe(true);
  expect(empty).toBeGreaterThan(0);
  expect(world.host(0).committed.flatMap(({ input }) => input.batches)).toHaveLength(COUNT);
});
