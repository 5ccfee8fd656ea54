// Tests of copies of a batch in pools (R19).
import { type Block, Dag } from '@fatty/broadcast';
import { ACCEPT, equalBytes, toHex } from '@fatty/codec';
import type { StateMachine } from '@fatty/interface';
import type { Commit } from '@fatty/order';
import { memberKey } from '@fatty/protocol';
import { describe, expect, it } from 'vitest';
import { HANDED_BYTES_MAX } from '../src/boundary/messages.ts';
import { orderedBatch } from '../src/checks/validate.ts';
import { BEHIND_MAX } from '../src/clients/checking.ts';
import { Pool } from '../src/clients/pool.ts';
import { DEFAULT_TUNING } from '../src/index.ts';

import { bareMachine } from './bare-machine.ts';
import { carried, Follower, forge, onTop, vouch } from './forge.ts';
import { ASKED, Client, listAlgorithm, makeCell, opOf, scheme, World } from './world.ts';

const cell = makeCell(4);
const context = { cellId: cell.cellId, epoch: 0, members: cell.committee.members };

/** Seqs of a client in the order in which they took effect at a replica. */
function applied(world: World, client: Client, at = 0): readonly number[] {
  const commits = world.host(at).committed;
  return commits.flatMap(({ applied: { receipts }, commit }) =>
    receipts
      .filter((one) => one.commit === commit.index && equalBytes(one.session, client.session))
      .map(({ seq }) => seq),
  );
}

/** Every block of a commit, also where an input left copies out. */
function blocksOf(commit: Commit): readonly Block[] {
  if (!('content' in commit) || !Array.isArray(commit.content)) throw new Error('no blocks');
  return commit.content;
}

/** Seqs that a block of this gateway carried into a commit by whose end they had not taken effect. */
function passedOver(world: World, client: Client, gateway: number): readonly number[] {
  const done = new Set<number>();
  return world.host(gateway).committed.flatMap(({ applied: { receipts }, commit }) => {
    const isOwn = (one: { session: Uint8Array }): boolean =>
      equalBytes(one.session, client.session);
    for (const { seq } of receipts.filter(isOwn)) done.add(seq);
    return blocksOf(commit)
      .filter(({ ref }) => ref.author === gateway)
      .flatMap(({ batches }) => batches.map(({ batch }) => batch).filter(isOwn))
      .map(({ seq }) => seq)
      .filter((seq) => !done.has(seq));
  });
}

describe('a copier among the replicas (R19)', () => {
  // Author 0: its copies stand before those of the gateway in every round.
  const copier = 0;
  const gateway = 1;
  const BURST = 3;
  const BURSTS = 6;
  for (const [what, copies] of [
    ['the second of each burst', (n: number) => n % BURST === 1],
    ['the last of each burst', (n: number) => n % BURST === 2],
    ['all but the first of each', (n: number) => n % BURST !== 0],
    ['everything', () => true],
  ] as const) {
    it(`costs a pipelining client nothing: it carries ${what} in every block`, () => {
      const world = new World({ cell });
      const client = new Client(cell, 'c');
      const batches = Array.from({ length: BURST * BURSTS }, (_, n) => client.op(`${n}`));
      const stolen = batches.filter((_, n) => copies(n)).map(carried);
      world.liars.set(copier, () => undefined);
      world.start();
      const liar = new Follower(world, copier, new Dag(cell.committee, cell.cellId).virtual);
      let made = 0;
      liar.twist = (round, parents) => {
        if (made === 60) return undefined;
        made++;
        const block = forge(cell, copier, round, parents, {
          ts: world.nowMs,
          content: { batches: stolen },
        });
        return new Map([1, 2, 3].map((to) => [to, block]));
      };
      for (const to of [1, 2, 3]) vouch(world, to, [copier]);
      world.run(50);
      for (let burst = 0; burst < BURSTS; burst++) {
        for (const batch of batches.slice(BURST * burst, BURST * (burst + 1))) {
          world.submit(gateway, batch);
        }
        world.run(7 + burst);
      }
      world.run(2_000);
      expect(made).toBe(60);
      const all = batches.map((_, n) => n);
      expect(applied(world, client, gateway)).toEqual(all);
      expect(applied(world, client, 2)).toEqual(all);
      expect(passedOver(world, client, gateway)).toEqual([]);
      expect(world.host(gateway).replica.status().queued).toBe(0);
    });
  }
});

function configOf() {
  const { committee, cellId, signers } = cell;
  const [signer] = signers;
  if (signer === undefined) throw new Error('four signers');
  return { committee, cellId, me: 0, signer, scheme, machine: bareMachine(listAlgorithm, context) };
}

