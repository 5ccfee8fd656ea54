// A new cell on the state of one whose quorum is lost for good.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, connect } from '@fatty/client/node';
import { toHex } from '@fatty/codec';
import type { Outcome } from '@fatty/interface';
import { FOUNDING_COMMITS } from '@fatty/protocol';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  askAdmin,
  backUp,
  foundOn,
  initCell,
  loadCell,
  loadConfig,
  type MembersShown,
  prepareJoin,
  type RunningNode,
  runNode,
  saveCell,
  withAddresses,
} from '../src/index.ts';

let root: string;
const open: (() => Promise<unknown>)[] = [];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'fatty-founding-'));
});
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
  rmSync(root, { recursive: true, force: true });
});

function value<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(`${outcome.failure.code}: ${outcome.failure.actual}`);
  return outcome.value;
}

/** Four replicas of a cell in this process. */
async function up(dir: string): Promise<readonly RunningNode[]> {
  const path = join(dir, 'cell.json');
  const nodes: RunningNode[] = [];
  for (let i = 0; i < 4; i++) {
    const config = value(loadConfig({ dir: join(dir, `replica-${i}`), logLevel: 'silent' }, {}));
    const node = value(await runNode(config, { onFatal: (error) => expect.fail(error.message) }));
    nodes.push(node);
    open.push(() => node.close());
    saveCell(path, withAddresses(value(loadCell(path)), [node.addresses]));
    for (const one of nodes) one.reload(config);
  }
  return nodes;
}

async function clientOf(dir: string): Promise<Client> {
  const client = await connect(join(dir, 'cell.json'), {
    timeoutMs: 120_000,
    leaseMs: 4_000,
  });
  open.push(() => client.close());
  return client;
}

it('goes on with files and generations, and without sessions and locks', async () => {
  const [old, fresh] = [join(root, 'old'), join(root, 'new')];
  value(initCell({ dir: old, replicas: 4, freePorts: true }));
  const nodes = await up(old);
  const client = await clientOf(old);
  await client.put('/kept', 'before the backup');
  const before = await client.acquire('/kept');
  const out = join(root, 'backup');
  // Of the whole cell: what was acknowledged is on the disk of some.
  for (const name of ['replica-0', 'replica-1', 'replica-2', 'replica-3']) {
    value(await backUp(join(old, name), join(old, 'cell.json'), join(out, name)));
  }
  // What nobody can know of afterwards.
  await client.put('/lost', 'after the backup');
  await before.release();
  const later = await client.acquire('/kept');
  await client.close();
  await Promise.all(nodes.map((node) => node.close()));
  open.length = 0;

  const made = value(await foundOn(out, { dir: fresh, replicas: 4, freePorts: true }));
  expect(made.sessionsEnded).toBe(1);
  expect(made.cell.cellId).not.toEqual(value(loadCell(join(old, 'cell.json'))).cellId);
  const again = await foundOn(out, { dir: fresh, replicas: 4 });
  expect(again).toMatchObject({ ok: false, failure: { code: 'exists' } });

  const first = await up(fresh);
  const reader = await clientOf(fresh);
  const found = await reader.get('/kept', { level: 'linearizable' });
  expect(found.text()).toBe('before the backup');
  expect(await reader.ls('/')).toMatchObject([{ name: 'kept' }]);
  // Nobody holds it, and its next holder is above every holder that there ever was.
  const lock = await reader.acquire('/kept');
  expect(lock.token > later.token).toBe(true);
  expect(found.stat.contentGen?.commit).toBeLessThan(FOUNDING_COMMITS);
  await reader.put('/kept', 'written by the new one');
  await reader.close();
  // And after a restart it is the same cell.
  await Promise.all(first.map((node) => node.close()));
  open.length = 0;
  await up(fresh);
  const last = await clientOf(fresh);
  expect((await last.get('/kept', { level: 'linearizable' })).text()).toBe(
    'written by the new one',
  );
}, 300_000);

