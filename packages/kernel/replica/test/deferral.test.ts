// Tests of blocks that are stamped ahead.
import { type Block, Dag, type Ref, refKey } from '@fatty/broadcast';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeMessage, type Tuning } from '../src/index.ts';
import { carried, forge, inventedRef, onTop, openBlock, push, read, vouch } from './forge.ts';
import { type Cell, Client, makeCell, Random, World } from './world.ts';

/** Replica 0 with three forged peers that answer what they are asked from one shelf of blocks. */
function shelved(tuning: Partial<Tuning> = {}): {
  world: World;
  cell: Cell;
  shelf: Map<string, Block>;
  asked: Map<string, number>;
  virtual: readonly { readonly ref: Ref }[];
} {
  const cell = makeCell(4);
  const world = new World({ cell, tuning });
  const shelf = new Map<string, Block>();
  /** When each block was first asked for. */
  const asked = new Map<string, number>();
  for (const peer of [1, 2, 3]) {
    world.liars.set(peer, (_from, bytes) => {
      const message = read(bytes);
      if (message.kind !== 'getBlocks') return;
      for (const ref of message.refs)
        if (!asked.has(refKey(ref))) asked.set(refKey(ref), world.nowMs);
      const blocks = message.refs.flatMap((ref) => shelf.get(refKey(ref))?.bytes ?? []);
      world.inject(peer, 0, encodeMessage({ kind: 'blocks', blocks }));
    });
  }
  world.start();
  vouch(world, 0, [1, 2, 3]);
  const virtual = new Dag(cell.committee, cell.cellId).virtual.map((ref) => ({ ref }));
  return { world, cell, shelf, asked, virtual };
}

describe('a deferral only delays (R12)', () => {
  it('a hidden chain longer than every budget is taken once an honest block needs it', () => {
    const { world, cell, shelf, virtual } = shelved();
    const HIDDEN = 150;
    let below: readonly { readonly ref: Ref }[] = virtual;
    let hidden: { readonly ref: Ref } = virtual[1] as { readonly ref: Ref };
    for (let round = 1; round <= HIDDEN; round++) {
      const others = below.filter(({ ref }) => ref.author !== 1);
      hidden = forge(cell, 1, round, onTop(1, [hidden, ...others]), { ts: world.nowMs + 1 });
      shelf.set(refKey(hidden.ref), hidden as Block);
      const row = [1, 2, 3].map((author) => forge(cell, author, round, onTop(author, below)));
      for (const block of row) world.inject(block.ref.author, 0, push(block));
      world.run(3);
      below = row;
    }
    const bridge = forge(cell, 2, HIDDEN + 1, [
      ...onTop(
        2,
        below.filter(({ ref }) => ref.author !== 1),
      ).slice(0, 1),
      hidden.ref,
      (below[2] as Block).ref,
    ]);
    world.inject(2, 0, push(bridge));
    const { notes } = world.host(0);
    const isBridge = (ref?: Ref): boolean =>
      ref !== undefined && refKey(ref) === refKey(bridge.ref);
    const isIn = (): boolean => notes.some(({ what, ref }) => what === 'accepted' && isBridge(ref));
    world.run(60_000, isIn);
    expect(isIn()).toBe(true);
    expect(world.host(0).replica.status()).toMatchObject({ waiting: 0, wanted: 0 });
  });

  it('a liar that names a block first, among many that nobody has, does not own the question', () => {
    const { world, cell, shelf, asked, virtual } = shelved();
    const [b1, b2, b3] = [1, 2, 3].map((author) => forge(cell, author, 1, onTop(author, virtual)));
    if (!b1 || !b2 || !b3) throw new Error('three blocks');
    shelf.set(refKey(b3.ref), b3);
    for (let i = 0; i < 8; i++) {
      const parents = [0, 2, 3].map((author) => inventedRef(author, 5 + i, 'p'));
      world.inject(1, 0, push(forge(cell, 1, 6 + i, [inventedRef(1, 5 + i, 'own'), ...parents])));
    }
    world.run(30);
    const lie = forge(cell, 1, 2, [inventedRef(1, 1, 'x'), inventedRef(2, 1, 'x'), b3.ref]);
    world.inject(1, 0, push(lie));
    world.run(300);
    // The liar's budget is spent, and it alone needs the block.
    expect(asked.has(refKey(b3.ref))).toBe(false);
    for (const block of [b1, b2]) world.inject(block.ref.author, 0, push(block));
    world.inject(2, 0, push(forge(cell, 2, 2, onTop(2, [b1, b2, b3]))));
    world.run(300);
    expect(asked.has(refKey(b3.ref))).toBe(true);
  });

  it('no budget holds a question back for longer than the longest retry', () => {
    const { world, cell, asked } = shelved();
    for (let i = 0; i < 20; i++) {
      const parents = [0, 2, 3].map((author) => inventedRef(author, 5 + i, 'p'));
      world.inject(1, 0, push(forge(cell, 1, 6 + i, [inventedRef(1, 5 + i, 'own'), ...parents])));
    }
    world.run(1_000);
    expect(asked.size).toBe(16);
    world.run(6_000);
    expect(asked.size).toBe(80);
  });
});