const NOTHING_STATED = { size: 0, hasDue: () => false, take: () => [] };

/** A commit of nothing. */
const EMPTY = {
  index: 1,
  epoch: 0,
  commitTs: 1,
  leaseClock: 1,
  batches: [],
  unsigned: [],
  evidence: [],
};

describe('the pool', () => {
  const FREE = { proofs: 0, weight: 1 };
  function pool(): { pool: Pool; dag: Dag; machine: StateMachine; client: Client } {
    const { committee, cellId, me, machine } = configOf();
    const dag = new Dag(committee, cellId);
    const rest = { statements: NOTHING_STATED, tuning: DEFAULT_TUNING };
    const one = new Pool({ committee, dag, machine, me, ...rest });
    return { pool: one, dag, machine, client: new Client(cell, 'p') };
  }
  const seqs = (taken: readonly { batch: { seq: number } }[]): number[] =>
    taken.map(({ batch }) => batch.seq);

  it('sends an own copy that came too early again, behind what it waits for', () => {
    const { pool: one, dag, client } = pool();
    const [a, b, c] = [0, 1, 2].map((n) => carried(client.op(`${n}`)));
    if (!a || !b || !c) throw new Error('batches');
    const roots = dag.virtual.map((ref) => ({ ref }));
    one.add(b, FREE);
    one.add(c, FREE);
    const block = forge(cell, 0, 1, onTop(0, roots), { content: { batches: one.take(1).batches } });
    one.include(block);
    one.add(a, FREE);
    one.tried([block.ref]);
    expect(seqs(one.take(2).batches)).toEqual([0, 1, 2]);
  });

  it('sends an own copy again whose predecessor was applied behind it in the same commit', () => {
    const { pool: one, dag, machine, client } = pool();
    const [a, b, c, d] = [0, 1, 2, 4].map((seq) => {
      client.seq = seq;
      return carried(client.op(`${seq}`));
    });
    if (!a || !b || !c || !d) throw new Error('batches');
    const roots = dag.virtual.map((ref) => ({ ref }));
    for (const batch of [b, c]) one.add(batch, FREE);
    const block = forge(cell, 0, 1, onTop(0, roots), { content: { batches: one.take(1).batches } });
    one.include(block);
    const batches = [b, c, a].map((batch) => orderedBatch(batch, memberKey(cell.committee, 0)));
    const { settled } = machine.applyCommit({ ...EMPTY, batches });
    one.forget(settled.map(toHex));
    one.tried([block.ref]);
    one.add(d, FREE);
    expect(seqs(one.take(2).batches)).toEqual([1, 2, 4]);
  });

  it('drops an own copy that nothing here could help, and takes it anew', () => {
    const { pool: one, dag, client } = pool();
    client.seq = 5;
    const [a, b] = [carried(client.op('5')), carried(client.op('6'))];
    const roots = dag.virtual.map((ref) => ({ ref }));
    for (const batch of [a, b]) one.add(batch, FREE);
    const block = forge(cell, 0, 1, onTop(0, roots), { content: { batches: one.take(1).batches } });
    one.include(block);
    expect(one.get(toHex(a.id))).toBe(a);
    one.tried([block.ref]);
    expect([a, b].map(({ id }) => one.get(toHex(id)))).toEqual([undefined, undefined]);
    expect(one.queued).toBe(0);
    one.add(a, FREE);
    expect(seqs(one.take(2).batches)).toEqual([5]);
  });
});

describe('a batch that stands before its predecessor in one commit', () => {
  it('is applied by the gateway that took it, without its client', () => {
    const world = new World({ cell });
    world.start();
    const clients = Array.from({ length: 12 }, (_, n) => new Client(cell, `client-${n}`));
    for (const client of clients) {
      // Too large to be handed to the leader: each stands in the block of its own gateway.
      const large = 'x'.repeat(HANDED_BYTES_MAX);
      const [first, second] = [client.op(large), client.op(large)];
      world.submit(0, second);
      world.submit(1, first);
      world.run(23);
    }
    world.run(2_000);
    const early = clients.filter(({ session }) =>
      world.host(0).committed.some(({ input }) => {
        const own = input.batches.filter((batch) => equalBytes(batch.session, session));
        return own[0]?.seq === 1 && own.some(({ seq }) => seq === 0);
      }),
    );
    expect(early.length).toBeGreaterThan(0);
    for (const client of early) expect(applied(world, client)).toEqual([0, 1]);
  });
});

