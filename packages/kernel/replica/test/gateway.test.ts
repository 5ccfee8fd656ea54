// Tests of what a gateway takes.
import { CLIENT_KEYS_MAX, UNSIGNED_MAX } from '@fatty/broadcast';
import {
  ACCEPT,
  asSessionId,
  asSignature,
  encode,
  equalBytes,
  hash,
  ignore,
  reject,
  toHex,
  utf8,
} from '@fatty/codec';
import type { Digest, StateMachine, Unsigned, Verdict } from '@fatty/interface';
import { keepAliveLink, keepAliveShape, signedBatchShape } from '@fatty/protocol';
import { openKeepAlive } from '@fatty/sessions';
import { describe, expect, it } from 'vitest';
import type { Tuning } from '../src/index.ts';
import { bareMachine } from './bare-machine.ts';
import type { Cell } from './cell.ts';
import { carried } from './forge.ts';
import {
  ASKED,
  batchesOf,
  Client,
  HEAVY,
  IGNORED,
  listAlgorithm,
  makeCell,
  type Options,
  opOf,
  REJECTED,
  World,
} from './world.ts';

function gateway(
  tuning: Partial<Tuning> = {},
  verify?: (job: Uint8Array) => Verdict | undefined,
  options: Partial<Options> = {},
): { cell: Cell; world: World; client: Client; codes: () => readonly string[] } {
  const cell = options.cell ?? makeCell(4);
  const world = new World({ cell, tuning, ...(verify ? { verify } : {}), ...options });
  world.start();
  world.run(5);
  const codes = (): readonly string[] =>
    world.host(0).refused.map(({ tag, failure }) => `${tag} ${failure.code}`);
  return { cell, world, client: new Client(cell, 'c'), codes };
}

