// Tests of files and directories.
import { type Answer, CONTENTS_BYTES_MAX, encodeAnswer, type Op } from '@fatty/api';
import { fromUtf8, sha256, toHex, utf8 } from '@fatty/codec';
import { expect, test } from 'vitest';
import { at, Client, op, World } from './world.ts';

const code = (value: unknown): unknown => (value as { code?: string }).code;

function started(...ops: readonly Op[]): { world: World; a: Client; b: Client } {
  const world = new World({ dotsPerNodeMax: 3, siblingsMax: 3 });
  const [a, b] = [new Client(1), new Client(2)];
  world.open(a, ...ops);
  world.open(b);
  return { world, a, b };
}

function stat(world: World, path: string): Extract<Answer, { kind: 'stat' }>['stat'] {
  const answer = world.ask({ kind: 'stat', path });
  if (answer.kind !== 'stat') throw new Error(`${path}: ${JSON.stringify(answer)}`);
  return answer.stat;
}

function texts(world: World, path: string): (string | undefined)[] {
  const answer = world.ask({ kind: 'get', path });
  if (answer.kind !== 'value') throw new Error(`${path}: ${JSON.stringify(answer)}`);
  return answer.siblings.map((one) => fromUtf8(one.content));
}

const guarded = { mode: 'guarded' as const };

test('a node is named by its create; a second create joins it; the last dot takes it away', () => {
  const { world, a, b } = started(op.file('/f', 'one'));
  expect(world.one(b, op.file('/f'))).toMatchObject({
    kind: 'created',
    existed: true,
    instance: at(1, 1),
    node: { session: a.session, seq: 0, index: 1 },
  });
  const [mine, theirs] = stat(world, '/f').dots;
  if (!mine || !theirs) throw new Error('two dots');
  expect(world.one(a, op.remove('/f', mine))).toEqual({ kind: 'removed', dead: false });
  expect(code(world.one(a, op.remove('/f', mine)))).toBe('unknown_dot');
  expect(stat(world, '/f').instance).toEqual(at(1, 1));
  expect(world.one(a, op.remove('/f', theirs))).toEqual({ kind: 'removed', dead: true });
  expect(code(world.one(a, op.remove('/f', theirs)))).toBe('not_found');
  const again = world.one(a, op.file('/f'));
  expect(again).toMatchObject({ existed: false, instance: { commit: world.commit } });
});

test('creates fail as they should', () => {
  const { world, a } = started(op.dir('/d'), op.file('/f'));
  expect(code(world.one(a, op.file('/x/y')))).toBe('not_found');
  expect(code(world.one(a, op.file('/f/y')))).toBe('not_a_directory');
  expect(code(world.one(a, op.dir('/f')))).toBe('wrong_kind');
  expect(code(world.one(a, op.file('/f', '', guarded)))).toBe('wrong_kind');
  expect(code(world.one(a, op.file('/f', '', { exclusive: true })))).toBe('exists');
  expect(world.one(a, op.file('/g', '', { exclusive: true }))).toMatchObject({ existed: false });
  world.run(a.batch(op.file('/f'), op.file('/f')));
  expect(code(world.one(a, op.file('/f')))).toBe('too_many_dots');
});

test('shared content keeps concurrent writes and replaces what was seen', () => {
  const { world, a, b } = started(op.file('/f', 'zero'));
  const zero = { session: a.session, seq: 0, index: 1 };
  world.run(a.batch(op.write('/f', 'left', zero)));
  world.run(b.batch(op.write('/f', 'right', zero)));
  expect(texts(world, '/f')).toEqual(['left', 'right']);
  expect(stat(world, '/f')).toMatchObject({
    contentGen: { commit: world.commit },
    checksum: sha256(utf8('left')),
    sizeBytes: 4,
  });
  const both = world.ask({ kind: 'get', path: '/f' });
  if (both.kind !== 'value') throw new Error('a value');
  world.one(a, op.write('/f', 'merged', ...both.siblings.map((one) => one.dot)));
  expect(texts(world, '/f')).toEqual(['merged']);
  world.run(a.batch(op.write('/f', '2'), op.write('/f', '3')));
  expect(code(world.one(a, op.write('/f', '4')))).toBe('too_many_siblings');
  expect(code(world.one(a, op.file('/f', '4')))).toBe('too_many_siblings');
  expect(code(world.one(a, op.set('/f', 'x', at(1, 1))))).toBe('wrong_mode');
  expect(code(world.one(a, op.write('/none', 'x')))).toBe('not_found');
});

