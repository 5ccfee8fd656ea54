// Certified reads from one replica of a cell of real replicas and gateways, honest and lying ones.
import { nodeScheme } from '@fatty/codec/node';
import { checkCertified, checkFencing, Fence } from '@fatty/verify';
import { afterEach, expect, test } from 'vitest';
import { type Client, isFattyError } from '../src/index.ts';
import { startTestCell, type TestCell } from '../src/testing/index.ts';

const scheme = nodeScheme();
const cells: TestCell[] = [];

async function start(): Promise<{ cell: TestCell; client: Client }> {
  const cell = await startTestCell({ scheme });
  cells.push(cell);
  const client = await cell.connect();
  await client.put('/d/f', 'one', { parents: true });
  return { cell, client };
}

afterEach(async () => {
  for (const cell of cells.splice(0)) {
    cell.heal();
    await cell[Symbol.asyncDispose]();
  }
});

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: unknown) => (isFattyError(error) ? error.code : String(error)),
  );

const rulesOf = ({ cell: { committee, cellId } }: TestCell) => ({ committee, cellId, scheme });

test('a value, a stat, a listing and an absence are proved, and checked again by anybody', async () => {
  const { cell, client } = await start();
  const file = await client.get('/d/f', { proof: true });
  expect(file.text()).toBe('one');
  const { proof = new Uint8Array() } = file;
  const fact = checkCertified(rulesOf(cell), proof);
  expect(fact).toMatchObject({ ok: true, value: { kind: 'node', path: '/d/f' } });
  const plain = await client.stat('/d/f');
  expect(await client.stat('/d/f', { level: 'certified' })).toEqual(plain);
  expect(file.stat).toEqual(plain);
  await Promise.all(Array.from({ length: 40 }, (_, i) => client.create(`/d/${i}`)));
  const entries = await client.ls('/d', { level: 'certified' });
  expect(entries).toEqual(await client.ls('/d'));
  expect(entries).toHaveLength(41);
  expect(await codeOf(client.get('/none', { level: 'certified' }))).toBe('not_found');
  expect(await codeOf(client.ls('/d/f', { level: 'certified' }))).toBe('not_a_directory');
  const absence = await client.prove({ kind: 'node', path: '/none' });
  expect(absence.fact).toMatchObject({ kind: 'node', node: undefined });
});

test('a certified read sees what this client did before, and what it was told to wait for', async () => {
  const { cell, client } = await start();
  const other = await cell.connect();
  for (let i = 0; i < 20; i++) {
    await client.put('/d/f', `${i}`);
    expect((await client.get('/d/f', { level: 'certified' })).text()).toBe(`${i}`);
    const { contentGen } = await client.stat('/d/f');
    const seen = await other.get('/d/f', { level: 'certified', minPosition: contentGen });
    expect(seen.text()).toBe(`${i}`);
  }
});

test('one replica is enough, whichever is left', async () => {
  const { cell, client } = await start();
  await client.get('/d/f', { level: 'certified' });
  for (const replica of [0, 1, 2]) {
    cell.pause(replica);
  }
  expect((await client.get('/d/f', { level: 'certified' })).text()).toBe('one');
});

test('a lock has a fencing certificate while it is held, and the next holder a later one', async () => {
  const { cell, client } = await start();
  const fence = new Fence(rulesOf(cell));
  const lock = await client.acquire('/d/f');
  const first = await lock.certificate();
  expect(fence.admit('/d/f', first)).toMatchObject({
    ok: true,
    value: { generation: lock.generation, holder: client.key, mode: 'exclusive' },
  });
  await lock.release();
  expect(await codeOf(lock.certificate())).toBe('lock_released');
  const other = await cell.connect();
  const second = await (await other.acquire('/d/f')).certificate();
  expect(fence.admit('/d/f', second).ok).toBe(true);
  expect(fence.admit('/d/f', first)).toMatchObject({ failure: { code: 'stale_generation' } });
  expect(checkFencing(rulesOf(cell), first).ok).toBe(true);
});

test('a lock that went to its holder when another’s lease ran out is certified as well', async () => {
  const { cell, client } = await start();
  const dying = await cell.connect();
  await dying.acquire('/d/f');
  const waiting = client.acquire('/d/f');
  await cell.loseSession(dying);
  const lock = await waiting;
  expect(checkFencing(rulesOf(cell), await lock.certificate())).toMatchObject({
    ok: true,
    value: { holder: client.key, generation: lock.generation },
  });
});

test('the receipts that a session keeps are proved', async () => {
  const { client } = await start();
  const { session } = client.session;
  if (session === undefined) throw new Error('a session');
  const { fact } = await client.prove({ kind: 'receipts', session, seq: 0 });
  expect(fact.kind === 'receipts' && fact.kept.length).toBeGreaterThan(0);
});

test('what cannot be promised, and what is no question, is refused at once', async () => {
  const { client } = await start();
  const position = { commit: 1, index: 0 };
  expect(await codeOf(client.get('/d/f', { minPosition: position }))).toBe('bad_argument');
  expect(await codeOf(client.stat('/d/f', { proof: true, level: 'committed' }))).toBe(
    'bad_argument',
  );
  expect(await codeOf(client.read({ kind: 'members' }, 'members', { level: 'certified' }))).toBe(
    'bad_argument',
  );
  expect(await codeOf(client.prove({ kind: 'no' } as never))).toBe('bad_argument');
  expect(await codeOf(client.get('no path', { level: 'certified' }))).toBe('bad_path');
});
