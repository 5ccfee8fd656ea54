// Tests of acceptance (R12).
import { type Block, Dag, evidenceAuthor, type Ref, signedBlockShape } from '@fatty/broadcast';
import { ACCEPT, asSignature, encode, reject, toHex } from '@fatty/codec';
import type { Verdict } from '@fatty/interface';
import { describe, expect, it } from 'vitest';
import { encodeMessage, type Tuning } from '../src/index.ts';
import { carried, forge, inventedRef, onTop, openBlock, push, read, vouch } from './forge.ts';
import {
  ASKED,
  type Cell,
  Client,
  IGNORED,
  makeCell,
  opOf,
  REJECTED,
  START_MS,
  World,
} from './world.ts';

/** Replica 0 alone with three peers whose every word is forged. */
function alone(
  tuning: Partial<Tuning> = {},
  verify?: (job: Uint8Array) => Verdict | undefined,
): { world: World; cell: Cell; virtual: readonly Ref[]; asked: Ref[] } {
  const cell = makeCell(4);
  const world = new World({ cell, tuning, ...(verify ? { verify } : {}) });
  const virtual = new Dag(cell.committee, cell.cellId).virtual;
  const asked: Ref[] = [];
  for (const liar of [1, 2, 3]) world.liars.set(liar, () => undefined);
  world.onSend = (_from, _to, bytes) => {
    const message = read(bytes);
    if (message.kind === 'getBlocks') asked.push(...message.refs);
    return true;
  };
  world.start();
  vouch(world, 0, [1, 2, 3]);
  return { world, cell, virtual, asked };
}

function firstRound(cell: Cell, virtual: readonly Ref[]): readonly Block[] {
  return [1, 2, 3].map((author) => forge(cell, author, 1, onTop(author, asBlocks(virtual))));
}

const asBlocks = (refs: readonly Ref[]): readonly { readonly ref: Ref }[] =>
  refs.map((ref) => ({ ref }));

function deferredAs(world: World, code: string): number {
  return world.host(0).count('blockDeferred', code);
}

