// Tests of transactions.
import {
  type Answer,
  BRANCH_OPS_MAX,
  type Compare,
  decodeEvent,
  encodeOp,
  type FileOp,
  type Op,
  partIndex,
  type Result,
  weightOf,
} from '@fatty/api';
import { fromUtf8, sha256, utf8 } from '@fatty/codec';
import { BLOCK_WEIGHT_MAX } from '@fatty/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { at, Client, op, World } from './world.ts';

interface Parts {
  readonly compares?: readonly Compare[];
  readonly success?: readonly Op[];
  readonly failure?: readonly Op[];
}

const txn = ({ compares = [], success = [], failure = [] }: Parts): Op => ({
  kind: 'txn',
  compares,
  success: success as readonly FileOp[],
  failure: failure as readonly FileOp[],
});
const code = (value: unknown): unknown => (value as { code?: string }).code;
const guarded = { mode: 'guarded' as const };

function started(...ops: readonly Op[]): { world: World; a: Client; b: Client } {
  const world = new World({ siblingsMax: 3 });
  const [a, b] = [new Client(1), new Client(2)];
  world.open(a, ...ops);
  world.open(b);
  return { world, a, b };
}

function stat(world: World, path: string): Extract<Answer, { kind: 'stat' }>['stat'] {
  const answer = world.ask({ kind: 'stat', path });
  if (answer.kind !== 'stat') throw new Error(path);
  return answer.stat;
}

/** What clients see of a few paths, without what names ops. */
function seen(world: World, paths: readonly string[]): readonly unknown[] {
  return paths.map((path) => {
    const value = world.ask({ kind: 'get', path });
    const listed = world.ask({ kind: 'list', path, after: undefined, limit: 100 });
    const texts = value.kind === 'value' ? value.siblings.map((one) => fromUtf8(one.content)) : [];
    const names = listed.kind === 'list' ? listed.entries.map(({ name }) => name) : [];
    return { path, texts: new Set(texts), names, kinds: [value.kind, listed.kind] };
  });
}

