// Tests of the delivered view.
import { encodeOp, type Op } from '@fatty/api';
import { equalBytes } from '@fatty/codec';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { at, Client, member, op, type Sent, World } from './world.ts';

const code = (value: unknown): unknown => (value as { code?: string }).code;
const PATHS = ['/a', '/a/x', '/a/y', '/b', '/c'];

interface Sketch {
  readonly who: number;
  readonly kind: 'file' | 'dir' | 'write' | 'remove' | 'lock' | 'exclusive';
  readonly path: string;
  readonly names: readonly (readonly [who: number, seq: number])[];
}

const sketch: fc.Arbitrary<Sketch> = fc.record({
  who: fc.nat(2),
  kind: fc.constantFrom('file', 'file', 'dir', 'write', 'write', 'remove', 'lock', 'exclusive'),
  path: fc.constantFrom(...PATHS),
  names: fc.array(fc.tuple(fc.nat(2), fc.nat(4)), { minLength: 1, maxLength: 3 }),
});

/** Clients with a few committed names, and pending batches of every kind. */
function scene(sketches: readonly Sketch[]): { world: World; batches: Sent[] } {
  const world = new World();
  const clients = [1, 2, 3].map((key) => new Client(key));
  world.step(
    0,
    clients.map((client) => client.open()),
  );
  const get = (i: number): Client => clients[i] as Client;
  world.run(get(0).batch(op.dir('/a'), op.file('/b', 'old')));
  const batches = sketches.map(({ who, kind, path, names }, i) => {
    const dots = names.map(([n, seq]) => ({ session: get(n).session, seq, index: 0 }));
    const ops: Record<Sketch['kind'], Op> = {
      file: op.file(path, `file ${i}`),
      dir: op.dir(path),
      write: op.write(path, `write ${i}`, ...dots),
      remove: op.remove(path, ...dots),
      lock: op.acquire(path),
      exclusive: op.file(path, '', { exclusive: true }),
    };
    return get(who).batch(ops[kind]);
  });
  return { world, batches };
}

function everything(service: World['service']): unknown {
  return [
    ...PATHS.map((path) => service.query({ kind: 'get', path })),
    ...['/', '/a'].map((path) =>
      service.query({ kind: 'list', path, after: undefined, limit: 99 }),
    ),
  ];
}

test('the delivered view is a function of committed state and the set of pending ops (S15)', () => {
  let shown = 0;
  const scenes = fc.array(sketch, { minLength: 1, maxLength: 9 });
  fc.assert(
    fc.property(scenes, fc.infiniteStream(fc.nat()), fc.boolean(), (sketches, noise, peek) => {
      const { world, batches } = scene(sketches);
      const order = batches
        .map((batch) => ({ batch, by: noise.next().value as number }))
        .sort((x, y) => x.by - y.by);
      const committed = world.service.snapshot();
      const [one, two] = [world.service.fresh(), world.service.fresh()];
      one.restore(committed);
      two.restore(committed);
      for (const batch of batches) one.deliverBatch(batch);
      for (const { batch } of order) {
        two.deliverBatch(batch);
        if (peek) two.query({ kind: 'status' });
      }
      expect(everything(two)).toEqual(everything(one));
      // Only committed state is ever in a snapshot or a root.
      expect(equalBytes(two.snapshot(), committed)).toBe(true);
      expect(two.root()).toEqual(world.service.root());
      if (JSON.stringify(everything(one)) !== JSON.stringify(everything(world.service))) shown++;
    }),
    { numRuns: 100 },
  );
  expect(shown).toBeGreaterThan(20);
});

test('a view that shares the state shows what a copy shows, and leaves no trace in it', () => {
  let shown = 0;
  const scenes = fc.array(sketch, { minLength: 1, maxLength: 9 });
  fc.assert(
    fc.property(scenes, scenes, (sketches, later) => {
      const { world, batches } = scene(sketches);
      const { service } = world;
      const committed = service.snapshot();
      const twin = service.fresh();
      twin.restore(committed);
      const [view, copy] = [service.view(), service.fresh()];
      copy.restore(committed);
      for (const one of [view, copy]) {
        for (const [i, batch] of batches.entries()) {
          one.deliverBatch(batch);
          if (i % 3 === 0) one.query({ kind: 'status' });
        }
      }
      expect(everything(view)).toEqual(everything(copy));
      if (JSON.stringify(everything(view)) !== JSON.stringify(everything(service))) shown++;
      expect(equalBytes(view.snapshot(), committed)).toBe(true);
      expect(equalBytes(service.snapshot(), committed)).toBe(true);
      // Nothing that the snapshot leaves out (accounts, indexes) has moved either.
      const more = [...batches, ...scene([...sketches, ...later]).batches.slice(batches.length)];
      for (const batch of more) {
        const input = world.input(0, [batch]);
        expect(service.applyCommit(input)).toEqual(twin.applyCommit(input));
      }
      expect(service.root()).toEqual(twin.root());
    }),
    { numRuns: 100 },
  );
  expect(shown).toBeGreaterThan(20);
});

