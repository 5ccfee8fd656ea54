// Tests of authors that are shunned.
import { type Block, type OpenedBlock, type Ref, refKey } from '@fatty/broadcast';
import { ACCEPT, reject, toHex } from '@fatty/codec';
import type { Verdict } from '@fatty/interface';
import { describe, expect, it } from 'vitest';
import { DEFAULT_TUNING, encodeMessage } from '../src/index.ts';
import { Shelf } from '../src/intake/shelf.ts';
import {
  among,
  carried,
  forge,
  inventedRef,
  onTop,
  openBlock,
  push,
  type Row,
  read,
} from './forge.ts';
import { ASKED, type Cell, Client, type Host, opOf, START_MS, type World } from './world.ts';

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

  /** Forty rounds in which nobody lies. `learn`: peers can answer with it; `tell`: it is pushed. */
  function lied(shunnedTakenMax = 0): {
    world: World;
    cell: Cell;
    host: Host;
    rows: Row[];
    asked: Set<string>;
    learn: (chain: readonly Block[]) => void;
    tell: (chain: readonly Block[]) => void;
    logged: () => number;
  } {
    const { world, cell, host, virtual } = among(7, { tsAheadMsMax: 60_000, shunnedTakenMax });
    const rows: Row[] = [virtual];
    const known = new Map<string, Uint8Array>();
    const asked = new Set<string>();
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
        for (const ref of message.refs) asked.add(toHex(ref.digest));
        const blocks = message.refs.flatMap((ref) => known.get(refKey(ref)) ?? []);
        world.inject(peer, 0, encodeMessage({ kind: 'blocks', blocks }));
      });
    }
    const learn = (chain: readonly Block[]): void => {
      for (const block of chain) known.set(refKey(block.ref), block.bytes);
    };
    const tell = (chain: readonly Block[]): void => {
      learn(chain);
      for (const block of [...chain].reverse()) world.inject(LIAR, 0, push(block));
    };
    goOn({ world, cell, rows }, 40, true);
    return { world, cell, host, rows, asked, learn, tell, logged: () => logged };
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

  it('is forgiven a fixed number of blocks, and no more however long it goes on', () => {
    const { world, cell, host, rows, tell } = lied(3);
    const before = host.replica.status().blocks;
    const grown: number[] = [];
    for (let k = 0; k < 10; k++) {
      tell(history(cell, rows, rows.length - 31, k));
      world.run(100);
      goOn({ world, cell, rows }, 1, false);
      const others = (k + 1) * HONEST.length + host.count('proposed');
      grown.push(host.replica.status().blocks - before - others);
    }
    // The lie that got it shunned, and three more, with thirty blocks below each.
    expect(grown.at(-1)).toBeGreaterThan(30);
    expect(grown.at(-1)).toBeLessThanOrEqual(4 * 31);
    expect(new Set(grown.slice(5)).size).toBe(1);
    expect(host.replica.status()).toMatchObject({ waiting: 0, wanted: 0, highestRound: 50 });
  });

  /** An honest block on top of the liar's. */
  function bridge(at: { world: World; cell: Cell; rows: Row[] }, top: Block): Block {
    goOn(at, 1, false);
    const below = at.rows.at(-1) as Row;
    const more = { ts: at.world.nowMs };
    return forge(at.cell, 5, at.rows.length, onTop(5, [...below, top]), more);
  }

  function accepted(host: Host): ReadonlySet<string> {
    const notes = host.notes.filter(({ what }) => what === 'accepted');
    return new Set(notes.flatMap(({ ref }) => (ref ? [toHex(ref.digest)] : [])));
  }

  const shelved = DEFAULT_TUNING.pendingPerAuthor;
  for (const [how, before, after] of [
    ['was never heard of', false, 0],
    ['was put aside', true, 0],
    ['was put aside and gave way', true, shelved],
  ] as const) {
    it(`is taken as soon as somebody else needs what ${how}`, () => {
      const at = lied();
      const { world, cell, host, rows, asked } = at;
      at.tell(history(cell, rows, rows.length - 31, 1));
      world.run(100);
      expect(host.count('equivocation')).toBeGreaterThan(0);
      const chain = history(cell, rows, rows.length - 31, 7);
      if (before) at.tell(chain);
      else at.learn(chain);
      world.run(100);
      at.tell(history(cell, rows, rows.length - 31, 8).slice(0, after / 2));
      at.tell(history(cell, rows, rows.length - 31, 9));
      if (after > 0) at.tell(history(cell, rows, rows.length - 31, 10));
      world.run(100);
      for (const { ref } of chain) expect(accepted(host)).not.toContain(toHex(ref.digest));
      const top = chain.at(-1) as Block;
      const needs = bridge(at, top);
      asked.clear();
      world.inject(5, 0, push(needs));
      world.run(5_000);
      for (const { ref } of [...chain, needs]) {
        expect(accepted(host)).toContain(toHex(ref.digest));
      }
      expect(asked.has(toHex(top.ref.digest))).toBe(!before || after > 0);
      expect(host.replica.status()).toMatchObject({ waiting: 0, wanted: 0 });
    });
  }

  it('is left again when who needed it is shunned as well', () => {
    const at = lied();
    const { world, cell, host, rows } = at;
    at.tell(history(cell, rows, rows.length - 31, 1));
    world.run(100);
    const top = history(cell, rows, rows.length - 31, 7).at(-1) as Block;
    at.learn([top]);
    world.inject(5, 0, push(bridge(at, top)));
    world.run(100);
    expect(host.replica.status()).toMatchObject({ waiting: 2, wanted: 1 });
    const parents = HONEST.map((author) => ({ ref: inventedRef(author, 20, 'p') }));
    world.inject(5, 0, push(forge(cell, 5, 21, onTop(5, parents))));
    world.run(5);
    expect(host.replica.status()).toMatchObject({ waiting: 0, wanted: 0 });
  });

  it('has a bounded shelf', () => {
    const shelf = new Shelf(4, 3);
    const refs = [1, 2, 3, 4, 5, 6].map((round) => inventedRef(2, round, 's'));
    const ofTen = (ref: Ref): OpenedBlock => ({ ref, bytes: new Uint8Array(10) }) as OpenedBlock;
    for (const ref of refs) shelf.put(ofTen(ref), 1);
    const held = (): readonly number[] =>
      refs.filter((ref) => shelf.has(ref, refKey(ref))).map(({ round }) => round);
    shelf.fit(2, 1_000);
    expect(held()).toEqual([4, 5, 6]);
    shelf.fit(2, 29);
    expect(held()).toEqual([5, 6]);
    shelf.horizonMoved(5);
    expect(held()).toEqual([6]);
    shelf.put(ofTen(refs[5] as Ref), 1);
    shelf.fit(2, 10);
    expect(shelf.take(refs[5] as Ref)?.block.bytes).toHaveLength(10);
    expect(shelf.take(refs[5] as Ref)).toBeUndefined();
    shelf.put(ofTen(refs[0] as Ref), 1);
    shelf.fit(2, 9);
    expect(held()).toEqual([]);
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

  /** Good rows of five, and one author's blocks that all stand on the same own one. */
  function branching(): {
    world: World;
    cell: Cell;
    host: Host;
    rows: Row[];
    branches: readonly Block[];
    asked: Set<string>;
    verdicts: Map<string, Verdict>;
  } {
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
    return { world, cell, host, rows, branches, asked, verdicts };
  }

  it('one block of an author is checked at a time, until it is seen to lie', () => {
    const { world, host, asked, verdicts } = branching();
    verdicts.set('2', ACCEPT);
    world.run(1_000);
    expect([...asked]).toEqual(['2', '3']);
    expect(host.count('equivocation')).toBe(0);
    verdicts.set('3', ACCEPT);
    world.run(1_000);
    expect([...asked]).toEqual(['2', '3']);
    expect(host.replica.status().waiting).toBe(0);
  });

  it('a refused one shuns its author, whose others are not checked', () => {
    const { world, host, asked, verdicts } = branching();
    verdicts.set('2', reject('bad_proof', 'a good proof', 'another'));
    world.run(1_000);
    expect([...asked]).toEqual(['2']);
    expect(host.replica.status().waiting).toBe(0);
  });

  it('what another block needs is checked out of turn', () => {
    const { world, cell, host, rows, branches, asked, verdicts } = branching();
    const needed = branches[3] as Block;
    world.inject(1, 0, push(forge(cell, 1, 6, onTop(1, [...(rows[5] as Row), needed]))));
    world.run(1_000);
    expect([...asked]).toEqual(['2', '5']);
    verdicts.set('5', ACCEPT);
    world.run(1_000);
    expect(host.notes).toContainEqual({ what: 'accepted', ref: needed.ref });
  });
});