it('is started by nobody without the state that its cell.json names', async () => {
  const dir = join(root, 'new');
  const backup = join(root, 'old', 'replica-0');
  value(initCell({ dir: join(root, 'old'), replicas: 4, freePorts: true }));
  const nodes = await up(join(root, 'old'));
  await Promise.all(nodes.map((node) => node.close()));
  open.length = 0;
  writeFileSync(join(backup, 'cell.json'), readFileSync(join(root, 'old', 'cell.json')));
  value(await foundOn(backup, { dir, replicas: 4, freePorts: true }));
  const config = value(loadConfig({ dir: join(dir, 'replica-0'), logLevel: 'silent' }, {}));
  const start = (): Promise<Outcome<RunningNode>> => runNode(config, { onFatal: () => undefined });
  writeFileSync(join(dir, 'founding.state'), 'another');
  expect(await start()).toMatchObject({ failure: { code: 'wrong_founding_state' } });
  rmSync(join(dir, 'founding.state'));
  expect(await start()).toMatchObject({ failure: { code: 'no_founding_state' } });
  const none = await foundOn(join(root, 'nothing'), { dir: join(root, 'x'), replicas: 4 });
  expect(none).toMatchObject({ ok: false, failure: { code: 'not_a_backup' } });
  expect(existsSync(join(root, 'x'))).toBe(false);
}, 120_000);

/** A founded cell of nothing but what its first members have signed: files, and no log of the old one. */
async function foundedIn(dir: string): Promise<void> {
  const old = join(root, 'old');
  value(initCell({ dir: old, replicas: 4, freePorts: true }));
  const nodes = await up(old);
  const client = await clientOf(old);
  await client.put('/kept', 'before the backup');
  await client.close();
  await Promise.all(nodes.map((node) => node.close()));
  open.length = 0;
  const backup = join(old, 'replica-0');
  writeFileSync(join(backup, 'cell.json'), readFileSync(join(old, 'cell.json')));
  value(await foundOn(backup, { dir, replicas: 4, freePorts: true }));
}

async function startedIn(dir: string): Promise<RunningNode> {
  const config = value(loadConfig({ dir, logLevel: 'silent' }, {}));
  const node = value(await runNode(config, { onFatal: (error) => expect.fail(error.message) }));
  open.push(() => node.close());
  return node;
}

it('lets members in who never had the state that it began with', async () => {
  const [dir, newcomer] = [join(root, 'new'), join(root, 'newcomer')];
  await foundedIn(dir);
  const nodes = await up(dir);
  const { cellId } = value(loadCell(join(dir, 'cell.json')));
  const from = nodes[0]?.addresses.client ?? '';
  const { key } = value(await prepareJoin({ cellId: toHex(cellId), from, dir: newcomer }));
  expect(existsSync(join(newcomer, 'founding.state'))).toBe(false);
  await startedIn(newcomer);
  const founders = [0, 1, 2, 3].map((i) => join(dir, `replica-${i}`));
  const change = { kind: 'add', key: toHex(key) } as const;
  for (const one of founders) value(await askAdmin(one, { kind: 'move', change }));
  const all = [...founders, newcomer];
  const places = await Promise.all(all.map((one) => placeIn(one, 1)));
  expect(places.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4]);
  const client = await clientOf(dir);
  expect((await client.get('/kept', { level: 'linearizable' })).text()).toBe('before the backup');
  await client.put('/later', 'in the next epoch');
  await client.close();
  for (const close of open.splice(0).reverse()) await close();

  // A backup of any member can be gone on from: of the newcomer, and of whoever has a place that no founder had.
  const fifth = all[places.indexOf(4)] ?? '';
  for (const one of new Set([newcomer, fifth])) {
    const out = join(root, `backup-of-${one === newcomer ? 'newcomer' : 'fifth'}`);
    const cellPath = one === newcomer ? join(newcomer, 'cell.json') : join(dir, 'cell.json');
    value(await backUp(one, cellPath, out));
    value(await foundOn(out, { dir: `${out}-cell`, replicas: 4, freePorts: true }));
  }
}, 300_000);

/** The committee index of the replica in a folder, when it is at work in that epoch. */
async function placeIn(dir: string, epoch: number): Promise<number> {
  for (;;) {
    const now = value(await askAdmin<MembersShown>(dir, { kind: 'members' }));
    const place = now.all.findIndex(({ key }) => key === now.key);
    if (now.epoch === epoch && now.state === 'active' && place >= 0) return place;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