describe('acceptance (R12): what may only delay', () => {
  it('waits for a missing parent, asks its referrer first, then takes both', () => {
    const { world, cell, virtual, asked } = alone();
    const [b1, b2, b3] = firstRound(cell, virtual) as [Block, Block, Block];
    const child = forge(cell, 1, 2, onTop(1, [b1, b2, b3]));
    world.inject(1, 0, push(b1));
    world.inject(2, 0, push(b2));
    world.inject(1, 0, push(child));
    const to: number[] = [];
    const before = world.onSend;
    world.onSend = (from, peer, bytes) => {
      if (read(bytes).kind === 'getBlocks') to.push(peer);
      return before(from, peer, bytes);
    };
    world.run(50);
    expect(asked.map(({ digest }) => toHex(digest))).toEqual([toHex(b3.ref.digest)]);
    expect(to).toEqual([1]);
    expect(world.host(0).replica.status().waiting).toBe(1);
    world.inject(1, 0, encodeMessage({ kind: 'blocks', blocks: [b3.bytes] }));
    world.run(50);
    expect(world.host(0).replica.status()).toMatchObject({
      waiting: 0,
      wanted: 0,
      highestRound: 2,
    });
  });

  it('asks others when the referrer keeps silent, and gives up on what nobody has', () => {
    const { world, cell, virtual } = alone({ fetchTriesMax: 6 });
    const peersAsked = new Set<number>();
    world.onSend = (_from, peer, bytes) => {
      if (read(bytes).kind === 'getBlocks') peersAsked.add(peer);
      return true;
    };
    const [b1, b2] = firstRound(cell, virtual) as [Block, Block];
    for (const block of [b1, b2]) world.inject(1, 0, push(block));
    const parents = [...onTop(1, [b1, b2]), inventedRef(3, 1, 'x')];
    world.inject(1, 0, push(forge(cell, 1, 2, parents)));
    world.run(60_000);
    expect(peersAsked).toEqual(new Set([1, 2, 3]));
    expect(deferredAs(world, 'parent_missing')).toBe(1);
    expect(world.host(0).replica.status()).toMatchObject({ waiting: 0, wanted: 0 });
  });

  it('defers a time stamp from the future until its time has come', () => {
    const { world, cell, virtual } = alone();
    const early = forge(cell, 1, 1, onTop(1, asBlocks(virtual)), { ts: START_MS + 3_000 });
    world.inject(1, 0, push(early));
    world.run(2_000);
    expect(deferredAs(world, 'ts_ahead')).toBe(1);
    expect(world.host(0).replica.status()).toMatchObject({ waiting: 1, highestRound: 0 });
    world.run(2_000);
    expect(world.host(0).replica.status()).toMatchObject({ waiting: 0, highestRound: 1 });
  });

  it('keeps at most so many waiting blocks per author', () => {
    const { world, cell } = alone({ pendingPerAuthor: 5, fetchTriesMax: 1000 });
    for (let round = 10; round < 30; round++) {
      const parents = [0, 2, 3].map((author) => inventedRef(author, round - 1, 'p'));
      const block = forge(cell, 1, round, [inventedRef(1, round - 1, 'p'), ...parents]);
      world.inject(1, 0, push(block));
    }
    world.run(30);
    expect(world.host(0).replica.status().waiting).toBe(5);
    expect(deferredAs(world, 'author_pending')).toBe(15);
  });

  it('keeps the lower of an author’s blocks: the tip must not keep out what comes next', () => {
    const { world, cell, virtual, asked } = alone({ pendingPerAuthor: 2 });
    const [b1, b2, b3] = firstRound(cell, virtual) as [Block, Block, Block];
    for (const [round, author] of [20, 21, 22, 23].flatMap((r) => [1, 2, 3].map((a) => [r, a]))) {
      const [at, by] = [round ?? 0, author ?? 0];
      const parents = [1, 2, 3].filter((one) => one !== by).map((a) => inventedRef(a, at - 1, 'p'));
      const tip = forge(cell, by, at, [inventedRef(by, at - 1, 'p'), ...parents]);
      world.inject(by, 0, push(tip));
    }
    world.run(30);
    expect(world.host(0).replica.status().waiting).toBe(6);
    const above = [1, 2, 3].map((author) => forge(cell, author, 2, onTop(author, [b1, b2, b3])));
    for (const block of [b1, b2, ...above]) world.inject(block.ref.author, 0, push(block));
    world.run(30);
    expect(asked.map(({ digest }) => toHex(digest))).toContain(toHex(b3.ref.digest));
    world.inject(1, 0, encodeMessage({ kind: 'blocks', blocks: [b3.bytes] }));
    world.run(30);
    expect(world.host(0).replica.status().highestRound).toBeGreaterThanOrEqual(2);
    expect(world.host(0).replica.status().waiting).toBeLessThanOrEqual(6);
  });

  it('bounds the bytes of all that waits', () => {
    const { world, cell } = alone({ pendingBytesMax: 2_000 });
    for (let round = 10; round < 30; round++) {
      const parents = [0, 2, 3].map((author) => inventedRef(author, round - 1, 'p'));
      const block = forge(cell, 1, round, [inventedRef(1, round - 1, 'p'), ...parents]);
      world.inject(1, 0, push(block));
    }
    world.run(30);
    expect(deferredAs(world, 'pending_full')).toBeGreaterThan(10);
  });

  it('holds no round far ahead of its own', () => {
    const { world, cell } = alone({ holdRounds: 50 });
    const parents = [1, 0, 2].map((author) => inventedRef(author, 60, 'p'));
    const far = forge(cell, 1, 61, parents);
    world.inject(1, 0, push(far));
    world.run(30);
    expect(deferredAs(world, 'round_ahead')).toBe(1);
    expect(world.host(0).replica.status().waiting).toBe(0);
  });

  it('fetches at most 4n blocks of one author’s missing cone at a time', () => {
    const { world, cell, asked } = alone({ fetchTriesMax: 3, pendingPerAuthor: 1_000 });
    for (let round = 10; round < 40; round++) {
      const parents = [0, 2, 3].map((author) => inventedRef(author, round - 1, `${round}`));
      const block = forge(cell, 1, round, [inventedRef(1, round - 1, `${round}`), ...parents]);
      world.inject(1, 0, push(block));
    }
    world.run(150);
    expect(new Set(asked.map(({ digest }) => toHex(digest))).size).toBe(16);
  });

  it('drops what lies below the horizon, and other epochs', () => {
    const { world, cell, virtual } = alone();
    const other = forge(cell, 1, 1, onTop(1, asBlocks(virtual)), { epoch: 1 });
    world.inject(1, 0, push(other));
    world.run(20);
    expect(world.host(0).count('blockIgnored', 'other_epoch')).toBe(1);
    const long = new World({ cell: makeCell(4, { supportRoundsMax: 10, horizonRounds: 12 }) });
    let old: Uint8Array | undefined;
    long.onSend = (from, to, bytes) => {
      if (from === 1 && to === 0 && read(bytes).kind === 'push') old ??= bytes;
      return true;
    };
    long.start();
    const client = new Client(long.options.cell, 'c');
    for (let k = 0; k < 10; k++) {
      long.submit(0, client.op(`${k}`));
      long.run(100);
    }
    const again = old as Uint8Array;
    const roots = asBlocks(new Dag(long.options.cell.committee, long.options.cell.cellId).virtual);
    const fresh = forge(long.options.cell, 1, 1, onTop(1, roots), { ts: START_MS + 1 });
    long.inject(1, 0, again);
    long.inject(1, 0, push(fresh));
    long.run(20);
    expect(long.host(0).replica.status().horizon).toBeGreaterThan(1);
    expect(long.host(0).count('blockIgnored', 'below_horizon')).toBeGreaterThan(0);
    expect(long.host(0).count('blockRejected')).toBe(0);
  });
});

