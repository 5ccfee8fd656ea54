// Tests of ACLs against rules written again: any interleaving of creates, changes and removals.
import {
  type Acl,
  type AclList,
  aclOf,
  encodeOp,
  type Op,
  ORIGIN,
  type Principal,
  parentPath,
  type Result,
} from '@fatty/api';
import { toHex } from '@fatty/codec';
import type { Position } from '@fatty/interface';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AclModel, type Lists, OPEN } from './acl-model.ts';
import { Client, op, type Sent, World } from './world.ts';

const CLIENTS = 4;
const DIRECTORIES = ['/a', '/a/b', '/c'];
const FILES = ['/a/f', '/a/b/f', '/c/f', '/f'];
const GROUP = '/.groups/g';
const PATHS = [...DIRECTORIES, ...FILES, '/.groups', GROUP];
/** `k0`: the key of client 0. */
const NAMES = ['anyone', 'k0', 'k1', 'k2', 'k3', 'g'];

const list = fc.subarray(NAMES, { minLength: 1, maxLength: 3 });
const act = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('make' as const),
      path: fc.constantFrom(...DIRECTORIES, ...FILES),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('remove' as const), path: fc.constantFrom(...PATHS) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('lock' as const), path: fc.constantFrom(...PATHS) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('change' as const),
      path: fc.constantFrom('/', ...PATHS),
      lists: fc.record({ read: list, write: list, change: list }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('group' as const),
      members: fc.subarray([0, 1, 2, 3]),
    }),
  },
);
type Act = typeof act extends fc.Arbitrary<infer A> ? A : never;
const life = fc.array(
  fc.array(fc.record({ who: fc.nat(CLIENTS - 1), act }), { minLength: 2, maxLength: 6 }),
  { minLength: 4, maxLength: 14 },
);

const clients = [...Array(CLIENTS).keys()].map((n) => new Client(n + 1));
const keyOf = (n: number): Principal => ({
  kind: 'key',
  key: (clients[n] as Client).signer.publicKey,
});
const hexOf = (n: number): string => toHex((clients[n] as Client).signer.publicKey);

function principal(name: string): Principal {
  if (name === 'anyone') return { kind: 'anyone' };
  return name === 'g' ? { kind: 'group', name } : keyOf(Number(name.slice(1)));
}

function aclOfLists(lists: Lists): Acl {
  const of = (one: AclList): readonly Principal[] => [...lists[one]].map(principal);
  return aclOf({ read: of('read'), write: of('write'), change: of('change') });
}

const bytesOf = (lists: Lists): string =>
  toHex(encodeOp({ kind: 'setAcl', path: '/', acl: aclOfLists(lists), generation: ORIGIN }));

/** The op of an act, over the generation that its client has read before this commit. */
function opOf(one: Act, seen: (path: string) => Position): Op {
  switch (one.kind) {
    case 'make':
      return DIRECTORIES.includes(one.path) ? op.dir(one.path) : op.file(one.path);
    case 'remove':
      return { kind: 'removeSubtree', path: one.path };
    case 'lock':
      return op.tryAcquire(one.path);
    case 'change':
      return {
        kind: 'setAcl',
        path: one.path,
        acl: aclOfLists(one.lists),
        generation: seen(one.path),
      };
    case 'group':
      return op.file(GROUP, `${one.members.map(hexOf).join('\n')}\n`);
  }
}

/** What the model says of it, as a code or `ok`. */
function expected(model: AclModel, one: Act, who: number, seen: Position, at: Position): string {
  switch (one.kind) {
    case 'make': {
      const isFile = !DIRECTORIES.includes(one.path);
      return model.make(one.path, isFile, who, at, undefined);
    }
    case 'remove':
      return model.remove(one.path, who);
    case 'lock':
      return model.may(one.path, 'write', who)
        ? 'ok'
        : model.find(one.path)
          ? 'access_denied'
          : 'not_found';
    case 'change':
      return model.change(one.path, one.lists, who, seen, at);
    case 'group':
      return model.make(GROUP, true, who, at, new Set(one.members));
  }
}

const codeOf = (result: Result | undefined): string =>
  result?.kind === 'error' ? result.code : 'ok';

