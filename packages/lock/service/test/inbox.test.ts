// Tests of inboxes.
import { encodeOp, type InboxAnswer, inboxChain, type Op, type Result } from '@fatty/api';
import { equalBytes } from '@fatty/codec';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Claim, code, MachineWorld, PATH } from './machine-world.ts';
import { type Client, op } from './world.ts';

const WINDOW = 3;
const PERIOD_MS = 2_000;
const chainOf = (entries: readonly bigint[]): bigint => entries.reduce(inboxChain, 0n);

class InboxWorld extends MachineWorld {
  constructor(neglect: 'shown' | 'refused' = 'shown', outputs = 1) {
    super({ inbox: { window: WINDOW, neglect }, outputs, lockDelayMs: 0 });
  }

  get inbox(): InboxAnswer {
    const { inbox } = this.machine;
    if (inbox === undefined) throw new Error('an inbox');
    return inbox;
  }

  post(client: Client, entry: bigint): Result {
    return this.one(client, { kind: 'post', path: PATH, entry });
  }

  /** The statement of an honest worker that takes in these entries; s and the output: their sum. */
  claim(entries: readonly bigint[], from = this.#stand): Claim & { readonly after: Stand } {
    const { t, s, before } = from;
    const sum = entries.reduce((a, b) => a + b, 0n);
    const after = { t: t + 1n, s: s + sum, before: [...before, ...entries] };
    const window = Array.from({ length: WINDOW }, (_, i) => entries[i] ?? 0n);
    const outputs = [chainOf(after.before), ...window, sum];
    return { from: [t, s], to: [after.t, after.s], outputs, after };
  }

  get #stand(): Stand {
    const { t, s } = this.machine;
    return { t, s, before: this.taken };
  }

  /** What was consumed so far, by the accepted statements. */
  taken: readonly bigint[] = [];

  /** Takes or renews with these entries, one list a proof. */
  work(client: Client, ...lists: readonly (readonly bigint[])[]): Result | string {
    const claims: (Claim & { readonly after: Stand })[] = [];
    for (const list of lists) claims.push(this.claim(list, claims.at(-1)?.after));
    const { lessee } = this.machine;
    const isOwn = lessee !== undefined && equalBytes(lessee, client.signer.publicKey);
    const result = isOwn ? this.renew(client, ...claims) : this.take(client, ...claims);
    if (typeof result !== 'string' && result.kind === 'machineHeld') {
      this.taken = [...this.taken, ...lists.flat()];
    }
    return result;
  }
}

interface Stand {
  readonly t: bigint;
  readonly s: bigint;
  readonly before: readonly bigint[];
}

const held = { kind: 'machineHeld' };