test('a file whose values are more than an answer holds is read in pages; put names them all', () => {
  const [world, a, size] = [new World(), new Client(1), 256 * 1024];
  world.open(a, op.file('/f', 'first'));
  const dot = (seq: number) => ({ session: a.session, seq, index: seq === 0 ? 1 : 0 });
  const big = { kind: 'write' as const, path: '/f', observed: [] };
  for (let i = 1; i < 6; i++) {
    world.one(a, { ...big, content: new Uint8Array(size).fill(i) });
  }
  const page = (query: Parameters<World['ask']>[0]): unknown => {
    const answer = world.ask(query);
    if (answer.kind !== 'value') return code(answer);
    expect(encodeAnswer(answer).length).toBeLessThan(CONTENTS_BYTES_MAX + 16 * 1024);
    return [answer.siblings.map((one) => one.dot.seq), answer.more.map((one) => one.seq)];
  };
  expect(page({ kind: 'get', path: '/f' })).toEqual([
    [0, 1, 2, 3],
    [4, 5],
  ]);
  const contents = { kind: 'contents' as const, path: '/f' };
  expect(page({ ...contents, dots: [dot(4), dot(5)] })).toEqual([[4, 5], []]);
  expect(page({ ...contents, dots: [1, 2, 3, 4, 5].map(dot) })).toEqual([[1, 2, 3, 4], [5]]);
  expect(page({ ...contents, dots: [dot(9)] })).toEqual([[], []]);
  expect(page({ ...contents, path: '/none', dots: [] })).toBe('not_found');
  world.one(a, op.write('/f', 'all', ...[0, 1, 2, 3, 4, 5].map(dot)));
  expect(texts(world, '/f')).toEqual(['all']);
});

test('guarded content goes by generation', () => {
  const { world, a, b } = started(op.file('/g', 'one', guarded), op.dir('/d'));
  expect(code(world.one(a, op.write('/g', 'x')))).toBe('wrong_mode');
  expect(code(world.one(a, op.set('/d', 'x', at(1, 1))))).toBe('not_a_file');
  expect(world.one(b, op.file('/g', 'ignored', guarded))).toMatchObject({ existed: true });
  expect(texts(world, '/g')).toEqual(['one']);
  const { contentGen } = stat(world, '/g');
  expect(world.one(a, op.set('/g', 'two', contentGen))).toMatchObject({ kind: 'written' });
  expect(code(world.one(b, op.set('/g', 'three', contentGen)))).toBe('generation_mismatch');
  expect(texts(world, '/g')).toEqual(['two']);
});

test('a locked guarded file takes writes of the live exclusive holder only', () => {
  const { world, a, b } = started(op.file('/g', 'one', guarded), op.acquire('/g'));
  const { contentGen, lockGen } = stat(world, '/g');
  const held = world.one(b, op.set('/g', 'x', contentGen));
  expect(held).toMatchObject({
    code: 'lock_held',
    expected: 'the generation of its lock',
    actual: `none given; held by ${toHex(a.signer.publicKey)} since 1.2, 0 waiting`,
  });
  expect(code(world.one(a, op.set('/g', 'x', contentGen)))).toBe('lock_held');
  expect(code(world.one(b, op.set('/g', 'x', undefined, lockGen)))).toBe('lock_mismatch');
  expect(code(world.one(a, op.set('/g', 'x', undefined, at(0, 0))))).toBe('lock_mismatch');
  expect(code(world.one(a, op.set('/g', 'x', at(0, 0), lockGen)))).toBe('generation_mismatch');
  expect(world.one(a, op.set('/g', 'two', contentGen, lockGen))).toMatchObject({ kind: 'written' });
  world.one(a, op.release('/g'));
  expect(code(world.one(a, op.set('/g', 'x', undefined, lockGen)))).toBe('lock_mismatch');
  world.one(a, op.acquire('/g', { mode: 'shared' }));
  const shared = stat(world, '/g').lockGen;
  expect(code(world.one(a, op.set('/g', 'x', undefined, shared)))).toBe('lock_mismatch');
});