describe('acceptance: what is refused', () => {
  it('bad bytes, bad signatures, unknown peers', () => {
    const { world, cell, virtual } = alone();
    const good = forge(cell, 1, 1, onTop(1, asBlocks(virtual)));
    world.inject(1, 0, Uint8Array.of(1, 2, 3));
    world.inject(1, 0, encodeMessage({ kind: 'push', block: Uint8Array.of(0x80) }));
    const sig = asSignature(new Uint8Array(64));
    const unsigned = encode(signedBlockShape, { ...good.signed, sig });
    world.inject(2, 0, encodeMessage({ kind: 'push', block: unsigned }));
    world.inject(7, 0, push(good));
    world.inject(0, 0, push(good));
    world.run(20);
    const host = world.host(0);
    expect(host.count('messageRejected', 'malformed')).toBe(1);
    expect(host.count('blockRejected', 'wrong_shape')).toBe(1);
    expect(host.count('blockRejected', 'bad_signature')).toBe(1);
    expect(host.replica.status().highestRound).toBe(0);
  });

  it('a signed header that is invalid by itself becomes evidence against its author', () => {
    const { world, cell, virtual } = alone();
    const accused: number[] = [];
    world.onPersist = (_host, effect) => {
      const own = effect.records.at(-1);
      if (own)
        accused.push(...openBlock(own.body).body.evidence.map((e) => evidenceAuthor(e) ?? -1));
    };
    world.inject(2, 0, push(forge(cell, 1, 1, onTop(1, asBlocks(virtual)).slice(0, 2))));
    world.run(50);
    expect(world.host(0).count('blockRejected', 'too_few_parents')).toBe(1);
    expect(accused).toEqual([1]);
  });

  it('a second block of a slot is evidence, and enters only when it is referenced (R13)', () => {
    const { world, cell, virtual } = alone();
    const [b1, b2, b3] = firstRound(cell, virtual) as [Block, Block, Block];
    const twin = forge(cell, 1, 1, onTop(1, asBlocks(virtual)), { ts: START_MS + 1 });
    for (const block of [b1, twin, b2, b3]) world.inject(1, 0, push(block));
    world.run(20);
    expect(world.host(0).count('equivocation')).toBe(1);
    expect(world.host(0).count('accepted')).toBe(3 + world.host(0).count('proposed'));
    world.inject(2, 0, push(forge(cell, 2, 2, onTop(2, [twin, b2, b3]))));
    world.run(12);
    world.inject(2, 0, encodeMessage({ kind: 'blocks', blocks: [twin.bytes] }));
    world.run(12);
    const keys = world
      .host(0)
      .notes.flatMap((n) => (n.what === 'accepted' && n.ref ? [toHex(n.ref.digest)] : []));
    expect(keys).toContain(toHex(twin.ref.digest));
  });

  it('a time stamp below the own parent’s is not stored on push, but accepted when needed', () => {
    const { world, cell, virtual } = alone();
    const first = [1, 2, 3].map((author) =>
      forge(cell, author, 1, onTop(author, asBlocks(virtual)), { ts: START_MS + 100 }),
    );
    const [b1, b2, b3] = first as [Block, Block, Block];
    const late = (author: number): Block => forge(cell, author, 2, onTop(author, first));
    const bad = late(1);
    for (const block of [b1, b2, b3, bad]) world.inject(1, 0, push(block));
    world.run(20);
    expect(world.host(0).count('blockRejected', 'ts_backwards')).toBe(1);
    const accepted = (): boolean =>
      world
        .host(0)
        .notes.some(
          (n) => n.what === 'accepted' && n.ref && toHex(n.ref.digest) === toHex(bad.ref.digest),
        );
    expect(accepted()).toBe(false);
    const two = [2, 3].map((author) =>
      forge(cell, author, 2, onTop(author, first), { ts: START_MS + 100 }),
    );
    for (const block of two) world.inject(2, 0, push(block));
    world.inject(2, 0, push(forge(cell, 2, 3, onTop(2, [bad, ...two]), { ts: START_MS + 100 })));
    world.run(15);
    world.inject(2, 0, encodeMessage({ kind: 'blocks', blocks: [bad.bytes] }));
    world.run(15);
    expect(accepted()).toBe(true);
  });

  it('a first block stamped before genesis', () => {
    const { world, cell, virtual } = alone();
    const old = forge(cell, 1, 1, onTop(1, asBlocks(virtual)), { ts: START_MS - 1 });
    world.inject(1, 0, push(old));
    world.run(10);
    expect(world.host(0).count('blockRejected', 'ts_backwards')).toBe(1);
  });
});