describe('an inbox', () => {
  test('shows what waits; the next proof consumes it, in order, and shows its outputs', () => {
    const world = new InboxWorld();
    const { a, b } = world;
    expect(world.machine).toMatchObject({ outputCount: 1, outputs: [] });
    expect(world.post(b, 5n)).toMatchObject({ kind: 'posted', number: 1 });
    world.step(100);
    expect(world.post(a, 6n)).toMatchObject({ kind: 'posted', number: 2 });
    const by = [b, a].map((client) => client.signer.publicKey);
    expect(world.inbox).toMatchObject({
      terms: { window: WINDOW, neglect: 'shown' },
      in: 0n,
      consumed: 0,
      pending: [
        { value: 5n, by: by[0], postedAt: 0 },
        { value: 6n, by: by[1], postedAt: 100 },
      ],
    });
    expect(world.work(a, [5n])).toMatchObject(held);
    expect(world.machine).toMatchObject({ t: 1n, s: 6n, outputs: [5n] });
    expect(world.inbox).toMatchObject({ consumed: 1, in: inboxChain(0n, 5n) });
    for (const entry of [7n, 7n, 8n, 9n]) world.post(b, entry);
    expect(world.work(a, [6n, 7n, 7n], [8n], [])).toMatchObject(held);
    expect(world.inbox).toMatchObject({
      consumed: 5,
      in: chainOf([5n, 6n, 7n, 7n, 8n]),
      pending: [{ value: 9n }],
    });
    expect(world.machine.outputs).toEqual([0n]);
    expect(world.post(b, 1n)).toMatchObject({ number: 7 });
  });

  test('an entry does not spoil the proof in the making', () => {
    const world = new InboxWorld();
    const { a, b } = world;
    world.work(a, []);
    world.post(b, 4n);
    const proven = world.proven('renewMachine', a, [world.claim([4n])]);
    const { nonce } = world.machine;
    world.post(b, 5n);
    expect(world.machine.nonce).toEqual(nonce);
    expect(world.send(a, proven)).toMatchObject(held);
    expect(world.inbox.pending).toMatchObject([{ value: 5n }]);
  });

  test('is only where it was declared, takes no 0, and ends with its machine', () => {
    const plain = new MachineWorld();
    const post: Op = { kind: 'post', path: PATH, entry: 1n };
    expect(code(plain.one(plain.b, post))).toBe('no_inbox');
    expect(code(plain.one(plain.b, { ...post, path: '/none' }))).toBe('not_found');
    expect(code(plain.one(plain.b, { ...post, path: '/machines' }))).toBe('not_a_machine');
    const world = new InboxWorld();
    const none = world.service.open(encodeOp({ ...post, entry: 0n }));
    expect(none).toMatchObject({ ok: false, failure: { code: 'bad_entry' } });
    world.post(world.b, 1n);
    world.run(world.a.batch({ kind: 'removeSubtree', path: PATH }));
    expect(code(world.post(world.b, 1n))).toBe('not_found');
  });

  test('is bounded, for each client and for all; what is consumed makes room', () => {
    const world = new InboxWorld();
    const { a, b } = world;
    const fill = (client: Client, count: number): unknown[] =>
      Array.from({ length: count }, (_, i) => code(world.post(client, BigInt(i + 1))));
    expect(new Set(fill(b, 64))).toEqual(new Set([undefined]));
    expect(fill(b, 1)).toEqual(['inbox_full']);
    expect(fill(a, 1)).toEqual([undefined]);
    world.work(a, [1n, 2n, 3n]);
    expect(fill(b, 4)).toEqual([undefined, undefined, undefined, 'inbox_full']);
  });

  test('is part of the state: snapshot, root, timers', () => {
    const world = new InboxWorld();
    const { a, b } = world;
    world.work(a, []);
    const before = world.service.root();
    world.post(b, 3n);
    expect(world.service.root()).not.toEqual(before);
    const bytes = world.service.snapshot();
    const copy = world.service.fresh();
    copy.restore(bytes);
    expect(copy.snapshot()).toEqual(bytes);
    expect(copy.root()).toEqual(world.service.root());
    world.service = copy;
    expect(world.inbox.pending).toMatchObject([{ value: 3n }]);
    expect(world.work(a, [3n])).toMatchObject(held);
  });
});

describe('a machine that ignores its inbox', () => {
  test('is visible as such after a period, until it has caught up', () => {
    const world = new InboxWorld();
    const { a, b } = world;
    world.post(b, 1n);
    world.step(1);
    world.post(b, 2n);
    for (const stepMs of [1_000, PERIOD_MS - 1_001]) {
      world.work(a, []);
      expect(world.inbox.neglectedSince).toBeUndefined();
      world.step(stepMs);
    }
    expect(world.inbox.neglectedSince).toBeUndefined();
    world.step(1);
    expect(world.work(a, [])).toMatchObject(held);
    expect(world.inbox.neglectedSince).toBe(PERIOD_MS);
    world.step(1);
    world.work(a, [1n]);
    expect(world.inbox.neglectedSince).toBe(PERIOD_MS + 1);
    world.work(a, [2n]);
    expect(world.inbox.neglectedSince).toBeUndefined();
  });

  test('is visible without a lessee too: the clock goes on until then', () => {
    const world = new InboxWorld();
    const { a, b } = world;
    world.post(b, 1n);
    world.run(a.batch({ kind: 'closeSession' }));
    world.run(b.batch({ kind: 'closeSession' }));
    expect(world.service.needsTime()).toBe(true);
    const copy = world.service.fresh();
    copy.restore(world.service.snapshot());
    expect(copy.needsTime()).toBe(true);
    world.step(PERIOD_MS);
    expect(world.service.needsTime()).toBe(true);
    world.step(1);
    expect(world.service.needsTime()).toBe(false);
    expect(world.inbox.neglectedSince).toBe(PERIOD_MS);
    copy.restore(world.service.snapshot());
    expect(copy.needsTime()).toBe(false);
  });

  test('cannot renew or be taken when it was declared so, and so loses its lease', () => {
    const world = new InboxWorld('refused');
    const { a, b } = world;
    world.work(a, []);
    world.step(1_000);
    for (let entry = 1n; entry <= 9n; entry++) world.post(b, entry);
    expect(world.work(a, [])).toMatchObject(held);
    world.step(PERIOD_MS - 1);
    expect(world.work(a, [])).toMatchObject(held);
    world.step(2);
    expect(code(world.work(a, []))).toBe('inbox_neglected');
    expect(code(world.work(a, [1n, 2n, 3n], [4n]))).toBe('inbox_neglected');
    // As much as could be taken in counts, whatever is left.
    expect(world.work(a, [1n, 2n, 3n], [4n, 5n, 6n])).toMatchObject(held);
    expect(world.inbox.neglectedSince).toBe(PERIOD_MS + 1_000);
    const { notices } = world.step(PERIOD_MS);
    expect(notices.map(({ notice }) => notice)).toMatchObject([{ kind: 'machineLost' }]);
    expect(code(world.work(b, []))).toBe('inbox_neglected');
    expect(world.work(b, [7n, 8n, 9n])).toMatchObject(held);
    expect(world.inbox.neglectedSince).toBeUndefined();
  });
});

