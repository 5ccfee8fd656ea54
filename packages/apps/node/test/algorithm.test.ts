// Tests of modules that export an algorithm.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asPublicKey } from '@fatty/codec';
import type { Cell } from '@fatty/protocol';

import { afterAll, beforeAll, expect, test } from 'vitest';
import { hostingOf } from '../src/hosting.ts';
import { importAlgorithm } from '../src/index.ts';
import { initCell, loadCell } from '../src/init.ts';

let dir = '';
let cell: Cell;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'fatty-algorithm-'));
  const algorithm = { name: 'Good', path: '/good.mjs' };
  const made = initCell({ dir: join(dir, 'cell'), replicas: 4, algorithm });
  if (!made.ok) throw new Error(made.failure.code);
  cell = made.value;
});
afterAll(() => rmSync(dir, { recursive: true }));

const METHODS = ['open', 'deliver', 'apply', 'snapshot', 'restore', 'root'];
const methods = (names: readonly string[] = METHODS): string =>
  names.map((name) => `${name}() { return new Uint8Array(0); }`).join('\n');

let count = 0;
/** A module with this text. */
function moduleOf(text: string): string {
  const path = join(dir, `m${count++}.mjs`);
  writeFileSync(path, text);
  return path;
}

async function codeOf(path: string, of: Cell = cell): Promise<string> {
  const hosting = await hostingOf(of, path);
  return hosting.ok ? 'hosted' : hosting.failure.code;
}

test.each([
  ['a default class', `export default class Good { ${methods()} }`, 'hosted'],
  [
    'a class named algorithm',
    `class Good { ${methods()} } export { Good as algorithm };`,
    'hosted',
  ],
  ['the only class', `export const x = 1; export class Good { ${methods()} }`, 'hosted'],
  [
    'a function',
    `export default function Good() { return { ${methods().replaceAll('}\n', '},\n')} }; }`,
    'hosted',
  ],
  ['nothing fit', 'export const x = 1;', 'no_algorithm'],
  ['several', `export class A { ${methods()} } export class B { ${methods()} }`, 'no_algorithm'],
  ['an instance', `export const algorithm = { ${methods(['apply'])} };`, 'bad_algorithm'],
  ['no root', `export class Good { ${methods(METHODS.slice(0, 5))} }`, 'bad_algorithm'],
  [
    'one that throws',
    `export class Good { constructor() { throw 1; } ${methods()} }`,
    'bad_algorithm',
  ],
  ['no module', 'this is none', 'algorithm_unreadable'],
  ['another algorithm', `export class Better { ${methods()} }`, 'other_algorithm'],
])('a module with %s', async (_, text, code) => {
  expect(await codeOf(moduleOf(text))).toBe(code);
});

test('no file', async () => {
  expect(await codeOf(join(dir, 'nowhere.mjs'))).toBe('algorithm_unreadable');
});

test('a cell is opened with what it was made with only', async () => {
  const { algorithm, ...plain } = cell;
  expect(algorithm).toBe('Good');
  const good = moduleOf(`export class Good { ${methods()} }`);
  expect(await codeOf('')).toBe('other_algorithm');
  expect(await codeOf('', plain)).toBe('hosted');
  expect(await codeOf(good, plain)).toBe('other_algorithm');
  const read = loadCell(join(dir, 'cell', 'cell.json'));
  expect(read.ok && read.value.algorithm).toBe('Good');
  expect(await importAlgorithm(good)).toMatchObject({ ok: true, value: { name: 'Good' } });
});

test('a hosted algorithm answers for sessions and the cell, and refuses what is of locks', async () => {
  const hosting = await hostingOf(cell, moduleOf(`export class Good { ${methods()} }`));
  if (!hosting.ok) throw new Error(hosting.failure.code);
  const { fresh, served, sessions } = hosting.value;
  const machine = fresh(cell.committee);
  const nobody = asPublicKey(new Uint8Array(32));
  let committee = cell.committee;
  const { ask, hasSession } = served(
    (view) => (view === 'committed' ? machine : (machine.view?.() ?? machine)),
    () => committee,
  );
  for (const view of ['committed', 'delivered'] as const) {
    expect(ask({ kind: 'status' }, view, nobody)).toMatchObject({ kind: 'status', sessions: 0 });
    expect(ask({ kind: 'members' }, view, nobody)).toMatchObject({ kind: 'members', epoch: 0 });
    expect(ask({ kind: 'get', path: '/a' }, view, nobody)).toMatchObject({
      code: 'other_algorithm',
    });
    expect(ask({ kind: 'own', question: new Uint8Array(1) }, view, nobody)).toMatchObject({
      code: 'no_query',
    });
  }
  expect([hasSession(nobody), sessions(machine)]).toEqual([false, 0]);
  committee = { ...committee, epoch: 1, members: committee.members.slice(1) };
  const { members } = committee;
  expect(ask({ kind: 'members' }, 'committed', nobody)).toMatchObject({ epoch: 1, members });
  const { algorithm: _, ...plain } = cell;
  const lock = await hostingOf(plain, '');
  if (!lock.ok) throw new Error(lock.failure.code);
  const locks = lock.value.fresh(cell.committee);
  const { ask: askLock } = lock.value.served(
    () => locks,
    () => cell.committee,
  );
  const answer = askLock({ kind: 'own', question: new Uint8Array(1) }, 'committed', nobody);
  expect(answer).toMatchObject({ code: 'other_algorithm' });
});
