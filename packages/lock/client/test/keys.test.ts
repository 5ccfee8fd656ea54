// Keys that are rotated and revoked, from a client to a cell of four replicas and back.
import { hash, utf8 } from '@fatty/codec';
import { afterEach, expect, it } from 'vitest';
import { isFattyError } from '../src/index.ts';
import { startTestCell, type TestCell } from '../src/testing/index.ts';

const cells: TestCell[] = [];

async function start(): Promise<TestCell> {
  const cell = await startTestCell();
  cells.push(cell);
  return cell;
}

afterEach(async () => {
  for (const cell of cells.splice(0)) await cell[Symbol.asyncDispose]();
});

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: unknown) => (isFattyError(error) ? `${error.code} ${error.outcome}` : String(error)),
  );

it('goes on under another key: session, lock, watch, and what was called meanwhile', async () => {
  const cell = await start();
  const [one, two] = [cell.signer('one'), cell.signer('two')];
  const client = await cell.connect({ signer: one });
  await client.put('/f', '0');
  const { session } = client.session;
  const lock = await client.acquire('/f');
  const seen: string[] = [];
  const watching = (async () => {
    for await (const event of client.watch('/g', { from: { commit: 1, index: 0 } })) {
      seen.push(event.kind);
      if (seen.length === 3) return;
    }
  })();
  const before = [1, 2, 3].map((n) => client.put(`/before-${n}`, 'x'));
  const rotation = client.keys.rotate(two);
  const after = [1, 2, 3].map((n) => client.put(`/after-${n}`, 'x'));
  expect(await rotation).toEqual(one.publicKey);
  expect(client.key).toEqual(two.publicKey);
  expect(await Promise.all([...before, ...after].map(codeOf))).toEqual(Array(6).fill('done'));
  expect(client.session.session).toEqual(session);
  expect(lock.held).toBe(true);
  await client.create('/g');
  await client.put('/g', '1');
  await client.put('/g', '2');
  await watching;
  expect(seen).toEqual(['added', 'modified', 'modified']);
  expect((await client.stat('/g')).owner).toEqual(one.publicKey);
  expect(await client.keys.stat(one.publicKey)).toEqual({
    identity: one.publicKey,
    current: two.publicKey,
    standing: 'former',
    isRevoked: false,
  });
  await cell.advance(20_000);
  expect(lock.held).toBe(true);
  await lock.release();
  const old = await cell.connect({ signer: one, timeoutMs: 5_000 });
  expect(await codeOf(old.put('/f', 'x'))).toMatch(/^key_rotated /);
}, 180_000);

it('goes on where its gateway is lost at that very moment', async () => {
  const cell = await start();
  const client = await cell.connect({ signer: cell.signer('one') });
  await client.put('/f', '0');
  const gateway = cell.gatewayOf(client);
  const rotation = client.keys.rotate(cell.signer('two'));
  cell.crash(gateway ?? 0);
  await rotation;
  expect(await codeOf(client.put('/f', '1'))).toBe('done');
}, 180_000);

it('goes on under the key that it has, when the other one is refused', async () => {
  const cell = await start();
  const client = await cell.connect({ signer: cell.signer('one') });
  const other = await cell.connect({ signer: cell.signer('two') });
  await Promise.all([client.put('/f', '0'), other.put('/g', '0')]);
  expect(await codeOf(client.keys.rotate(cell.signer('two')))).toBe('key_in_use not_applied');
  const forger = { publicKey: hash('nobody', utf8('x')) as never, sign: cell.signer('y').sign };
  expect(await codeOf(client.keys.rotate(forger))).toBe('bad_signature not_applied');
  expect(await codeOf(client.put('/f', '1'))).toBe('done');
  const raw = { kind: 'rotateKey', newKey: forger.publicKey, proof: new Uint8Array(64) as never };
  expect(await codeOf(client.submit([raw as never]))).toBe('bad_argument not_applied');
}, 180_000);

it('does nothing more once its key is revoked, and loses what it holds', async () => {
  const cell = await start();
  const client = await cell.connect({ signer: cell.signer('one'), timeoutMs: 20_000 });
  await client.put('/f', '0');
  const lock = await client.acquire('/f');
  await client.keys.revoke(client.key);
  expect(await codeOf(client.put('/f', '1'))).toMatch(/^key_revoked /);
  await cell.advance(20_000);
  expect(lock.held).toBe(false);
  const other = await cell.connect();
  expect((await other.acquire('/f')).held).toBe(true);
  expect((await other.keys.stat(client.key)).isRevoked).toBe(true);
  expect(await codeOf(other.keys.revoke(cell.signer('x').publicKey))).toBe(
    'access_denied not_applied',
  );
}, 180_000);