describe('submit', () => {
  it('refuses what no block may carry, with its tag', () => {
    const { world, client, codes } = gateway();
    const good = carried(client.op('a'));
    world.submit(0, Uint8Array.of(0x80), 1);
    const sig = asSignature(new Uint8Array(64));
    world.submit(0, encode(signedBatchShape, { core: good.signed.core, sig }), 2);
    world.submit(0, client.batch([]), 3);
    world.submit(0, client.batch([opOf(REJECTED, '')]), 4);
    world.submit(0, client.batch([opOf(IGNORED, '')]), 5);
    world.submit(0, client.batch(Array.from({ length: 257 }, () => utf8('x'))), 6);
    world.submit(0, client.batch([new Uint8Array(400_000)]), 7);
    const proofs = Array.from({ length: 5 }, (_, i) => opOf(ASKED, `${i}`));
    world.submit(0, client.batch(proofs), 8);
    world.submit(0, client.batch(Array.from({ length: 5 }, () => opOf(HEAVY, ''))), 9);
    expect(codes()).toEqual([
      '1 wrong_shape',
      '2 bad_batch_signature',
      '3 empty_batch',
      '4 bad_op',
      '5 not_yet',
      '6 too_many_ops',
      '7 op_too_large',
      '8 too_many_proofs',
      '9 too_heavy',
    ]);
    expect(world.run(1_000)).toBe(true);
    expect(world.host(0).replica.status().round).toBe(0);
  });

  it('asks the machine for its own look', () => {
    const cell = makeCell(4);
    const context = { cellId: cell.cellId, epoch: 0, members: cell.committee.members };
    const precheck = () => reject('no_such_session', 'a session', 'none');
    const machine = () => Object.assign(bareMachine(listAlgorithm, context), { precheck });
    const world = new World({ cell, machine });
    world.start();
    world.submit(0, new Client(cell, 'c').op('a'), 4);
    expect(world.host(0).refused).toMatchObject([{ tag: 4, failure: { code: 'no_such_session' } }]);
  });

  it('takes the same batch twice as one', () => {
    const { world, client, codes } = gateway();
    const batch = client.op('a');
    for (let k = 0; k < 5; k++) {
      world.submit(0, batch, k);
      world.run(1);
    }
    world.submit(1, batch);
    world.run(1_000);
    expect(codes()).toEqual([]);
    const receipts = world.host(0).committed.flatMap(({ applied }) => applied.receipts);
    expect(new Set(receipts.map((one) => toHex(one.batch))).size).toBe(1);
    expect(new Set(receipts.map((one) => one.commit)).size).toBe(1);
    // Through another gateway it is ordered again, answered from the stored receipt.
    world.submit(0, batch, 9);
    world.run(1_000);
    const after = world.host(0).committed.flatMap(({ applied }) => applied.receipts);
    expect(after.length).toBe(receipts.length + 1);
    expect(new Set(after.map((one) => one.commit)).size).toBe(1);
  });

  it('says when it is overloaded, by count and by bytes', () => {
    const few = gateway({ queueBatchesMax: 3 });
    for (let k = 0; k < 6; k++) few.world.submit(0, new Client(few.cell, `${k}`).op('x'), k);
    expect(few.codes()).toEqual(['4 overloaded', '5 overloaded']);
    few.world.run(1_000);
    expect(batchesOf(few.world.host(1)).length).toBe(4);
    // A client alone has no more than it leaves to others.
    const own = gateway({ queueBatchesMax: 3 });
    for (let k = 0; k < 5; k++) own.world.submit(0, own.client.op(`${k}`), k);
    expect(own.codes()).toEqual(['3 overloaded', '4 overloaded']);
    const small = gateway({ queueBytesMax: 1_000 });
    for (let k = 0; k < 4; k++) small.world.submit(0, small.client.batch([new Uint8Array(900)]), k);
    // The first went into a block at once.
    expect(small.codes()).toEqual(['2 overloaded', '3 overloaded']);
  });

  it('waits for slow checks, and refuses when they do', () => {
    const verdicts: (Verdict | undefined)[] = [
      undefined,
      ACCEPT,
      reject('bad_proof', 'a good one', 'another'),
      ignore('too_busy', 'time', 'none'),
    ];
    const { world, client, codes } = gateway({}, () => verdicts.shift());
    world.submit(0, client.batch([opOf(ASKED, 'a')], 0), 1);
    world.run(2);
    expect(world.host(0).replica.status()).toMatchObject({ queued: 1, round: 0 });
    world.run(110);
    for (let k = 0; k < 4; k++) verdicts.unshift(ACCEPT);
    world.run(1_000);
    expect(batchesOf(world.host(0))).toHaveLength(1);
    verdicts.splice(
      0,
      10,
      reject('bad_proof', 'a good one', 'another'),
      ignore('too_busy', '', ''),
    );
    world.submit(0, client.batch([opOf(ASKED, 'b')], 1), 2);
    world.run(10);
    world.submit(0, client.batch([opOf(ASKED, 'c')], 1), 3);
    world.run(10);
    // A verdict is remembered; `ignore` is none.
    world.submit(0, client.batch([opOf(ASKED, 'b'), utf8('x')], 1), 4);
    expect(codes()).toEqual(['2 bad_proof', '3 too_busy', '4 bad_proof']);
  });

  it('never puts more proofs into a block than it may carry, and loses none', () => {
    const { world, client } = gateway({}, () => ACCEPT);
    const others = [1, 2, 3].map((i) => new Client(world.options.cell, `p${i}`));
    for (const one of others) {
      const ops = ['a', 'b', 'c'].map((x) => opOf(ASKED, `${one.name}${x}`));
      world.submit(0, one.batch(ops));
    }
    world.run(10);
    world.submit(0, client.op('plain'));
    world.run(2_000);
    expect(batchesOf(world.host(3))).toHaveLength(4);
    for (const host of world.hosts) expect(host.count('blockRejected')).toBe(0);
  });

  it('splits what does not fit one block', () => {
    const { world } = gateway();
    for (let i = 0; i < 6; i++) {
      const one = new Client(world.options.cell, `b${i}`);
      world.submit(0, one.batch([new Uint8Array(300_000), new Uint8Array(200_000)]), i);
    }
    world.run(2_000);
    expect(batchesOf(world.host(2))).toHaveLength(6);
    for (const host of world.hosts) expect(host.count('blockRejected')).toBe(0);
  });

  it('never puts more work into a block than it may be, lets others pass, and loses none', () => {
    const { world } = gateway();
    const [heavy, light] = ['heavy', 'light'].map((name) =>
      Array.from({ length: 3 }, (_, i) => new Client(world.options.cell, `${name}${i}`)),
    );
    for (const one of heavy ?? []) {
      for (let i = 0; i < 3; i++) world.submit(0, one.batch([opOf(HEAVY, `${i}`)]), i);
    }
    for (const one of light ?? []) world.submit(0, one.op('light'), 9);
    world.run(2_000);
    expect(batchesOf(world.host(2))).toHaveLength(12);
    for (const host of world.hosts) expect(host.count('blockRejected')).toBe(0);
  });

  it('never puts more clients into a block than it may carry, and loses none', () => {
    const { world } = gateway();
    const many = 2 * CLIENT_KEYS_MAX + 1;
    for (let i = 0; i < many; i++) {
      const one = new Client(world.options.cell, `k${i}`);
      for (const text of ['a', 'b']) world.submit(0, one.op(text), i);
    }
    world.run(2_000);
    expect(batchesOf(world.host(2))).toHaveLength(2 * many);
    for (const host of world.hosts) expect(host.count('blockRejected')).toBe(0);
  });
});