describe('a transaction', () => {
  test('does its branch by what holds, each op at the next position', () => {
    const { world, a } = started(op.file('/f', 'old', guarded));
    const { contentGen } = stat(world, '/f');
    if (!contentGen) throw new Error('a generation');
    const compare: Compare = {
      kind: 'generation',
      path: '/f',
      of: 'contentGen',
      is: 'equal',
      position: contentGen,
    };
    const swap = txn({
      compares: [compare],
      success: [op.set('/f', 'new', contentGen), op.file('/g', 'made')],
      failure: [op.file('/late', 'x')],
    });
    const done = world.run(a.batch(swap, op.file('/h')));
    expect(done[0]).toEqual({ kind: 'txnDone', succeeded: true, position: at(3, 0) });
    expect(stat(world, '/f').contentGen).toEqual(at(3, 0));
    expect(stat(world, '/g')).toMatchObject({
      instance: at(3, 1),
      id: { seq: 1, index: partIndex(0, 1) },
    });
    expect(stat(world, '/h').instance).toEqual(at(3, 2));
    expect(world.one(a, swap)).toMatchObject({ succeeded: false });
    expect(world.ask({ kind: 'stat', path: '/late' }).kind).toBe('stat');
  });

  test('does nothing where one op is refused, and says which', () => {
    const { world, a } = started(op.dir('/d'), op.file('/f', 'old', guarded));
    const before = world.service.root();
    const paths = ['/', '/d', '/f', '/g'];
    const all = seen(world, paths);
    const refused = world.one(
      a,
      txn({ success: [op.file('/g'), op.file('/d/x'), op.set('/f', 'x', at(9, 9))] }),
    );
    expect(refused).toMatchObject({
      kind: 'error',
      code: 'generation_mismatch',
      expected: 'op 2: 9.9',
    });
    expect(seen(world, paths)).toEqual(all);
    expect(world.service.root()).not.toEqual(before);
  });

  test('gives what a removed node held to nobody, and its waiters their word', () => {
    const { world, a, b } = started(op.file('/f'), op.file('/l'));
    world.run(b.batch(op.acquire('/f')));
    const { dots } = stat(world, '/f');
    const outcome = world.step(0, [
      a.batch(txn({ success: [op.remove('/f', ...dots), op.file('/f', 'again')] })),
    ]);
    expect(outcome.results[0]?.[0]).toMatchObject({ kind: 'txnDone' });
    expect(outcome.notices.map(({ notice }) => notice.kind)).toEqual(['lost']);
    expect(code(world.one(a, op.tryAcquire('/f')))).toBe('lock_delay');
    expect(seen(world, ['/f'])).toMatchObject([{ texts: new Set(['again']) }]);
  });

  test('asks about a hold as a resource does', () => {
    const { world, a, b } = started(op.file('/lock'), op.file('/data', '', guarded));
    const granted = world.one(b, op.acquire('/lock'));
    if (granted.kind !== 'granted') throw new Error('a hold');
    const { lockGen } = granted;
    const fenced = (text: string): Op =>
      txn({ compares: [{ kind: 'held', path: '/lock', lockGen }], success: [op.file(`/${text}`)] });
    expect(world.one(a, fenced('first'))).toMatchObject({ succeeded: true });
    world.one(b, op.release('/lock'));
    expect(world.one(a, fenced('second'))).toMatchObject({ succeeded: false });
    expect(world.ask({ kind: 'stat', path: '/second' }).kind).toBe('error');
  });

  test('writes under no hold that it has ended itself', () => {
    const { world, a } = started(op.file('/f', '', guarded));
    const granted = world.one(a, op.acquire('/f'));
    if (granted.kind !== 'granted') throw new Error('a hold');
    const again = [op.remove('/f', ...stat(world, '/f').dots), op.file('/f', '', guarded)];
    const write = op.set('/f', 'x', undefined, granted.lockGen);
    const before = seen(world, ['/f']);
    const refused = world.one(a, txn({ success: [...again, write] }));
    expect(refused).toMatchObject({
      code: 'lock_mismatch',
      expected: expect.stringMatching(/^op 2: /),
    });
    expect(seen(world, ['/f'])).toEqual(before);
    expect(world.one(a, txn({ success: [write, ...again] }))).toMatchObject({ kind: 'txnDone' });
  });

  test('counts each op, and ends no more than a commit may', () => {
    const world = new World({ opsPerCommitMax: 4, effectsPerCommitMax: 1 });
    const [a, b] = [new Client(1), new Client(2)];
    world.open(a, op.file('/x'), op.file('/y'));
    world.open(b);
    const removes = ['/x', '/y'].map((path) => op.remove(path, ...stat(world, path).dots));
    expect(code(world.one(a, txn({ success: removes })))).toBe('commit_full');
    const four = ['/1', '/2', '/3', '/4'].map((path) => op.file(path));
    expect(code(world.one(a, txn({ success: four })))).toBe('quota_ops');
    expect(world.one(b, txn({ success: four.slice(1) }))).toMatchObject({ succeeded: true });
  });

  test('of the largest kind fits a block', () => {
    const compares = Array.from(
      { length: 64 },
      (): Compare => ({ kind: 'exists', path: '/', exists: true }),
    );
    const most = txn({
      compares,
      success: Array.from({ length: BRANCH_OPS_MAX }, () => op.file('/f')),
    });
    expect(weightOf(encodeOp(most))).toBeLessThanOrEqual(BLOCK_WEIGHT_MAX);
  });
});

describe('conditions', () => {
  const { world, a } = started(op.file('/f', 'text', guarded), op.dir('/d'));
  const gen = stat(world, '/f').contentGen ?? at(0, 0);
  const [older, newer] = [at(gen.commit, gen.index - 1), at(gen.commit, gen.index + 1)];
  const generation = (
    is: 'equal' | 'notEqual' | 'less' | 'greater',
    position = gen,
    path = '/f',
  ): Compare => ({
    kind: 'generation',
    path,
    of: 'contentGen',
    is,
    position,
  });
  const lock = (is: 'less' | 'equal'): Compare => ({
    kind: 'generation',
    path: '/f',
    of: 'lockGen',
    is,
    position: at(0, 0),
  });
  const sum = (is: 'equal' | 'notEqual', text: string, path = '/f'): Compare => ({
    kind: 'checksum',
    path,
    is,
    checksum: sha256(utf8(text)),
  });
  test.each<[string, Compare, boolean]>([
    ['there', { kind: 'exists', path: '/f', exists: true }, true],
    ['not there', { kind: 'exists', path: '/no', exists: false }, true],
    ['there after all', { kind: 'exists', path: '/f', exists: false }, false],
    ['equal', generation('equal'), true],
    ['not equal', generation('notEqual'), false],
    ['less than a newer one', generation('less', newer), true],
    ['less than itself', generation('less'), false],
    ['greater than an older one', generation('greater', older), true],
    ['greater than itself', generation('greater'), false],
    ['of nothing', generation('notEqual', gen, '/no'), false],
    ['never locked, less', lock('less'), true],
    ['never locked, equal', lock('equal'), false],
    ['the checksum', sum('equal', 'text'), true],
    ['another checksum', sum('equal', 'other'), false],
    ['not another checksum', sum('notEqual', 'other'), true],
    ['a directory has no checksum', sum('equal', '', '/d'), false],
    ['held by nobody', { kind: 'held', path: '/f', lockGen: at(1, 1) }, false],
  ])('%s', (_, compare, succeeded) => {
    expect(world.one(a, txn({ compares: [compare] }))).toMatchObject({
      kind: 'txnDone',
      succeeded,
    });
  });
});

