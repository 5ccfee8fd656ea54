// What is remembered of lists and groups makes no difference to any answer.
import { groupPath, type Op } from '@fatty/api';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { group, idOf, key, setting } from './acl-world.ts';
import { Client, op, type Sent, World } from './world.ts';

const CLIENTS = 4;
const GROUPS = ['a', 'b', 'c'];
const FILES = ['/f', '/d', '/d/g'];
/** The longest lease, and the shortest. */
const [LONG_MS, SHORT_MS] = [60_000, 4_000];

const who = fc.nat(CLIENTS - 1);
const groups = fc.constantFrom(...GROUPS);
const members = fc.subarray([0, 1, 2, 3]);
/** Of a list: groups, and perhaps a key. */
const list = fc.record({ groups: fc.subarray(GROUPS, { minLength: 1 }), key: fc.option(who) });
const weighted = <T>(weight: number, arbitrary: fc.Arbitrary<T>) => ({ weight, arbitrary });
const act = fc.oneof(
  weighted(8, fc.record({ kind: fc.constant('try' as const), path: fc.constantFrom(...FILES) })),
  weighted(2, fc.record({ kind: fc.constant('fill' as const), group: groups, members })),
  weighted(2, fc.record({ kind: fc.constant('write' as const), group: groups, members })),
  weighted(1, fc.record({ kind: fc.constant('txn' as const), group: groups, members })),
  weighted(1, fc.record({ kind: fc.constant('mortal' as const), group: groups, members })),
  weighted(1, fc.record({ kind: fc.constant('drop' as const), group: groups })),
  weighted(3, fc.record({ kind: fc.constant('undo' as const), group: groups })),
  weighted(1, fc.record({ kind: fc.constant('dropAll' as const) })),
  weighted(
    2,
    fc.record({ kind: fc.constant('lists' as const), path: fc.constantFrom('/', ...FILES), list }),
  ),
);
type Dots = Extract<Op, { kind: 'remove' }>['dots'];
type Act = typeof act extends fc.Arbitrary<infer A> ? A : never;

class Run {
  readonly world = new World();
  readonly clients = Array.from(
    { length: CLIENTS },
    (_, n) => new Client(n + 1, 0, { leaseMs: LONG_MS }),
  );
  #nonces = 1;
  /** All that ever made the file of a group. */
  readonly #dots = new Map<string, Dots>();

  constructor() {
    const { world } = this;
    const [boss = new Client(0)] = this.clients;
    for (const client of this.clients) world.open(client);
    world.run(boss.batch(op.dir('/.groups'), op.file('/f'), op.dir('/d'), op.file('/d/g')));
    // Two are in every group at first.
    for (const name of GROUPS) {
      this.#dots.set(name, [this.#next(0)]);
      world.one(boss, op.file(groupPath(name), this.#lines([0, 1])));
    }
  }

  /** The id of a create that is the first op of this client's next batch. */
  #next(n: number): Dots[number] {
    const { session, seq } = this.clients[n] ?? new Client(0);
    return { session, seq, index: 0 };
  }

  #dotsOf(name: string): Dots {
    return this.#dots.get(name) ?? [];
  }

  #lines(of: readonly number[]): string {
    return of.map((n) => idOf(this.clients[n] ?? new Client(0))).join('\n');
  }

  opsOf(n: number, one: Exclude<Act, { kind: 'mortal' }>): readonly Op[] {
    switch (one.kind) {
      case 'try':
        return [op.tryAcquire(one.path), op.release(one.path)];
      case 'write':
        return [op.write(groupPath(one.group), this.#lines(one.members))];
      case 'txn': {
        const written = op.write(groupPath(one.group), this.#lines(one.members));
        const then = [written, op.write('/f', 'x')] as Extract<Op, { kind: 'txn' }>['success'];
        return [{ kind: 'txn', compares: [], success: then, failure: [] }];
      }
      case 'fill':
        this.#dots.set(one.group, [...this.#dotsOf(one.group), this.#next(n)]);
        return [op.file(groupPath(one.group), this.#lines(one.members))];
      case 'undo':
        return [op.remove(groupPath(one.group), ...this.#dotsOf(one.group))];
      case 'drop':
        return [{ kind: 'removeSubtree', path: groupPath(one.group) }];
      case 'dropAll':
        return [{ kind: 'removeSubtree', path: '/.groups' }, op.dir('/.groups')];
      case 'lists': {
        const named = one.list.groups.map(group);
        const own = one.list.key === null ? [] : [key(this.clients[one.list.key] as Client)];
        // Everybody may change the lists, or soon nobody would.
        return [
          setting(this.world, one.path, { read: [...named, ...own], write: [...named, ...own] }),
        ];
      }
    }
  }

  #batchOf(n: number, one: Act): Sent {
    if (one.kind !== 'mortal')
      return (this.clients[n] ?? new Client(0)).batch(...this.opsOf(n, one));
    // Of a session that nobody keeps.
    const basis = this.world.commit;
    const client = new Client(n + 1, this.#nonces++, { leaseMs: SHORT_MS, basis });
    const path = groupPath(one.group);
    return client.open(op.file(path, this.#lines(one.members), { ephemeral: true }));
  }

  /** The same commit on a service that remembers, and on one that has just come from a snapshot. */
  step(n: number, one: Act, advanceMs: number, seen: Set<string>): void {
    const forgetful = this.world.service.fresh();
    forgetful.restore(this.world.service.snapshot());
    const input = this.world.input(advanceMs, [this.#batchOf(n, one)]);
    const { receipts } = this.world.service.applyCommit(input);
    expect(receipts).toEqual(forgetful.applyCommit(input).receipts);
    expect(this.world.service.root()).toEqual(forgetful.root());
    for (const asker of this.clients) {
      for (const path of FILES) {
        const mayHear = this.world.service.mayHear(path, asker.signer.publicKey);
        expect(mayHear).toBe(forgetful.mayHear(path, asker.signer.publicKey));
        seen.add(`${path} ${mayHear}`);
      }
    }
  }
}

test('a service that remembers answers as one that does not, whatever becomes of lists and groups', () => {
  const seen = new Set<string>();
  const waits = fc.constantFrom(0, 0, 0, SHORT_MS);
  const steps = fc.array(fc.tuple(who, act, waits), { minLength: 10, maxLength: 40 });
  fc.assert(
    fc.property(steps, (all) => {
      const run = new Run();
      for (const [n, one, advanceMs] of all) run.step(n, one, advanceMs, seen);
    }),
    { numRuns: 25, seed: 11 },
  );
  for (const path of FILES)
    expect(seen).toEqual(new Set([...seen, `${path} true`, `${path} false`]));
});