/** Machines of one kind whose committed chain state is each one's own. */
function chained(
  check: (message: Unsigned, accepted: ReadonlyMap<string, Unsigned>) => Verdict,
): Partial<Options> {
  const cell = makeCell(4);
  const context = { cellId: cell.cellId, epoch: 0, members: cell.committee.members };
  const machine = (): StateMachine => {
    const accepted = new Map<string, Unsigned>();
    const plain = bareMachine(listAlgorithm, context);
    return {
      ...wrapped(plain),
      unsigned: {
        open: openKeepAlive,
        precheck: (message) => check(message, accepted),
        hasReached: ({ about, rank }) => rank <= (accepted.get(toHex(about))?.rank ?? 0),
      },
      applyCommit(commit) {
        for (const one of commit.unsigned) {
          if (check(one, accepted).kind === 'accept') accepted.set(toHex(one.about), one);
        }
        return plain.applyCommit(commit);
      },
    };
  };
  return { cell, machine };
}

function wrapped(machine: StateMachine): StateMachine {
  return {
    open: (bytes) => machine.open(bytes),
    validate: (source, op) => machine.validate(source, op),
    precheck: (batch) => machine.precheck(batch),
    applyCommit: (commit) => machine.applyCommit(commit),
    deliverBatch: (batch) => machine.deliverBatch(batch),
    needsTime: () => machine.needsTime(),
    snapshot: () => machine.snapshot(),
    restore: (bytes) => machine.restore(bytes),
    root: () => machine.root(),
    fresh: () => machine.fresh(),
  };
}

const links = [hash('seed')];
for (let i = 0; i < 20; i++) links.unshift(keepAliveLink(links[0] as Digest));

/** One session, whose chain is {@link links}; at most 4 links at once. */
function checkLink(one: Unsigned, accepted: ReadonlyMap<string, Unsigned>): Verdict {
  const last = accepted.get(toHex(one.about)) ?? { rank: 0, proof: links[0] as Digest };
  const far = one.rank - last.rank;
  if (far < 1 || far > 4) {
    return reject('bad_keep_alive', `link ${last.rank + 1}`, `link ${one.rank}`);
  }
  let link = one.proof;
  for (let k = 0; k < far; k++) link = keepAliveLink(link);
  return equalBytes(link, last.proof) ? ACCEPT : reject('bad_keep_alive', 'a preimage', 'not');
}