/** Where it happened; nowhere, when it did not. */
function positionOf(result: Result | undefined): Position {
  if (result?.kind === 'created') return result.instance;
  return result?.kind === 'aclSet' ? result.aclGen : ORIGIN;
}

class Run {
  readonly world = new World();
  readonly model = new AclModel();
  readonly own = clients.map((_, n) => new Client(n + 1));

  constructor() {
    for (const client of this.own) this.world.open(client);
    const [first] = this.own;
    const made = first && this.world.one(first, op.dir('/.groups'));
    this.model.make('/.groups', false, 0, positionOf(made), undefined);
  }

  step(
    acts: readonly { readonly who: number; readonly act: Act }[],
    reached: Map<string, number>,
  ): void {
    const { world, model, own } = this;
    const before = new Map(['/', ...PATHS].map((path) => [path, model.genOf(path)]));
    const seen = (path: string): Position => before.get(path) ?? ORIGIN;
    const batches: Sent[] = acts.map(({ who, act: one }) =>
      (own[who] as Client).batch(opOf(one, seen)),
    );
    this.#lookAhead(batches);
    const { results } = world.step(0, batches);
    const count = (name: string): void => void reached.set(name, 1 + (reached.get(name) ?? 0));
    const changed = new Set<string>();
    for (const [i, { who, act: one }] of acts.entries()) {
      const path = one.kind === 'group' ? GROUP : one.path;
      const result = results[i]?.[0];
      const said = expected(model, one, who, seen(path), positionOf(result));
      const got = codeOf(result);
      const isLock = one.kind === 'lock' && !['access_denied', 'not_found'].includes(got);
      expect([path, one.kind, isLock ? 'ok' : got]).toEqual([path, one.kind, said]);
      count(`${one.kind} ${said}`);
      if (one.kind === 'change' && said === 'ok') changed.add(path);
      if (one.kind === 'make' && said === 'ok' && changed.has(parentPath(path)))
        count('create after change');
    }
    this.#compare();
  }

  /** Nobody sees in the delivered view what committed rules keep from him. */
  #lookAhead(batches: readonly Sent[]): void {
    const view = this.world.service.view();
    for (const batch of batches) view.deliverBatch(batch);
    for (const path of PATHS) {
      for (const [who, client] of this.own.entries()) {
        const answer = view.query({ kind: 'stat', path }, client.signer.publicKey);
        if (answer.kind === 'stat') expect(this.model.mayAbove(path, 'read', who)).toBe(true);
      }
    }
  }

  #compare(): void {
    for (const path of ['/', ...PATHS]) {
      const answer = this.world.ask({ kind: 'acl', path });
      const node = this.model.find(path);
      if (answer.kind !== 'acl') expect([path, node]).toEqual([path, undefined]);
      else {
        const shown = toHex(
          encodeOp({ kind: 'setAcl', path: '/', acl: answer.acl, generation: ORIGIN }),
        );
        expect([path, shown]).toEqual([path, bytesOf(node?.lists ?? OPEN)]);
        expect([path, answer.aclGen]).toEqual([path, node?.gen]);
      }
      for (const [who, client] of this.own.entries()) {
        const read = this.world.service.query({ kind: 'stat', path }, client.signer.publicKey);
        const isDenied = read.kind === 'error' && read.code === 'access_denied';
        expect([path, who, isDenied]).toEqual([
          path,
          who,
          node !== undefined && !this.model.may(path, 'read', who),
        ]);
      }
    }
  }
}

test('any interleaving of creates, changes and removals does what the rules say', () => {
  const reached = new Map<string, number>();
  const runs = Number(process.env.ACL_RUNS ?? 120);
  fc.assert(
    fc.property(life, (steps) => {
      const run = new Run();
      for (const one of steps) run.step(one, reached);
      const copy = run.world.service.fresh();
      copy.restore(run.world.service.snapshot());
      expect(copy.root()).toEqual(run.world.service.root());
    }),
    { numRuns: runs, seed: 7 },
  );
  const wants = [
    'make ok',
    'make access_denied',
    'remove ok',
    'remove access_denied',
    'change ok',
    'change access_denied',
    'change generation_mismatch',
    'group ok',
    'lock access_denied',
    'create after change',
  ];
  expect(
    wants.filter((name) => (reached.get(name) ?? 0) < 15).map((name) => [name, reached.get(name)]),
  ).toEqual([]);
}, 60_000);