const PATHS = ['/a', '/b', '/a/x'];

type Make = (world: World) => Op;

function answered<K extends Answer['kind']>(
  world: World,
  kind: 'stat' | 'lock',
  path: string,
): Extract<Answer, { kind: K }> | undefined {
  const answer = world.ask({ kind, path });
  return answer.kind === kind ? (answer as Extract<Answer, { kind: K }>) : undefined;
}

/** Ops as an app might send them, good and bad. */
const fileOp = fc.constantFrom(...PATHS).chain((path) =>
  fc.constantFrom<Make>(
    () => op.dir(path),
    () => op.file(path, 'new'),
    () => op.file(path, 'mine', { exclusive: true }),
    () => op.file(path, 'kept', guarded),
    () => op.write(path, 'more'),
    (world) =>
      op.set(path, 'swap', answered<'stat'>(world, 'stat', path)?.stat.contentGen ?? at(1, 1)),
    (world) => {
      const [holder] = answered<'lock'>(world, 'lock', path)?.holders ?? [];
      return op.set(path, 'fenced', undefined, holder?.position ?? at(1, 1));
    },
    (world) => {
      const dots = answered<'stat'>(world, 'stat', path)?.stat.dots ?? [];
      const none = { session: new Client(1).session, seq: 9, index: 9 };
      return op.remove(path, ...(dots.length > 0 ? dots : [none]));
    },
  ),
);

/** Besides those, holds and waits of both clients. */
const event = fc.oneof(
  { weight: 2, arbitrary: fileOp.map((make) => ({ who: 0, make })) },
  {
    weight: 1,
    arbitrary: fc.record({
      who: fc.nat(1),
      make: fc.constantFrom(...PATHS).map(
        (path): Make =>
          () =>
            op.acquire(path),
      ),
    }),
  },
);

/** Two equal worlds after this. */
function twoWorlds(
  past: readonly { readonly who: number; readonly make: Make }[],
): readonly { world: World; a: Client }[] {
  const made = [op.dir('/a'), op.file('/b', '', guarded)];
  return [started(...made), started(...made)].map(({ world, a, b }) => {
    for (const { who, make } of past) world.one(who === 0 ? a : b, make(world));
    return { world, a };
  });
}

/** What a commit told, without positions. */
function told({ raw, notices }: ReturnType<World['step']>): unknown {
  const events = (raw.events ?? []).map(({ about, body }) => {
    const opened = decodeEvent(body);
    return { about, kind: opened.ok && opened.value.kind };
  });
  return {
    events,
    notices: notices.map(({ session, notice }) => ({ session, kind: notice.kind })),
  };
}

test('a branch does what its ops would do one after the other, or nothing', () => {
  const reached = { done: 0, refused: 0, ops: 0, lost: 0, fenced: 0 };
  const wanted = fc.array(fileOp, { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 8 }), wanted, (past, makes) => {
      const [whole, apart] = twoWorlds(past);
      if (!whole || !apart) throw new Error('two worlds');
      const ops = makes.map((make) => make(whole.world));
      const before = seen(whole.world, ['/', ...PATHS]);
      const done = whole.world.step(0, [whole.a.batch(txn({ success: ops }))]);
      const result = done.results[0]?.[0];
      const alone = apart.world.step(0, [apart.a.batch(...ops)]);
      const single: readonly Result[] = alone.results[0] ?? [];
      const first = single.findIndex(({ kind }) => kind === 'error');
      if (first < 0) {
        reached.done += 1;
        reached.ops += ops.length;
        reached.lost += done.notices.length;
        reached.fenced += ops.filter((one) => one.kind === 'compareAndSet' && one.lockGen).length;
        expect(result).toMatchObject({ kind: 'txnDone', succeeded: true });
        expect(seen(whole.world, ['/', ...PATHS])).toEqual(seen(apart.world, ['/', ...PATHS]));
        expect(told(done)).toEqual(told(alone));
      } else {
        reached.refused += 1;
        expect(result).toMatchObject({ kind: 'error', code: code(single[first]) });
        expect(result).toMatchObject({ expected: expect.stringContaining(`op ${first}: `) });
        expect(seen(whole.world, ['/', ...PATHS])).toEqual(before);
        expect(told(done)).toEqual({ events: [], notices: [] });
      }
    }),
    { numRuns: 600 },
  );
  for (const [what, count] of Object.entries(reached)) expect(count, what).toBeGreaterThan(0);
  expect(reached.done).toBeGreaterThan(50);
});