describe('what waits has room (R12)', () => {
  const ROUNDS = 20;
  const SHARE = 20_000;

  it('a flood of one author denies no other author anything, and is bounded itself', () => {
    const flood = fc.array(
      fc.record({
        round: fc.integer({ min: 2, max: 900 }),
        bytes: fc.integer({ min: 100, max: 9_000 }),
      }),
      { minLength: 20, maxLength: 60 },
    );
    let full = 0;
    fc.assert(
      fc.property(flood, fc.nat(), (lies, seed) => {
        const { world, cell, shelf, virtual } = shelved({ pendingBytesMax: 4 * SHARE });
        const random = new Random(seed);
        const client = new Client(cell, 'flood');
        const host = world.host(0);
        let below: readonly { readonly ref: Ref }[] = virtual;
        const rows = Array.from({ length: ROUNDS }, (_, i) => {
          const parents = below;
          const row = [1, 2, 3].map((a) => forge(cell, a, i + 1, onTop(a, parents)));
          below = row;
          return row;
        });
        for (const block of rows.flat()) shelf.set(refKey(block.ref), block);
        // One honest block of the first round is not to be had for a while: all above it wait.
        const late = rows[0]?.[1] as Block;
        shelf.delete(refKey(late.ref));
        const honest = rows.flat().filter((block) => block !== late);
        const forged = lies.map(({ round, bytes }) => {
          const below = [0, 2, 3].map((author) => inventedRef(author, round - 1, 'f'));
          const batches = [carried(client.batch([new Uint8Array(bytes)]))];
          const parents = [inventedRef(1, round - 1, 'f'), ...below];
          return forge(cell, 1, round, parents, { content: { batches } });
        });
        const all = [...honest, ...forged].map((block) => ({ block, at: random.next() }));
        for (const { block } of all.sort((a, b) => a.at - b.at)) {
          world.inject(block.ref.author, 0, push(block));
        }
        world.run(100);
        const denied = host.notes.filter(
          ({ what, ref }) => what === 'blockDeferred' && ref !== undefined && ref.author !== 1,
        );
        expect(denied).toEqual([]);
        full += host.count('blockDeferred', 'pending_full');
        shelf.set(refKey(late.ref), late);
        world.inject(2, 0, push(late));
        world.run(20_000, () => host.replica.status().completeRound >= ROUNDS);
        expect(host.replica.status().completeRound).toBeGreaterThanOrEqual(ROUNDS);
      }),
      { numRuns: 15 },
    );
    expect(full, 'the share was full').toBeGreaterThan(0);
  });
});

describe('shunned authors (R22)', () => {
  /** Rounds and parents' authors of the own blocks that replica 0 sent. */
  function own(world: World): Map<number, readonly number[]> {
    const made = new Map<number, readonly number[]>();
    world.onSend = (from, _to, bytes) => {
      const message = read(bytes);
      if (from !== 0 || message.kind !== 'push') return true;
      const { ref, parents } = openBlock(message.block);
      made.set(
        ref.round,
        parents.map(({ author }) => author),
      );
      return true;
    };
    return made;
  }

  function twoFaced(): { world: World; made: Map<number, readonly number[]>; honest: Block } {
    const { world, cell, virtual } = shelved();
    const made = own(world);
    const [b1, b2, b3] = [1, 2, 3].map((author) => forge(cell, author, 1, onTop(author, virtual)));
    if (!b1 || !b2 || !b3) throw new Error('three blocks');
    const twin = forge(cell, 1, 1, onTop(1, virtual), { ts: world.nowMs + 1 });
    for (const block of [b1, twin, b2]) world.inject(block.ref.author, 0, push(block));
    return { world, made, honest: b3 };
  }

  it('are left out while q others are there', () => {
    const { world, made, honest } = twoFaced();
    world.inject(3, 0, push(honest));
    world.run(2_000);
    expect(made.get(2)).toEqual([0, 2, 3]);
  });

  it('are the last resort, after a timeout, when the cell would stop without them', () => {
    const { world, made } = twoFaced();
    // Whoever made round 1 and goes on needs a third block, and only the liar's is there.
    world.run(150);
    expect(made.get(2)).toBeUndefined();
    world.run(2_000);
    expect(made.get(2)).toEqual([0, 1, 2]);
  });
});
