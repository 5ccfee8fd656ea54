// Transactions and sequential names as applications write them, against a cell in this process.
import { tokenOf } from '@fatty/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Client, isFattyError, type TxnSpec } from '../src/index.ts';
import { startTestCell, type TestCell } from '../src/testing/index.ts';

let cell: TestCell;
let client: Client;

beforeAll(async () => {
  cell = await startTestCell();
  client = await cell.connect();
  await client.create('/d', { node: 'directory' });
});
afterAll(() => cell[Symbol.asyncDispose]());

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: unknown) => (isFattyError(error) ? error.code : String(error)),
  );
const textOf = async (path: string): Promise<string> => (await client.get(path)).text();
const pathsIn = async (path: string): Promise<readonly string[]> =>
  (await client.ls(path)).map(({ name }) => `${path}/${name}`);

describe('a transaction', () => {
  it('does success where all conditions hold, failure where one does not', async () => {
    await client.put('/d/old', 'a');
    await client.create('/d/guarded', { mode: 'guarded', content: 'g' });
    const { stat } = await client.get('/d/guarded');
    if (stat.contentGen === undefined) throw new Error('no generation');
    const lock = await client.acquire('/d/old');
    const spec: TxnSpec = {
      compares: [
        { path: '/d/none', exists: false },
        { path: '/d/old', content: 'a' },
        { path: '/d/old', held: lock.generation },
        { path: '/d/guarded', generation: stat.contentGen },
        { path: '/d/guarded', generation: stat.contentGen, of: 'lockGen', is: 'less' },
      ],
      success: [
        { put: '/d/old', content: 'b' },
        { put: '/d/new', content: 'n' },
        { put: '/d/guarded', content: 'h', generation: stat.contentGen },
        { create: '/d/dir', node: 'directory' },
      ],
      failure: [{ create: '/d/failed' }],
    };
    const done = await client.txn(spec);
    const paths = ['/d/old', '/d/new', '/d/guarded', '/d/dir'];
    expect(done).toMatchObject({ succeeded: true, steps: paths.map((path) => ({ path })) });
    expect(await Promise.all(paths.slice(0, 3).map(textOf))).toEqual(['b', 'n', 'h']);
    const { position } = done.steps[2] ?? {};
    expect((await client.stat('/d/guarded')).contentGen).toEqual(position);
    // The file's content is another now, and the branch names it: nothing of it is looked at.
    expect(await client.txn(spec)).toMatchObject({
      succeeded: false,
      steps: [{ path: '/d/failed' }],
    });
    await lock.release();
    expect(
      await client.txn({ compares: [{ path: '/d/old', held: lock.generation }] }),
    ).toMatchObject({ succeeded: false, steps: [] });
  });

  it('removes what is there, and may name what is not in the branch that is not taken', async () => {
    await client.put('/d/gone', 'x');
    const flip: TxnSpec = {
      compares: [{ path: '/d/gone', exists: true }],
      success: [{ remove: '/d/gone' }],
      failure: [{ create: '/d/gone', content: 'made' }],
    };
    expect(await client.txn(flip)).toMatchObject({ succeeded: true });
    expect(await client.txn(flip)).toMatchObject({ succeeded: false });
    expect(await textOf('/d/gone')).toBe('made');
    expect(await codeOf(client.txn({ success: [{ remove: '/d/never' }] }))).toBe('not_found');
  });

  it('leaves what somebody else wrote between', async () => {
    const other = await cell.connect();
    await client.put('/d/race', 'mine');
    const made = client.txn({
      compares: [{ path: '/d/race', content: 'mine' }],
      success: [{ put: '/d/race', content: 'next' }],
    });
    await Promise.all([made, other.put('/d/race', 'theirs')]);
    const values = (await client.get('/d/race')).siblings.map(({ content }) =>
      new TextDecoder().decode(content),
    );
    expect(values).toContain('theirs');
  });

  it('names what cannot be sent', async () => {
    const bad = (spec: unknown): Promise<string> =>
      client.txn(spec as TxnSpec).then(
        () => 'done',
        (error: unknown) => String(error),
      );
    expect(await bad(undefined)).toContain('bad_argument: expected txn');
    expect(await bad({ success: 'x' })).toContain('success');
    expect(await bad({ compares: [{ path: '/d' }] })).toContain('compares[0]: exists');
    expect(await bad({ failure: [{}] })).toContain('failure[0]: create, put or remove');
    expect(await bad({ success: [{ put: '/d/x', content: 7 }] })).toContain('success[0].content');
    expect(await bad({ success: [{ create: 'd' }] })).toContain('bad_path');
    expect(await bad({ compares: [{ path: '/d', held: 'token' }] })).toContain('bad_argument');
  });
});

describe('a sequential name', () => {
  it('is told, sorts behind all before it, and does not come again', async () => {
    await client.create('/q', { node: 'directory' });
    const first = await client.create('/q/job-', { sequential: true, content: 'one' });
    expect(first.path).toBe(`/q/job-${tokenOf(first.instance)}`);
    expect(await textOf(first.path)).toBe('one');
    await client.remove(first.path);
    const { steps } = await client.txn({
      success: [
        { create: '/q/job-', sequential: true },
        { create: '/q/job-', sequential: true, ephemeral: true },
      ],
    });
    const paths = steps.map(({ path }) => path);
    expect(await pathsIn('/q')).toEqual(paths);
    expect([first.path, ...paths].sort()).toEqual([first.path, ...paths]);
    expect(await codeOf(client.create('/none/x-', { sequential: true }))).toBe('not_found');
  });
});