describe('unsigned messages', () => {
  it('of others crowd out none: all true ones are carried, and of the forged not one', () => {
    const { world } = gateway({ unsignedMax: 8 }, undefined, chained(checkLink));
    const victim = asSessionId(new Uint8Array(32).fill(7));
    const show = (i: number, preimage: Uint8Array): void => {
      const bytes = encode(keepAliveShape, { session: victim, i, preimage });
      world.event(world.host(0), { kind: 'unsigned', bytes });
    };
    let shown = 0;
    for (let ms = 0; ms < 8_000; ms++) {
      const forged = [2 ** 32 - 1, shown + 1, shown + 2][ms % 3] as number;
      show(forged, hash('garbage'));
      if (ms % 500 === 250) show(++shown, links[shown] as Digest);
      world.idle(1);
    }
    world.idle(1_000);
    expect(shown).toBe(16);
    const seen = world
      .host(2)
      .committed.flatMap(({ input }) => input.unsigned.map(({ rank }) => rank));
    expect(seen).toEqual(Array.from({ length: 16 }, (_, i) => i + 1));
    expect(world.host(0).count('messageRejected', 'bad_keep_alive')).toBe(8_000);
  });

  it('go nowhere in a cell whose algorithm has none', () => {
    const { world } = gateway();
    const session = asSessionId(new Uint8Array(32));
    const bytes = encode(keepAliveShape, { session, i: 1, preimage: hash('p') });
    world.event(world.host(0), { kind: 'unsigned', bytes });
    expect(world.host(0).count('messageRejected', 'unexpected_field')).toBe(1);
  });

  it('of a chain that was replaced make room for the new chain', () => {
    let chain = 1;
    const check = ({ proof }: Unsigned): Verdict =>
      proof[0] === chain ? ACCEPT : reject('bad_keep_alive', 'this chain', 'another');
    const { world } = gateway({}, undefined, chained(check));
    const session = asSessionId(new Uint8Array(32).fill(7));
    const show = (i: number): void => {
      const bytes = encode(keepAliveShape, {
        session,
        i,
        preimage: new Uint8Array(32).fill(chain),
      });
      world.event(world.host(0), { kind: 'unsigned', bytes });
    };
    show(1);
    show(9);
    chain = 2;
    show(1);
    world.run(1_000);
    const seen = world.host(2).committed.flatMap(({ input }) => input.unsigned);
    expect(seen.map(({ rank, proof }) => `${proof[0]}.${rank}`)).toEqual(['1.1', '2.1']);
  });

  it('are carried outside batches, the latest about a session counts', () => {
    const { world } = gateway(
      {},
      undefined,
      chained(() => ACCEPT),
    );
    const session = asSessionId(new Uint8Array(32).fill(7));
    for (const i of [3, 1, 5, 4]) {
      const bytes = encode(keepAliveShape, { session, i, preimage: new Uint8Array(32).fill(i) });
      world.event(world.host(0), { kind: 'unsigned', bytes });
      if (i === 3) world.idle(200);
    }
    world.run(1_000);
    const seen = world
      .host(2)
      .committed.flatMap(({ input }) => input.unsigned.map(({ rank }) => rank));
    // 1 and 4 say nothing that 5 does not.
    expect(seen).toEqual([3, 5]);
  });

  it('go out sorted, as many as a block may carry at a time', () => {
    const { world } = gateway(
      {},
      undefined,
      chained(() => ACCEPT),
    );
    const many = UNSIGNED_MAX + 300;
    for (let k = 0; k < many; k++) {
      const session = asSessionId(hash('session', utf8(`${k}`)));
      const bytes = encode(keepAliveShape, { session, i: 1, preimage: new Uint8Array(32) });
      world.event(world.host(0), { kind: 'unsigned', bytes });
    }
    world.run(2_000);
    const commits = world.host(2).committed.map(({ input }) => input.unsigned);
    const seen = commits.flat().map(({ about }) => toHex(about));
    expect(new Set(seen).size).toBe(many);
    expect(seen).toHaveLength(many);
    for (const host of world.hosts) expect(host.count('blockRejected')).toBe(0);
  });

  it('of bad form or too many are dropped with a note', () => {
    const { world } = gateway(
      { unsignedMax: 2, restMsMax: -1 },
      undefined,
      chained(() => ACCEPT),
    );
    world.event(world.host(0), { kind: 'unsigned', bytes: Uint8Array.of(1) });
    expect(world.host(0).count('messageRejected', 'wrong_shape')).toBe(1);
    for (let k = 0; k < 4; k++) {
      const session = asSessionId(new Uint8Array(32).fill(k));
      const bytes = encode(keepAliveShape, { session, i: 1, preimage: new Uint8Array(32) });
      world.event(world.host(0), { kind: 'unsigned', bytes });
    }
    expect(world.host(0).count('messageRejected', 'overloaded')).toBe(2);
  });
});

describe('the delivered view (R21a)', () => {
  it('shows an op before it is committed, and is the committed state at rest', () => {
    const { world, client } = gateway();
    world.submit(0, client.op('a'));
    const host = world.host(0);
    expect(
      world.run(1_000, () => host.delivered.length > 0 && host.replica.status().delivered > 0),
    ).toBe(false);
    expect(batchesOf(host)).toHaveLength(0);
    const view = host.replica.deliveredView();
    expect(view).toBe(host.replica.deliveredView());
    expect(view.root()).not.toEqual(host.replica.machine.root());
    world.run(1_000);
    expect(host.replica.status().delivered).toBe(0);
    expect(host.replica.deliveredView()).not.toBe(view);
    expect(host.replica.deliveredView().root()).toEqual(host.replica.machine.root());
  });
});