it('own rounds are left out only below what is decided (R23)', () => {
  const { world, cell, virtual } = alone({ followRoundMs: 0, deltaMs: 5 });
  const own = new Map<number, Block>();
  const rounds: number[] = [];
  world.onPersist = (_host, effect) => {
    const bytes = effect.mark && effect.records.at(-1)?.body;
    if (!bytes) return;
    const { ref } = openBlock(bytes);
    own.set(ref.round, { ref } as Block);
    rounds.push(ref.round);
  };
  let before: readonly { readonly ref: Ref }[] = asBlocks(virtual);
  const say = (round: number, hears: (author: number) => boolean): readonly Uint8Array[] => {
    const mine = own.get(round - 1);
    const made = [1, 2, 3].map((author) => {
      const parents = hears(author) && mine ? [...before, mine] : before;
      return forge(cell, author, round, onTop(author, parents), { ts: world.nowMs });
    });
    before = made;
    return made.map(({ bytes }) => bytes);
  };
  const hear = (from: number, to: number, blocks: readonly Uint8Array[]): void => {
    // It asks who says that there is more.
    const more = {
      epoch: 0,
      lastOwnRound: 0,
      highestRound: to,
      commitIndex: 0,
      yourRound: 0,
      ask: false,
    };
    world.inject(1, 0, encodeMessage({ kind: 'status', ...more }));
    world.inject(1, 0, encodeMessage({ kind: 'rounds', from, to, blocks, last: true }));
  };
  for (let round = 1; round <= 4; round++) {
    hear(
      round,
      round,
      say(round, () => true),
    );
    world.run(30);
  }
  expect(own.has(4)).toBe(true);
  // Slot 4 is the own one. One vote, two blames: open until a later leader commits.
  const late = [say(5, (author) => author === 1), say(6, () => false), say(7, () => false)];
  rounds.length = 0;
  hear(5, 7, late.flat());
  world.run(4);
  expect(world.host(0).replica.status()).toMatchObject({ completeRound: 7, decidedRound: 3 });
  expect(rounds[0]).toBe(6);
});

describe('slow checks (R11a)', () => {
  function withOp(first: number, verify?: (job: Uint8Array) => Verdict | undefined) {
    const at = alone({}, verify);
    const batch = carried(new Client(at.cell, 'c').batch([opOf(first, 'job')]));
    const parents = onTop(1, asBlocks(at.virtual));
    at.world.inject(1, 0, push(forge(at.cell, 1, 1, parents, { content: { batches: [batch] } })));
    return at.world;
  }

  it('the block waits for its verdict', () => {
    const world = withOp(ASKED, () => ACCEPT);
    world.run(2);
    expect(world.host(0).replica.status()).toMatchObject({ waiting: 1, highestRound: 0 });
    world.run(20);
    expect(world.host(0).replica.status().highestRound).toBe(1);
  });

  it('no verdict is no refusal: asked again until there is one', () => {
    let asked = 0;
    const world = withOp(ASKED, () => (++asked < 4 ? undefined : ACCEPT));
    world.run(200);
    expect(world.host(0).replica.status().waiting).toBe(1);
    world.run(2_000);
    expect(asked).toBe(4);
    expect(world.host(0).replica.status()).toMatchObject({ waiting: 0, highestRound: 1 });
  });

  it('a bad proof, a bad op and an untimely op are refused as what they are', () => {
    const proof = withOp(ASKED, () => reject('bad_proof', 'a good proof', 'another'));
    proof.run(20);
    expect(proof.host(0).count('blockRejected', 'bad_proof')).toBe(1);
    const op = withOp(REJECTED);
    op.run(20);
    expect(op.host(0).count('blockRejected', 'bad_op')).toBe(1);
    const untimely = withOp(IGNORED);
    untimely.run(20);
    expect(untimely.host(0).count('blockIgnored', 'not_yet')).toBe(1);
    for (const world of [proof, op, untimely]) {
      expect(world.host(0).replica.status()).toMatchObject({ waiting: 0, highestRound: 0 });
    }
  });
});