describe('statements that lie about the inbox', () => {
  const liars: readonly (readonly [string, (honest: readonly bigint[]) => readonly bigint[]])[] = [
    ['in of another history', ([chain = 0n, ...rest]) => [chain + 1n, ...rest]],
    ['in before the entry', ([, ...rest]) => [chainOf([9n]), ...rest]],
    ['another amount', ([chain = 0n, , ...rest]) => [chain, 6n, ...rest]],
    ['another amount with its chain', ([, , ...rest]) => [chainOf([9n, 6n]), 6n, ...rest]],
    [
      'an entry more than there are',
      ([, one = 0n, two = 0n, , sum = 0n]) => [chainOf([9n, one, two, 8n]), one, two, 8n, sum],
    ],
    ['an entry left out', ([, , two = 0n, , sum = 0n]) => [chainOf([9n, two]), two, 0n, 0n, sum]],
    [
      'an entry behind an empty cell',
      ([, one = 0n, two = 0n, , sum = 0n]) => [chainOf([9n, one, two]), one, 0n, two, sum],
    ],
    ['nothing, but for in', ([chain = 0n, , , , sum = 0n]) => [chain, 0n, 0n, 0n, sum]],
    [
      'entries out of order',
      ([, one = 0n, two = 0n, , sum = 0n]) => [chainOf([9n, two, one]), two, one, 0n, sum],
    ],
    [
      'an entry twice',
      ([, one = 0n, , , sum = 0n]) => [chainOf([9n, one, one]), one, one, 0n, sum],
    ],
    [
      'an entry that was consumed before',
      ([, , , , sum = 0n]) => [chainOf([9n, 9n]), 9n, 0n, 0n, sum],
    ],
  ];

  test.each(liars)('%s: wrong_in, and nothing has moved', (_, lie) => {
    const world = new InboxWorld();
    const { a, b } = world;
    for (const entry of [9n, 4n, 5n]) world.post(b, entry);
    world.work(a, [9n]);
    const honest = world.claim([4n, 5n]);
    const before = world.machine;
    const lied = { ...honest, outputs: lie(honest.outputs ?? []) };
    expect(code(world.renew(a, lied))).toBe('wrong_in');
    expect(world.machine).toEqual(before);
    expect(world.renew(a, honest)).toMatchObject(held);
  });

  test('a second proof that forgets what the first has consumed', () => {
    const world = new InboxWorld();
    world.post(world.b, 4n);
    const first = world.claim([4n]);
    const second = world.claim([4n], { ...first.after, before: [] });
    expect(code(world.take(world.a, first, second))).toBe('wrong_in');
  });

  test('statements of another length, or of a machine without an inbox', () => {
    const world = new InboxWorld();
    const { a } = world;
    const sent = world.proven('takeMachine', a, [world.claim([])]);
    expect(world.send(a, { ...sent, inbox: WINDOW - 1 })).toBe('lease_cells');
    expect(world.send(a, { ...sent, inbox: 0 })).toBe('lease_cells');
    // As long in all, but cut in another place.
    expect(code(world.send(a, { ...sent, inbox: WINDOW + 1, outputs: 0 }))).toBe('bad_outputs');
    expect(code(world.one(a, { ...sent, inbox: WINDOW + 1 }))).toBe('bad_inbox');
    expect(world.send(a, sent)).toMatchObject(held);
    expect(world.send(a, { ...sent, inbox: 32 })).toBe('bad_inbox');
  });
});

