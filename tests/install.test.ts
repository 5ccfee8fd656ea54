// What runs where only the packages are installed that a package.json asks for: no prover beside a replica.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const MODULES = fileURLToPath(new URL('../node_modules', import.meta.url));
const OURS = '@fatty';
const folders: string[] = [];

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A package of ours, and what it cannot do without. */
function closure(name: string, found: Set<string> = new Set()): Set<string> {
  if (!name.startsWith(`${OURS}/`) || found.has(name)) return found;
  found.add(name);
  const manifest = JSON.parse(readFileSync(join(MODULES, name, 'package.json'), 'utf8')) as {
    readonly dependencies?: Readonly<Record<string, string>>;
  };
  for (const next of Object.keys(manifest.dependencies ?? {})) closure(next, found);
  return found;
}

/** A folder whose node_modules hold these packages of ours with what they need, and all of the others'. */
function install(...names: string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'fatty-install-'));
  folders.push(folder);
  mkdirSync(join(folder, 'node_modules', OURS), { recursive: true });
  const others = readdirSync(MODULES).filter((name) => name !== OURS && !name.startsWith('.'));
  for (const name of [...others, ...new Set(names.flatMap((one) => [...closure(one)]))])
    symlinkSync(join(MODULES, name), join(folder, 'node_modules', name));
  return folder;
}

/** What a module says that is run there; links count as folders of their own. */
function run(folder: string, code: string): string {
  const flags = ['--preserve-symlinks', '--input-type=module', '--eval', code];
  return execFileSync(process.execPath, flags, {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
  }).trim();
}

/** `resolved` or the code of the failure, for each of these entries. */
const LOOKED_UP = (entries: readonly string[]): string => `
  const found = ${JSON.stringify(entries)}.map((entry) => {
    try { import.meta.resolve(entry); return 'resolved'; } catch (error) { return error.code; }
  });
  console.log(found.join(' '));
`;

describe('an install', () => {
  it('of the SDK loads, in a browser as in Node, and holds neither verifier nor prover', () => {
    const folder = install('@fatty/client');
    const loaded = run(
      folder,
      `const one = await import('@fatty/client'); const two = await import('@fatty/client/node');
       console.log(typeof one.connect, typeof two.connect);`,
    );
    expect(loaded).toBe('function function');
    expect(run(folder, LOOKED_UP(['@fatty/cairo', '@fatty/cairo-verify']))).toBe(
      'ERR_MODULE_NOT_FOUND ERR_MODULE_NOT_FOUND',
    );
  });

  it('of the SDK alone says what a machine lacks to be run', () => {
    const said = run(
      install('@fatty/client'),
      `import { isFattyError, Machine } from '@fatty/client/node';
       const machine = new Machine({}, {}, '/m');
       const error = await machine.run({}).catch((error) => error);
       console.log(isFattyError(error, 'no_prover'), error.retryable, error.message);`,
    );
    expect(said).toMatch(
      /^true false no_prover: expected @fatty\/cairo beside @fatty\/client, got /,
    );
  });

  it('of the SDK with the toolkit beside it runs machines and proves in threads', () => {
    const folder = install('@fatty/client', '@fatty/cairo');
    const said = run(
      folder,
      `import { readFileSync } from 'node:fs';
       import { assemble, proofParameters, runProgram } from '@fatty/cairo';
       import { isFattyError, Machine } from '@fatty/client/node';
       import { proverPool } from '@fatty/client/worker';
       const error = await new Machine({}, {}, '/m').run({}).catch((error) => error);
       const text = readFileSync(new URL(import.meta.resolve('@fatty/cairo/machines/tick.casm')), 'utf8');
       const inputs = [0n, 0n, 1n, 1n];
       const ran = runProgram(assemble(text).value, { inputs, statementCells: 6, provable: true });
       const pool = proverPool({ threads: 2 });
       const proof = await pool.prove(ran.value, proofParameters(ran.value.publicInput.nSteps));
       await pool.close();
       console.log(isFattyError(error, 'bad_argument'), proof.ok || proof.failure.code);`,
    );
    expect(said).toBe('true true');
  });

  it('of a replica loads, and holds the verifier and no prover', () => {
    const folder = install('@fatty/node');
    const entries = ['@fatty/cairo-verify/worker', '@fatty/cairo'];
    expect(run(folder, LOOKED_UP(entries))).toBe('resolved ERR_MODULE_NOT_FOUND');
    expect(run(folder, `await import('@fatty/node'); console.log('loaded');`)).toBe('loaded');
  });
});
