// `node tools/tarballs.mjs`: packs every package, installs the tarballs in empty folders outside of this tree,
// compiles and runs what a user would write. Plain JS; third-party packages come from npm's cache or registry.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const work = mkdtempSync(join(tmpdir(), 'fatty-tarballs-'));
const MINUTE_MS = 60_000;

/** Bounded; what it says is shown when it fails. */
function run(program, args, cwd) {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd,
    encoding: 'utf8',
    timeout: 5 * MINUTE_MS,
    maxBuffer: 1 << 26,
  });
  if (status === 0) return stdout;
  throw new Error(
    `${program} ${args.join(' ')} (in ${cwd}): ${status ?? error}\n${stdout}${stderr}`,
  );
}

function npm(args, cwd) {
  const cli = process.env.npm_execpath;
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
  return cli?.endsWith('.js')
    ? run(process.execPath, [cli, ...args, ...quiet], cwd)
    : run('npm', [...args, ...quiet], cwd);
}

/** The tarballs of all packages by name, with their manifests and the files in them. */
function pack() {
  const said = JSON.parse(
    npm(['pack', '--workspaces', '--json', '--pack-destination', work], root),
  );
  const folders = new Map(
    JSON.parse(npm(['query', '.workspace'], root)).map(({ name, location }) => [name, location]),
  );
  return new Map(
    Object.values(said).map(({ name, filename, files }) => {
      const manifest = JSON.parse(
        readFileSync(join(root, folders.get(name), 'package.json'), 'utf8'),
      );
      return [name, { file: join(work, filename), manifest, paths: files.map(({ path }) => path) }];
    }),
  );
}