describe('the gateway', () => {
  it('keeps a batch behind its predecessor while the proof of that one is checked', () => {
    const verdicts: (typeof ACCEPT | undefined)[] = [];
    const world = new World({ cell, verify: () => verdicts[0] });
    world.start();
    const [client, other] = [new Client(cell, 'g'), new Client(cell, 'h')];
    world.run(5);
    world.submit(0, client.batch([opOf(ASKED, 'slow')]));
    for (const n of [1, 2, 3]) world.submit(0, client.op(`${n}`));
    world.submit(0, other.op('free'));
    world.run(50);
    expect(applied(world, other)).toEqual([0]);
    expect(applied(world, client)).toEqual([]);
    verdicts.push(ACCEPT);
    world.run(2_000);
    expect(applied(world, client)).toEqual([0, 1, 2, 3]);
    expect(world.host(0).refused).toEqual([]);
  });

  /** Twelve batches, of which gateway 1 got all from seq 2 on before the first two, and tried them. */
  function early(): { world: World; client: Client; batches: readonly Uint8Array[] } {
    const world = new World({ cell });
    world.start();
    const client = new Client(cell, 'e');
    const batches = Array.from({ length: 12 }, (_, n) => client.op(`${n}`));
    world.run(50);
    for (const batch of batches.slice(2)) world.submit(1, batch);
    world.run(300);
    expect(applied(world, client)).toEqual([]);
    expect(world.host(1).replica.status().queued).toBe(0);
    return { world, client, batches };
  }

  it('takes what was out of turn behind all that it waited for, at once', () => {
    const { world, client, batches } = early();
    for (const [n, batch] of batches.entries()) world.submit(1, batch, n);
    world.run(400);
    expect(world.host(1).refused).toEqual([]);
    expect(applied(world, client)).toEqual(batches.map((_, n) => n));
  });

  it('takes what was out of turn behind a predecessor whose proof is checked', () => {
    const verdicts: (typeof ACCEPT | undefined)[] = [];
    const world = new World({ cell, verify: () => verdicts[0] });
    world.start();
    const client = new Client(cell, 'e');
    const batches = [client.batch([opOf(ASKED, 'slow')]), client.op('1'), client.op('2')];
    world.run(50);
    for (const batch of batches.slice(1)) world.submit(1, batch);
    world.run(300);
    for (const [n, batch] of batches.entries()) world.submit(1, batch, n);
    verdicts.push(ACCEPT);
    world.run(2_000);
    expect(world.host(1).refused).toEqual([]);
    expect(applied(world, client)).toEqual([0, 1, 2]);
  });

  it('carries what was out of turn no second time while something is missing before it', () => {
    const { world, client, batches } = early();
    for (const [n, batch] of batches.entries()) if (n > 0) world.submit(1, batch, n);
    world.run(600);
    const { refused } = world.host(1);
    expect(refused.map(({ tag }) => tag)).toEqual(batches.map((_, n) => n).slice(2));
    expect(new Set(refused.map(({ failure }) => failure.code))).toEqual(new Set(['overloaded']));
    expect(applied(world, client)).toEqual([]);
  });

  it('counts what waits as queued, by number and by bytes', () => {
    const world = new World({ cell, verify: () => undefined, tuning: { queueBatchesMax: 3 } });
    world.start();
    const client = new Client(cell, 'g');
    world.submit(0, client.batch([opOf(ASKED, 'slow')]), 0);
    for (const n of [1, 2, 3, 4]) world.submit(0, client.op(`${n}`), n);
    expect(world.host(0).refused.map(({ tag }) => tag)).toEqual([3, 4]);
    const many = new World({ cell, verify: () => undefined });
    many.start();
    const long = new Client(cell, 'l');
    many.submit(0, long.batch([opOf(ASKED, 'slow')]), 0);
    for (let n = 1; n <= BEHIND_MAX; n++) many.submit(0, long.op(`${n}`), n);
    expect(many.host(0).refused).toMatchObject([
      { tag: BEHIND_MAX, failure: { code: 'overloaded' } },
    ]);
    const small = new World({ cell, verify: () => undefined, tuning: { queueBytesMax: 1_500 } });
    small.start();
    const big = new Client(cell, 'b');
    small.submit(0, big.batch([opOf(ASKED, 'slow')]), 0);
    for (const n of [1, 2, 3]) small.submit(0, big.batch([new Uint8Array(900)]), n);
    expect(small.host(0).refused.map(({ tag }) => tag)).toEqual([3]);
  });
});