type Step =
  | { readonly do: 'post'; readonly who: number; readonly value: bigint }
  | { readonly do: 'work'; readonly who: number; readonly counts: readonly number[] }
  | { readonly do: 'lie'; readonly who: number; readonly cells: readonly bigint[] }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'release' | 'restart' };

const small = fc.bigInt({ min: 1n, max: 4n });
const who = fc.nat(1);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('post' as const), who, value: small }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('work' as const),
      who,
      counts: fc.array(fc.nat(WINDOW), { minLength: 1, maxLength: 3 }),
    }),
  },
  fc.record({
    do: fc.constant('lie' as const),
    who,
    cells: fc.array(fc.bigInt({ min: 0n, max: 4n }), { minLength: WINDOW, maxLength: WINDOW }),
  }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.nat(PERIOD_MS) }),
  fc.record({ do: fc.constantFrom('release' as const, 'restart' as const) }),
);

/** A chain that fits cells that do not: whatever the reason, nothing moves. */
function lie(
  world: InboxWorld,
  client: Client,
  rest: readonly bigint[],
  cells: readonly bigint[],
): void {
  const isTrue = cells.every((cell, i) => {
    const isBehind = cells.slice(0, i).includes(0n);
    return cell === 0n || (!isBehind && cell === rest[i]);
  });
  if (isTrue) return;
  const claim = world.claim(cells.filter((cell) => cell !== 0n));
  const outputs = [claim.outputs?.[0] ?? 0n, ...cells, 0n];
  const { t } = world.machine;
  expect(['wrong_in', 'not_lessee']).toContain(code(world.renew(client, { ...claim, outputs })));
  expect(world.machine.t).toBe(t);
}

describe('any interleaving of posts, renewals, losses and restarts', () => {
  /** Does one step; answers how many entries it consumed. */
  function play(world: InboxWorld, posted: bigint[], one: Step): number {
    const client = 'who' in one && one.who === 1 ? world.b : world.a;
    const rest = posted.slice(world.taken.length);
    switch (one.do) {
      case 'post':
        expect(world.post(client, one.value)).toMatchObject({ number: posted.push(one.value) });
        return 0;
      case 'work': {
        const lists = one.counts.map((count) => rest.splice(0, count));
        const before = world.taken.length;
        const result = world.work(client, ...lists);
        if (code(result) !== undefined) expect(code(result)).toBe('held');
        return world.taken.length - before;
      }
      case 'lie':
        lie(world, client, rest, one.cells);
        return 0;
      case 'wait':
        world.step(one.ms);
        return 0;
      case 'release':
        world.run(world.a.batch({ kind: 'releaseMachine', path: PATH }));
        return 0;
      case 'restart': {
        const copy = world.service.fresh();
        copy.restore(world.service.snapshot());
        world.service = copy;
        return 0;
      }
    }
  }

  test('consumes each entry exactly once, in the order of the posts', () => {
    let consumed = 0;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        const world = new InboxWorld();
        const posted: bigint[] = [];
        for (const one of steps) {
          consumed += play(world, posted, one);
          const { taken, inbox, machine } = world;
          expect(taken).toEqual(posted.slice(0, taken.length));
          expect(inbox.consumed).toBe(taken.length);
          expect(inbox.in).toBe(chainOf(taken));
          expect(inbox.pending.map(({ value }) => value)).toEqual(posted.slice(taken.length));
          expect(machine.s).toBe(1n + taken.reduce((a, b) => a + b, 0n));
        }
      }),
      { numRuns: 300 },
    );
    expect(consumed).toBeGreaterThan(100);
  });
});

test('hostile posts end in a result', () => {
  const world = new InboxWorld();
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 251n }), fc.string(), (entry, path) => {
      const result = world.one(world.b, { kind: 'post', path: `/${path}`, entry });
      expect(result.kind).toBe('error');
      expect(code(world.one(world.b, op.write(PATH, 'x')))).toBe('not_a_file');
    }),
    { numRuns: 50 },
  );
});
