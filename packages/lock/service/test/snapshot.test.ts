// Tests of snapshots and roots.
import type { Op } from '@fatty/api';
import { bindingCell } from '@fatty/cairo-verify';
import { utf8 } from '@fatty/codec';
import type { Receipt } from '@fatty/interface';
import { expect, test } from 'vitest';
import {
  feltByHand,
  hashByHand,
  pin,
  pinned,
  plainOf,
} from '../../../kernel/codec/test/by-hand.ts';
import { type Plain, reference } from '../../../kernel/codec/test/reference.ts';
import { jobOf, value } from './job-world.ts';
import { declaration, envelope, PATH, PROGRAM } from './machine-world.ts';
import { stateRootByHand } from './root-by-hand.ts';
import { at, CELL, Client, keyOf, member, type Outcome, op, World } from './world.ts';

const golden = new URL('./golden/', import.meta.url);
const STATE = 2n ** 200n;

const [OLD_KEY, NEW_KEY] = [keyOf(3), keyOf(40)];

class Lived extends World {
  readonly receipts: Receipt[] = [];
  readonly a = new Client(1, 0, { leaseMs: 15_000 });
  readonly b = new Client(2);
  readonly c = new Client(3, 9, { leaseMs: 20_000, basis: 2 });
  readonly d = new Client(4, 7, { leaseMs: 4_000, basis: 1 });

  /**
   * Two live sessions, one closed, one expired; a lock held, waited for and in both lock-delays; a
   * guarded ephemeral; a machine with a lessee and two entries in its inbox; a claimed job; a client under its
   * second key; two convicted members.
   */
  constructor() {
    super();
    const { a, b, c, d } = this;
    const inbox = { window: 2, neglect: 'refused' } as const;
    this.open(a, op.dir('/machines'), declaration({ inbox, lockDelayMs: 5_000 }));
    this.open(b, op.file('/slow'));
    this.open(c, op.file('/lock', 'v'));
    this.open(d, op.acquire('/slow', { lockDelayMs: 9_000 }));
    this.one(a, op.acquire('/lock', { mode: 'shared' }));
    this.one(d, op.acquire('/lock', { mode: 'shared', lockDelayMs: 8_000 }));
    this.one(c, op.acquire('/lock', { maxWaitMs: 60_000, lockDelayMs: 1 }));
    this.one(b, op.file('/gone', 'x', { ephemeral: true }));
    this.one(c, op.file('/mine', 'x', { ephemeral: true, mode: 'guarded' }));
    this.one(b, { kind: 'closeSession' });
    this.step(5_000, [], { keepAlives: [a.keepAlive(3)], evidence: [member(2), member(5)] });
    this.one(c, { kind: 'post', path: PATH, entry: 77n });
    this.one(a, { kind: 'post', path: PATH, entry: 2n ** 250n });
    this.one(a, op.file('/no/parent'));
    this.one(a, this.#takeMachine());
    this.one(a, { kind: 'publish', path: PATH, address: 'host:1', content: utf8('up') });
    const path = '/machines/job';
    this.one(c, jobOf({ path, inputs: [value(7n)], giveUpAfter: 2 }));
    this.one(a, { kind: 'claimJob', path });
    this.one(c, c.rotation(NEW_KEY));
    c.signer = NEW_KEY;
  }

  override step(...args: Parameters<World['step']>): Outcome {
    const outcome = super.step(...args);
    this.receipts.push(...outcome.raw.receipts);
    return outcome;
  }

  #takeMachine(): Op {
    const nonce = at(1, 2);
    const binding = bindingCell(CELL, PATH, this.a.signer.publicKey, nonce);
    const claim = { binding, from: [0n, 1n], to: [9n, STATE], outputs: [0n, 0n, 0n] } as const;
    const proofs = [envelope(claim)];
    return { kind: 'takeMachine', path: PATH, nonce, outputs: 0, inbox: 2, proofs };
  }
}

const COMMIT = 19;
const CLOCK = 5_000;