test('ephemerals die with their session, at that commit, with what stands below', () => {
  const { world, a, b } = started();
  world.open(new Client(3), op.file('/p'));
  world.run(
    a.batch(
      op.file('/e', 'x', { ephemeral: true }),
      op.file('/p', '', { ephemeral: true }),
      { ...op.dir('/d'), ephemeral: true } as Op,
      op.file('/d/below'),
    ),
  );
  world.one(b, op.acquire('/e'));
  expect(stat(world, '/e').ephemeral).toEqual(a.session);
  expect(stat(world, '/p').ephemeral).toBeUndefined();
  expect(world.ask({ kind: 'session', id: a.session })).toMatchObject({
    ephemerals: ['/d', '/e', '/p'],
  });
  const { notices } = world.step(12_000, [], { keepAlives: [b.keepAlive()] });
  expect(notices.map((one) => one.notice.kind).sort()).toEqual(
    ['lost', 'renewed', 'sessionExpired', 'sessionExpired'].sort(),
  );
  for (const gone of ['/e', '/d', '/d/below']) {
    expect(code(world.ask({ kind: 'stat', path: gone }))).toBe('not_found');
  }
  expect(stat(world, '/p').dots.length).toBe(1);
});

test('removing is of what was seen: not a full directory, but a whole subtree in order', () => {
  const { world, a, b } = started(op.dir('/d'), op.dir('/d/e'), op.file('/d/e/f'));
  world.one(a, op.acquire('/d/e/f'));
  world.one(b, op.acquire('/d/e/f'));
  const dots = stat(world, '/d').dots;
  expect(code(world.one(a, op.remove('/d', ...dots)))).toBe('not_empty');
  const { results, notices } = world.step(0, [a.batch({ kind: 'removeSubtree', path: '/d' })]);
  expect(results[0]).toEqual([{ kind: 'subtreeRemoved', nodes: 3, left: 0 }]);
  expect(notices.map((one) => one.notice)).toMatchObject([
    { kind: 'lost', reason: 'node_removed' },
    { kind: 'waitEnded', code: 'not_found' },
  ]);
  expect(code(world.one(a, { kind: 'removeSubtree', path: '/d' }))).toBe('not_found');
  expect(world.ask({ kind: 'status' })).toMatchObject({ nodes: 0, holds: 0, waits: 0 });
});

test('listings page in byte order', () => {
  const { world, a } = started();
  for (const name of ['b', '\u{10000}', '\uFFFD', 'a', 'ab']) world.one(a, op.file(`/${name}`));
  const page = (after: string | undefined, limit: number): unknown => {
    const answer = world.ask({ kind: 'list', path: '/', after, limit });
    if (answer.kind !== 'list') return code(answer);
    return [answer.entries.map((one) => one.name), answer.more];
  };
  expect(page(undefined, 3)).toEqual([['a', 'ab', 'b'], true]);
  expect(page('b', 3)).toEqual([['\uFFFD', '\u{10000}'], false]);
  expect(page(undefined, 0)).toBe('bad_limit');
  expect(page(undefined, 1025)).toBe('bad_limit');
  expect(code(world.ask({ kind: 'list', path: '/a', after: undefined, limit: 1 }))).toBe(
    'not_a_directory',
  );
  expect(code(world.ask({ kind: 'get', path: 'a' }))).toBe('bad_path');
  expect(code(world.ask({ kind: 'get', path: '/' }))).toBe('not_a_file');
  expect(code(world.ask({ kind: 'lock', path: '/none' }))).toBe('not_found');
});
