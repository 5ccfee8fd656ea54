import { type Block, Dag, type Ref, refKey, signedBlockShape } from '@fatty/broadcast';
import { ACCEPT, asSignature, encode, toHex } from '@fatty/codec';
import type { Verdict } from '@fatty/interface';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { DEFAULT_TUNING, encodeMessage, type Tuning } from '../src/index.ts';
import { carried, Follower, forge, inventedRef, onTop, openBlock, push, read } from './forge.ts';
import {
  ASKED,
  type Cell,
  Client,
  type Host,
  makeCell,
  opOf,
  START_MS,
  scheme,
  World,
} from './world.ts';

type Row = readonly { readonly ref: Ref }[];

/** Replica 0 among members whose every word is forged. */
function among(
  n: number,
  tuning: Partial<Tuning> = {},
  verify?: (job: Uint8Array) => Verdict | undefined,
): { world: World; cell: Cell; host: Host; virtual: Row } {
  const cell = makeCell(n);
  const world = new World({ cell, tuning, ...(verify ? { verify } : {}) });
  for (let liar = 1; liar < n; liar++) world.liars.set(liar, () => undefined);
  world.start();
  const virtual = new Dag(cell.committee, cell.cellId).virtual.map((ref) => ({ ref }));
  return { world, cell, host: world.host(0), virtual };
}

/** A good block under a signature of nobody. */
function unsigned(block: Block): Uint8Array {
  return encode(signedBlockShape, { ...block.signed, sig: asSignature(new Uint8Array(64)) });
}