function tablesByHand({ a, b, c, d, receipts }: Lived): Uint8Array {
  const kept = (client: Client): Plain =>
    receipts
      .filter((one) => Buffer.compare(one.session, client.session) === 0)
      .map((one) => [one.seq, one.batch, one.commit, one.results]);
  const session = (client: Client, commit: number, until: number, expiry: number): Plain => [
    client.session,
    client.signer.publicKey,
    member(0),
    [commit, 0],
    until,
    client.leaseMs,
    client.links[client === a ? 3 : 0] ?? '',
    client === a ? 3 : 0,
    expiry,
    client.seq - 1,
    0,
    kept(client),
  ];
  const byBytes = (x: Client, y: Client): number => Buffer.compare(x.session, y.session);
  const sessions = new Map([
    [a, session(a, 1, 10_000, CLOCK + 15_000)],
    [c, session(c, 3, 10_002, 20_000)],
  ]);
  const graves = new Map([
    [b, [b.session, b.signer.publicKey, member(0), 10_000]],
    [d, [d.session, d.signer.publicKey, member(0), 10_001]],
  ]);
  return reference([
    [0, COMMIT, 1_800_000_000_000 + CLOCK, CLOCK, [member(2), member(5)].sort(Buffer.compare)],
    [...sessions.keys()].sort(byBytes).map((one) => sessions.get(one) ?? []),
    [...graves.keys()].sort(byBytes).map((one) => graves.get(one) ?? []),
    [],
    [
      [
        '/lock',
        [[a.session, 1, 0, 1, 0, [5, 0], []]],
        [[c.session, 1, 0, 0, 1, [7, 0], [60_000]]],
        0,
        CLOCK + 8_000,
      ],
      ['/slow', [], [], CLOCK + 9_000, 0],
    ],
    [
      [OLD_KEY.publicKey, OLD_KEY.publicKey, 1, [COMMIT, 0]],
      [NEW_KEY.publicKey, OLD_KEY.publicKey, 0, [COMMIT, 0]],
    ].sort(([x], [y]) => Buffer.compare(x as Uint8Array, y as Uint8Array)),
  ]);
}

function parts(snapshot: Uint8Array): readonly [tables: Uint8Array, names: Uint8Array] {
  const [tables, names] = plainOf(snapshot) as readonly Uint8Array[];
  return [tables ?? new Uint8Array(0), names ?? new Uint8Array(0)];
}

function seat(world: World, name: string): Plain {
  const rows = plainOf(parts(world.service.snapshot())[1]) as readonly (readonly Plain[])[];
  const row = rows.find((one) => Buffer.from(one[1] as Uint8Array).toString() === name);
  return (row?.[2] as readonly Plain[] | undefined)?.at(-1) ?? 'no such node';
}

const world = new Lived();
const { a } = world;

test('a snapshot is (tables, names); the tables are worked out by hand', () => {
  const snapshot = world.service.snapshot();
  pin(golden, 'snapshot', snapshot);
  const [tables, names] = parts(snapshot);
  expect(plainOf(tables)).toEqual(plainOf(tablesByHand(world)));
  expect(snapshot).toEqual(reference([tablesByHand(world), names]));
});

test('a machine stands in the slot of its node', () => {
  const byHand: Plain = [
    [
      1,
      PROGRAM,
      ['plain', 96, 124],
      0,
      0,
      2_000,
      5_000,
      9,
      feltByHand(STATE),
      [],
      [
        [
          [2, 1],
          feltByHand(0n),
          0,
          [
            [feltByHand(77n), OLD_KEY.publicKey, CLOCK],
            [feltByHand(2n ** 250n), a.signer.publicKey, CLOCK],
          ],
        ],
      ],
      [15, 0],
      [[a.signer.publicKey, a.session, [15, 0], CLOCK + 2_000, 'host:1', utf8('up')]],
      0,
    ],
  ];
  expect(seat(world, 'tick')).toEqual(byHand);
  expect(seat(world, 'mine')).toEqual([]);
});

test('a job stands in the slot of its node', () => {
  const byHand: Plain = [
    [
      2,
      PROGRAM,
      ['plain', 96, 124],
      feltByHand(1n),
      1,
      1,
      [[1, feltByHand(7n)]],
      4,
      1,
      2_000,
      60_000,
      2,
      0,
      [],
      1,
      0,
      [],
      CLOCK + 60_000,
      [feltByHand(7n)],
      [0, feltByHand(1n), feltByHand(0n), 0, []],
      [],
      [[a.signer.publicKey, [18, 0], CLOCK + 2_000]],
      [],
      1,
      0,
      [],
      0,
      hashByHand('job-proofs'),
      [],
    ],
  ];
  expect(seat(world, 'job')).toEqual(byHand);
});

test('the root: a record of tries, worked out from the snapshot by hand', () => {
  pin(golden, 'root', world.service.root());
  expect(world.service.root()).toEqual(stateRootByHand(world.service.snapshot()));
});

test('a stored snapshot is read back, and goes on alike', () => {
  const copy = new World();
  copy.service.restore(pinned(golden, 'snapshot'));
  expect(copy.service.root()).toEqual(world.service.root());
  expect(copy.service.snapshot()).toEqual(pinned(golden, 'snapshot'));
  const original = new Lived();
  [copy.commit, copy.leaseClock] = [original.commit, original.leaseClock];
  for (const advanceMs of [2_001, 2_000, 2_000, 2_000, 2_000, 2_000, 60_000]) {
    const [one, two] = [original.step(advanceMs), copy.step(advanceMs)];
    expect(two.notices).toEqual(one.notices);
    expect(copy.service.root()).toEqual(original.service.root());
  }
  expect(copy.service.needsTime()).toBe(false);
});
