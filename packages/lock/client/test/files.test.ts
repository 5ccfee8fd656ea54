// What put reads before it writes, and what errors say of a path.
import {
  type ContentMode,
  type Dot,
  errorResult,
  type Op,
  type Result,
  type Stat,
} from '@fatty/api';
import { asSessionId } from '@fatty/codec';
import { DEFAULT_PARAMS } from '@fatty/protocol';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { FattyError, type FattyErrorCode, isFattyError, type PutOptions } from '../src/index.ts';
import { Files } from '../src/sdk/files.ts';

const DOT: Dot = { session: asSessionId(new Uint8Array(32)), seq: 0, index: 1 };
const GENERATION = { commit: 1, index: 0 };
const WRITTEN: Result = { kind: 'written', generation: GENERATION };

/** Files over a cell in which `/f` is as given; every op answers `result`. */
function filesOver(
  mode: ContentMode | undefined,
  result: Result = WRITTEN,
): { files: Files; ops: Op[] } {
  const ops: Op[] = [];
  const missing = (path: string): FattyError =>
    new FattyError(
      { code: 'not_found', expected: 'a live node', actual: 'none' },
      { outcome: 'not_applied', retryable: false, path },
    );
  const files = new Files({
    params: DEFAULT_PARAMS,
    submit: (batch) => {
      ops.push(...batch);
      return Promise.resolve(batch.map(() => result));
    },
    seen: (path) => {
      if (mode === undefined) return Promise.reject(missing(path));
      return Promise.resolve({ stat: { mode } as Stat, dots: [DOT] });
    },
    stat: (path) => Promise.reject(missing(path)),
  });
  return { files, ops };
}

async function failed(act: Promise<unknown>): Promise<FattyError> {
  const error: unknown = await act.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (!isFattyError(error)) throw new Error(`no FattyError: ${String(error)}`);
  return error;
}

describe('put', () => {
  it('to a guarded file says that it wants its lock or its generation, and sends nothing', async () => {
    const { files, ops } = filesOver('guarded');
    const error = await failed(files.put('/f', 'x', {}));
    expect(error).toMatchObject({
      code: 'wrong_mode',
      expected: 'lock or generation: the file is guarded',
      path: '/f',
      outcome: 'not_applied',
      retryable: false,
    });
    expect(error.message).toContain('/f');
    expect(ops).toEqual([]);
  });

  it.each<[ContentMode, ContentMode]>([
    ['shared', 'guarded'],
    ['guarded', 'shared'],
  ])('to a %s file refuses mode %s', async (mode, wanted) => {
    const { files, ops } = filesOver(mode);
    const error = await failed(files.put('/f', 'x', { mode: wanted }));
    expect(error).toMatchObject({ code: 'wrong_kind', path: '/f' });
    expect(ops).toEqual([]);
  });

  it('makes a guarded file only where there is none: to join one would write nothing', async () => {
    const created: Result = { kind: 'created', node: DOT, instance: GENERATION, existed: false };
    const guarded = filesOver(undefined, created);
    await guarded.files.put('/f', 'x', { mode: 'guarded' });
    expect(guarded.ops).toMatchObject([{ kind: 'create', mode: 'guarded', exclusive: true }]);
    const shared = filesOver(undefined, created);
    await shared.files.put('/f', 'x', {});
    expect(shared.ops).toMatchObject([{ kind: 'create', mode: 'shared', exclusive: false }]);
  });

  it('under a generation is no write of a shared file', async () => {
    const { files, ops } = filesOver('shared');
    const options: PutOptions = { generation: GENERATION, mode: 'shared' };
    expect((await failed(files.put('/f', 'x', options))).code).toBe('bad_argument');
    await files.put('/f', 'x', { generation: GENERATION });
    expect(ops).toMatchObject([{ kind: 'compareAndSet', generation: GENERATION }]);
  });
});

describe('an error', () => {
  it('names the node it is about, once', async () => {
    const held = errorResult('lock_held', 'the generation of its lock', 'none given; held by ab');
    const { files } = filesOver('guarded', held);
    const error = await failed(files.put('/f', 'x', { generation: GENERATION }));
    expect(error.path).toBe('/f');
    expect(error.message).toBe(
      'lock_held: expected the generation of its lock, got none given; held by ab (/f)',
    );
    const bad = await failed(files.put('/f/\ud800', 'x', {}));
    expect(bad.message).toBe(
      'bad_path: expected non-empty UTF-8 segments, got a lone surrogate in /f/\uFFFD',
    );
  });

  it('has a code of a closed list, which `isFattyError` narrows to', () => {
    expectTypeOf<FattyError['code']>().toEqualTypeOf<FattyErrorCode>();
    expectTypeOf<string>().not.toExtend<FattyErrorCode>();
    expectTypeOf<'lock_held' | 'bad_argument' | 'bad_cell_file'>().toExtend<FattyErrorCode>();
    const error: unknown = new FattyError(
      { code: 'lock_held', expected: 'a', actual: 'b' },
      { outcome: 'not_applied', retryable: true },
    );
    if (!isFattyError(error, 'lock_held')) throw new Error('its code');
    expectTypeOf(error.code).toEqualTypeOf<'lock_held'>();
    expect(error.path).toBeUndefined();
  });

  it('of content that is too large is not retryable', async () => {
    const { files } = filesOver('shared');
    const error = await failed(files.put('/f', new Uint8Array(300_000), {}));
    expect(error).toMatchObject({ code: 'content_too_large', retryable: false, path: '/f' });
  });
});