const status = (highestRound: number): Uint8Array =>
  encodeMessage({
    kind: 'status',
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

describe('a shunned author (R12, S18)', () => {
  const LIAR = 6;
  const HONEST = [1, 2, 3, 4, 5];

  /** Five of seven go on for `count` rounds; the liar is with them while `withLiar`. */
  function goOn(
    at: { world: World; cell: Cell; rows: Row[] },
    count: number,
    withLiar: boolean,
  ): void {
    for (let k = 0; k < count; k++) {
      const below = at.rows.at(-1) as Row;
      const authors = withLiar ? [...HONEST, LIAR] : HONEST;
      const parents = withLiar ? below : below.filter(({ ref }) => ref.author !== LIAR);
      const row = authors.map((author) =>
        forge(at.cell, author, at.rows.length, onTop(author, parents), { ts: at.world.nowMs }),
      );
      for (const block of row) at.world.inject(block.ref.author, 0, push(block));
      at.rows.push(row);
      at.world.run(5);
    }
  }

  /** Another chain of the liar, from `fork` up to the tip, with stamps of its own. */
  function history(cell: Cell, rows: readonly Row[], fork: number, salt: number): readonly Block[] {
    const chain: Block[] = [];
    let own = (rows[fork] as Row).find(({ ref }) => ref.author === LIAR);
    for (let round = fork + 1; round <= rows.length; round++) {
      const others = (rows[round - 1] as Row).filter(({ ref }) => ref.author !== LIAR);
      const parents = own ? [own, ...others] : others;
      own = forge(cell, LIAR, round, onTop(LIAR, parents), { ts: START_MS + 9_000 + salt });
      chain.push(own as Block);
    }
    return chain;
  }

  function lied(): {
    world: World;
    cell: Cell;
    host: Host;
    rows: Row[];
    tell: (chain: readonly Block[]) => void;
    logged: () => number;
  } {
    const { world, cell, host, virtual } = among(7, { tsAheadMsMax: 60_000 });
    const rows: Row[] = [virtual];
    const known = new Map<string, Uint8Array>();
    let logged = 0;
    world.onPersist = (_host, { records }) => {
      for (const { type, body } of records) {
        if (type === 1 && openBlock(body).ref.author === LIAR) logged++;
      }
    };
    for (const peer of [...HONEST, LIAR]) {
      world.liars.set(peer, (_from, bytes) => {
        const message = read(bytes);
        if (message.kind !== 'getBlocks') return;
        const blocks = message.refs.flatMap((ref) => known.get(refKey(ref)) ?? []);
        world.inject(peer, 0, encodeMessage({ kind: 'blocks', blocks }));
      });
    }
    const tell = (chain: readonly Block[]): void => {
      for (const block of chain) known.set(refKey(block.ref), block.bytes);
      for (const block of [...chain].reverse()) world.inject(LIAR, 0, push(block));
    };
    goOn({ world, cell, rows }, 40, true);
    return { world, cell, host, rows, tell, logged: () => logged };
  }

  it('makes nobody keep, log or ask for its other histories', () => {
    const { world, cell, host, rows, tell, logged } = lied();
    expect(host.count('equivocation')).toBe(0);
    const others = host.replica.status().blocks;
    for (let k = 0; k < 10; k++) {
      tell(history(cell, rows, rows.length - 31, k));
      world.run(100);
      goOn({ world, cell, rows }, 1, false);
    }
    const own = host.count('proposed');
    expect(host.count('equivocation')).toBeGreaterThan(0);
    expect(host.replica.status()).toMatchObject({ waiting: 0, wanted: 0, highestRound: 50 });
    // Forty blocks of its first history, and what slipped in before it was caught.
    expect(host.replica.status().blocks - others).toBeLessThanOrEqual(10 * HONEST.length + own + 1);
    expect(logged()).toBeLessThanOrEqual(41);
  });

  it('is taken as soon as somebody else needs it, from whoever has it', () => {
    const { world, cell, host, rows, tell } = lied();
    for (let k = 0; k < 3; k++) tell(history(cell, rows, rows.length - 31, k));
    world.run(100);
    const before = host.replica.status().blocks;
    const chain = history(cell, rows, rows.length - 31, 7);
    tell(chain);
    world.run(100);
    expect(host.replica.status().blocks - before).toBeLessThanOrEqual(1);
    const top = chain.at(-1) as Block;
    goOn({ world, cell, rows }, 1, false);
    const bridge = forge(cell, 5, rows.length, onTop(5, [...(rows.at(-1) as Row), top]), {
      ts: world.nowMs,
    });
    world.inject(5, 0, push(bridge));
    world.run(3_000);
    const accepted = new Set(
      host.notes.flatMap((note) =>
        note.what === 'accepted' && note.ref ? [toHex(note.ref.digest)] : [],
      ),
    );
    for (const { ref } of [...chain, bridge]) expect(accepted).toContain(toHex(ref.digest));
    expect(host.replica.status()).toMatchObject({ waiting: 0, wanted: 0 });
  });
});

describe('slow checks (R11a) are asked for last', () => {
  const withJob = (cell: Cell, job: string): ReturnType<typeof carried> =>
    carried(new Client(cell, job).batch([opOf(ASKED, job)]));
  const nameOf = (job: Uint8Array): string => Buffer.from(job.subarray(1)).toString();

  it('a block whose parents nobody has asks for none', () => {
    const asked: string[] = [];
    const { world, cell, host } = among(4, {}, (job) => {
      asked.push(nameOf(job));
      return ACCEPT;
    });
    for (let round = 10; round < 40; round++) {
      const parents = [1, 0, 2, 3].map((author) => inventedRef(author, round - 1, 'p'));
      const content = { batches: [withJob(cell, `${round}`)] };
      world.inject(1, 0, push(forge(cell, 1, round, parents, { content })));
    }
    world.run(1_000);
    expect(host.replica.status().waiting).toBe(30);
    expect(asked).toEqual([]);
  });

  it('one block of an author is checked at a time, and each that another needs', () => {
    const asked = new Set<string>();
    const verdicts = new Map<string, Verdict>();
    const { world, cell, host, virtual } = among(7, {}, (job) => {
      asked.add(nameOf(job));
      return verdicts.get(nameOf(job));
    });
    const rows: Row[] = [virtual];
    for (let round = 1; round <= 5; round++) {
      const below = rows.at(-1) as Row;
      rows.push([1, 2, 3, 4, 5].map((author) => forge(cell, author, round, onTop(author, below))));
      for (const block of rows.at(-1) as Block[]) world.inject(block.ref.author, 0, push(block));
    }
    // All on one own parent: no two of them are a chain.
    const branches = [2, 3, 4, 5, 6].map((round) => {
      const others = (rows[round - 1] as Row).filter(({ ref }) => ref.author !== 6);
      const parents = onTop(6, [virtual[6] as { ref: Ref }, ...others]);
      const branch = forge(cell, 6, round, parents, {
        content: { batches: [withJob(cell, `${round}`)] },
      });
      world.inject(6, 0, push(branch));
      return branch;
    });
    world.run(1_000);
    expect([...asked]).toEqual(['2']);
    const needed = branches[3] as Block;
    world.inject(1, 0, push(forge(cell, 1, 6, onTop(1, [...(rows[5] as Row), needed]))));
    world.run(1_000);
    expect([...asked]).toEqual(['2', '5']);
    verdicts.set('5', ACCEPT);
    world.run(1_000);
    expect(host.notes).toContainEqual({ what: 'accepted', ref: needed.ref });
    verdicts.set('2', ACCEPT);
    world.run(1_000);
    // The first of the others is no branch yet, then they are seen to be, and the author is shunned.
    expect(asked.size).toBeLessThanOrEqual(3);
    expect(host.replica.status().waiting).toBe(0);
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