/** Every file that a manifest names is in its tarball, with a README, and nothing that only we need. */
function checkContents(name, { manifest, paths }) {
  assert.ok(paths.includes('README.md'), `${name}: no README.md`);
  const named = Object.values(manifest.exports ?? {}).flatMap((target) =>
    typeof target === 'string' ? [target] : Object.values(target),
  );
  for (const target of [...named, ...Object.values(manifest.bin ?? {})]) {
    const path = target.slice(2);
    const isThere = path.includes('*')
      ? paths.some((one) => one.startsWith(path.split('*')[0]))
      : paths.includes(path);
    assert.ok(isThere, `${name}: its tarball lacks ${target}`);
  }
  // What replicas serve to browsers is no entry: they find it by the name of its package.
  if (name === '@fatty/console')
    assert.ok(paths.includes('dist/web/index.html'), `${name}: no page; npm run build makes it`);
  const needless = paths.filter((path) => /(^|\/)test\/|\.tsbuildinfo$|^node_modules\//.test(path));
  assert.deepEqual(needless, [], `${name}: in its tarball and of no use to anybody`);
}

/** A package of ours and what it cannot do without. */
function closure(packs, name, found = new Set()) {
  if (!packs.has(name) || found.has(name)) return found;
  found.add(name);
  for (const next of Object.keys(packs.get(name).manifest.dependencies ?? {})) {
    closure(packs, next, found);
  }
  return found;
}

/** An empty folder in which these packages are installed; `types`: of ours, for compilers of Node programs. */
function install(packs, folder, names, types) {
  const cwd = join(work, folder);
  mkdirSync(cwd);
  const all = new Set(names.flatMap((name) => [...closure(packs, name)]));
  const dependencies = Object.fromEntries(
    [...all].map((name) => [name, `file:${packs.get(name).file}`]),
  );
  const manifest = { name: folder, private: true, type: 'module', dependencies };
  writeFileSync(join(cwd, 'package.json'), JSON.stringify(manifest));
  npm(['install', '--prefer-offline'], cwd);
  if (types.length > 0) mkdirSync(join(cwd, 'node_modules', '@types'), { recursive: true });
  for (const one of types) {
    symlinkSync(
      join(root, 'node_modules', '@types', one),
      join(cwd, 'node_modules', '@types', one),
    );
  }
  return cwd;
}

/** Declarations of libraries are checked, too. */
function compile(cwd, file, flags) {
  for (const [module, resolution] of [
    ['NodeNext', 'NodeNext'],
    ['ESNext', 'Bundler'],
  ]) {
    const how = ['--module', module, '--moduleResolution', resolution];
    run(process.execPath, [tsc, '--noEmit', '--strict', ...how, ...flags, file], cwd);
  }
}

/** Every entry of these packages that is code. */
function entriesOf(packs, names) {
  return names.flatMap((name) =>
    Object.entries(packs.get(name).manifest.exports)
      .filter(([, target]) => typeof target !== 'string')
      .map(([place]) => name + place.slice(1)),
  );
}

const WEB = `
import { type Client, connect, isFattyError, type Lock } from '@fatty/client';

export async function once(urls: readonly string[], cellId: string): Promise<string> {
  const client: Client = await connect(urls, { cellId, signal: AbortSignal.timeout(5_000) });
  try {
    await client.put('/config', 'hello', { parents: true });
    const text: string = (await client.get('/config')).text();
    return await client.withLock('/lock', async (lock: Lock) => text + lock.token);
  } catch (error) {
    if (isFattyError(error, 'lock_held')) return error.code satisfies 'lock_held';
    throw error;
  } finally {
    await client.close();
  }
}
`;

const PROGRAM = `
import { connect } from '@fatty/client/node';

const client = await connect('fatty-cell/cell.json');
await client.put('/config', 'hello', { parents: true });
const said: string = await client.withLock('/config', async (lock) => {
  const file = await client.get('/config', { level: 'linearizable' });
  return file.text() + ' ' + String(lock.held) + ' ' + String(lock.token.length);
});
await client.close();
console.log(said);
`;

/** The SDK alone, with what every platform has: no types of Node, and no later library than ES2022. */
function checkWeb(packs) {
  const cwd = install(packs, 'web', ['@fatty/client'], []);
  writeFileSync(join(cwd, 'once.ts'), WEB);
  compile(cwd, 'once.ts', ['--target', 'es2022', '--lib', 'es2022,dom', '--types', '']);
  writeFileSync(
    join(cwd, 'load.mjs'),
    `import { connect } from '@fatty/client';
     const error = await connect([], { cellId: '00'.repeat(32) }).catch((error) => error);
     console.log(error.code);`,
  );
  assert.equal(run(process.execPath, ['load.mjs'], cwd).trim(), 'bad_argument');
  return cwd;
}

/** The SDK alone in Node: its declarations ask for no package that an install lacks. */
function checkNode(packs, cwd) {
  mkdirSync(join(cwd, 'node_modules', '@types'), { recursive: true });
  symlinkSync(join(root, 'node_modules/@types/node'), join(cwd, 'node_modules/@types/node'));
  writeFileSync(join(cwd, 'program.ts'), PROGRAM);
  const rest = entriesOf(packs, ['@fatty/client']).filter((one) => !one.endsWith('/testing'));
  const lines = rest.map((entry, i) => `import * as e${i} from '${entry}'; void e${i};\n`);
  writeFileSync(join(cwd, 'entries.ts'), lines.join(''));
  for (const file of ['program.ts', 'entries.ts']) {
    compile(cwd, file, ['--target', 'es2022', '--types', 'node']);
  }
}

/** Every entry of every package, compiled and loaded; programs and threads are not loaded. */
function checkAll(packs) {
  const names = [...packs.keys()];
  const cwd = install(packs, 'all', names, ['node', 'ws']);
  const entries = entriesOf(packs, names);
  const programs = /worker|helper|\/(main|liar)$/;
  const loaded = entries.filter((one) => one.startsWith('@fatty/client') || !programs.test(one));
  writeFileSync(
    join(cwd, 'entries.ts'),
    loaded.map((entry, i) => `import * as e${i} from '${entry}'; void e${i};\n`).join(''),
  );
  compile(cwd, 'entries.ts', ['--target', 'es2023', '--types', 'node']);
  const code = loaded.map((entry) => `await import('${entry}');\n`).join('');
  writeFileSync(join(cwd, 'entries.mjs'), `${code}console.log('loaded'); process.exit(0);`);
  assert.equal(run(process.execPath, ['entries.mjs'], cwd).trim(), 'loaded');
  return { cwd, entries: entries.length };
}

/** Resolves when a line of the process has this in it. */
function untilSaid(child, text) {
  return new Promise((resolve, reject) => {
    let said = '';
    const timer = setTimeout(() => reject(new Error(`not said: ${text}\n${said}`)), 2 * MINUTE_MS);
    const hear = (bytes) => {
      said += bytes;
      if (!said.includes(text)) return;
      clearTimeout(timer);
      resolve(said);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('exit', (status) => {
      clearTimeout(timer);
      reject(new Error(`ended with ${status} before it said: ${text}\n${said}`));
    });
  });
}

/** A cell of the installed command, and a program of the installed SDK that uses it. */
async function checkCell(cwd) {
  const fatty = join(cwd, 'node_modules', '.bin', 'fatty');
  const cell = spawn(process.execPath, [fatty, 'up', '--dir', 'fatty-cell', '--console'], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise((resolve) => cell.once('exit', resolve));
  try {
    await untilSaid(cell, 'The cell is up');
    writeFileSync(join(cwd, 'program.mjs'), PROGRAM.replace(': string', ''));
    assert.equal(run(process.execPath, ['program.mjs'], cwd).trim(), 'hello true 27');
    assert.equal(run(process.execPath, [fatty, 'get', '/config'], cwd).trim(), 'hello');
    const consoles = run(process.execPath, [fatty, 'console', '-o', 'json'], cwd);
    assert.equal(consoles.match(/http:[^"\s]+\/console\//g)?.length, 4, consoles);
  } finally {
    cell.kill('SIGTERM');
    await ended;
  }
}

try {
  const packs = pack();
  for (const [name, one] of packs) checkContents(name, one);
  console.log(`packed: ${packs.size} packages`);
  const web = checkWeb(packs);
  checkNode(packs, web);
  console.log('@fatty/client alone: compiles strictly under NodeNext and Bundler, and loads');
  const { cwd, entries } = checkAll(packs);
  console.log(`all packages: ${entries} entries compile and load`);
  await checkCell(cwd);
  console.log(`a cell of the installed command serves the installed SDK (Node ${process.version})`);
} finally {
  rmSync(work, { recursive: true, force: true });
}