test('what a view charges its clients is charged in the view alone, and in full', () => {
  const world = new World({ nodesPerClientMax: 4, bytesPerClientMax: 10 });
  const a = new Client(1);
  world.open(a, op.file('/f', 'old'));
  const seen = { session: a.session, seq: 0, index: 1 };
  // 3 bytes become 7: room for 3 more, not for 4.
  const pending = [
    a.batch(op.file('/g', '', { ephemeral: true })),
    a.batch(op.write('/f', 'longer!', seen)),
    a.batch(op.write('/g', 'four')),
  ];
  const copy = world.service.fresh();
  copy.restore(world.service.snapshot());
  for (let i = 0; i < 5; i++) {
    const view = i === 0 ? copy : world.service.view();
    for (const batch of pending) view.deliverBatch(batch);
    expect(view.query({ kind: 'get', path: '/f' })).toMatchObject({ siblings: [{}] });
    expect(view.query({ kind: 'get', path: '/g' })).toMatchObject({ siblings: [] });
    const ephemerals = { ephemerals: ['/g'] };
    expect(view.query({ kind: 'session', id: a.session })).toMatchObject(ephemerals);
  }
  expect(world.service.query({ kind: 'session', id: a.session })).toMatchObject({ ephemerals: [] });
  // Five views of four dots and ten bytes have left the room as it was.
  const twin = world.service.fresh();
  twin.restore(world.service.snapshot());
  for (const batch of [...pending, a.batch(op.file('/h'), op.file('/i'))]) {
    const input = world.input(0, [batch]);
    expect(world.service.applyCommit(input)).toEqual(twin.applyCommit(input));
  }
  expect(world.service.query({ kind: 'stat', path: '/i' })).toMatchObject({ kind: 'stat' });
});

test('a commit applied to a view is not applied to the state that it shares', () => {
  const world = new World();
  const a = new Client(1);
  world.open(a, op.dir('/d'));
  const before = world.service.snapshot();
  const view = world.service.view();
  const input = world.input(0, [a.batch(op.file('/d/new', 'x'))]);
  view.applyCommit(input);
  expect(equalBytes(world.service.snapshot(), before)).toBe(true);
  world.service.applyCommit(input);
  expect(equalBytes(view.snapshot(), world.service.snapshot())).toBe(true);
});

test('a view shows names early, ordered things not, and goes back to committed state', () => {
  const world = new World();
  const a = new Client(1);
  world.open(a, op.dir('/d'), op.file('/f', 'old'));
  const batches = [
    a.batch(
      op.file('/d/new', 'x'),
      op.write('/f', 'new', { session: a.session, seq: 0, index: 2 }),
    ),
    a.batch(op.acquire('/f'), op.remove('/d/new', { session: a.session, seq: 1, index: 0 })),
  ];
  const [first, second] = batches;
  if (!first || !second) throw new Error('two batches');
  const view = world.service.fresh();
  view.restore(world.service.snapshot());
  view.deliverBatch(second);
  expect(code(view.query({ kind: 'stat', path: '/d/new' }))).toBe('not_found');
  view.deliverBatch(first);
  expect(view.query({ kind: 'get', path: '/f' })).toMatchObject({ siblings: [{}] });
  expect(view.query({ kind: 'lock', path: '/f' })).toMatchObject({ holders: [] });
  expect(code(view.query({ kind: 'stat', path: '/d/new' }))).toBe('not_found');
  const input = world.input(0, batches);
  view.applyCommit(input);
  world.service.applyCommit(input);
  expect(view.snapshot()).toEqual(world.service.snapshot());
});

test('strangers and gaps show nothing', () => {
  const world = new World();
  const [a, b] = [new Client(1), new Client(2)];
  world.open(a);
  const batch = a.batch(op.dir('/a'));
  const later = a.batch(op.dir('/later'));
  const view = world.service.fresh();
  view.restore(world.service.snapshot());
  for (const one of [later, { ...batch, client: b.signer.publicKey }, b.batch(op.dir('/b'))]) {
    view.deliverBatch(one);
  }
  view.deliverBatch(a.raw([new Uint8Array(9)], 9));
  expect(view.query({ kind: 'list', path: '/', after: undefined, limit: 9 })).toMatchObject({
    entries: [],
  });
});

test('hostile bytes end in a result, whatever they are, and change nothing else', () => {
  const samples = [op.dir('/a'), op.file('/b', 'x'), op.acquire('/a'), op.set('/b', 'y', at(1, 1))];
  const valid = samples.map(encodeOp);
  const mutated = fc
    .tuple(fc.constantFrom(...valid), fc.nat(), fc.nat(255))
    .map(([bytes, i, byte]) => bytes.map((old, n) => (n === i % bytes.length ? byte : old)));
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.uint8Array({ maxLength: 80 }), mutated), { minLength: 1, maxLength: 5 }),
      (ops) => {
        const world = new World();
        const a = new Client(1);
        world.open(a, op.dir('/a'));
        const source = {
          client: a.signer.publicKey,
          session: a.session,
          seq: 1,
          index: 0,
          author: member(0),
          basis: { epoch: 0, commit: 0 },
        };
        for (const bytes of ops) {
          const opened = world.service.open(bytes);
          if (!opened.ok) expect(opened.failure.code).toBeTypeOf('string');
          else expect(world.service.validate(source, opened.value).kind).toBeTypeOf('string');
        }
        const batch = a.raw(ops);
        expect(world.service.precheck(batch).kind).toBeTypeOf('string');
        expect(world.run(batch).length).toBe(ops.length);
        const view = world.service.fresh();
        view.restore(world.service.snapshot());
        view.deliverBatch(a.raw(ops));
        expect(view.query({ kind: 'status' })).toMatchObject({ kind: 'status' });
      },
    ),
    { numRuns: 200 },
  );
});

test('restore refuses bytes that no snapshot wrote, and equal states are equal bytes', () => {
  const world = new World();
  const a = new Client(1);
  world.open(a, op.dir('/b'), op.dir('/a'));
  const copy = world.service.fresh();
  expect(() => copy.restore(new Uint8Array(3))).toThrow('a snapshot');
  copy.restore(world.service.snapshot());
  expect(copy.snapshot()).toEqual(world.service.snapshot());
  expect(copy.root()).toEqual(world.service.root());
  world.one(a, op.dir('/c'));
  expect(copy.root()).not.toEqual(world.service.root());
});
