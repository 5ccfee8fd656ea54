// Runs before `npm start` and `npm test`: installs and builds only what is missing. Plain JS, no dependency.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

function refuseOldNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  console.error(`Fatty needs Node.js 20.19 or newer; this is ${process.versions.node}.`);
  process.exit(1);
}

/** Packages that a lock file demands on every platform, as `path version` lines. */
function demanded(lockFile) {
  const { packages } = JSON.parse(readFileSync(lockFile, 'utf8'));
  return Object.entries(packages)
    .filter(([path, entry]) => path.startsWith('node_modules/') && !entry.optional && !entry.link)
    .map(([path, entry]) => `${path} ${entry.version}`);
}

function installState() {
  const installed = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return 'missing';
  const have = new Set(demanded(installed));
  const wanted = demanded(join(root, 'package-lock.json'));
  return wanted.every((line) => have.has(line)) ? 'equal' : 'different';
}

/** Something to look at while it lasts; nothing where nobody looks. */
const terminal = process.stdout.isTTY ? process.stdout : undefined;
const TICK_MS = 250;

/** How far the install is: packages of the lock file that are there. */
function installed() {
  const wanted = demanded(join(root, 'package-lock.json')).map((one) => one.split(' ')[0]);
  return () => {
    const there = wanted.filter((path) => existsSync(join(root, path))).length;
    return `${there} of ${wanted.length} packages, `;
  };
}

/** Runs a program while a line tells how far it is; what it says is kept for the case that it fails. */
function watched(what, program, args, howFar = () => '') {
  return new Promise((resolve) => {
    const said = [];
    const startMs = performance.now();
    const seconds = () => Math.round((performance.now() - startMs) / 1000);
    const tick = () => terminal.write(`\r\x1b[K  ${what}: ${howFar()}${seconds()} s`);
    const timer = setInterval(tick, TICK_MS);
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (one) => said.push(one));
    const end = (status) => {
      clearInterval(timer);
      terminal.write(status === 0 ? `\r\x1b[K  ${what}: done in ${seconds()} s\n` : '\n');
      if (status !== 0) process.stderr.write(Buffer.concat(said));
      resolve(status);
    };
    child.once('error', ({ message }) => {
      said.push(Buffer.from(`${message}\n`));
      end(1);
    });
    child.once('close', (status) => end(status ?? 1));
  });
}

function npm(what, command) {
  const cli = process.env.npm_execpath;
  const [program, first] = cli ? [process.execPath, [cli]] : ['npm', []];
  const flags = ['--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  const args = [...first, command, ...flags];
  if (terminal) return watched(what, program, args, installed());
  console.log(`${what}.`);
  // npm's own chatter would drown the first words of the tour.
  return run(program, args, ['ignore', 'ignore', 'inherit']);
}

/** tsc colours what it complains about as long as it writes to a terminal itself. */
function build(isFirst) {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  if (terminal && isFirst) return watched('Building', process.execPath, [tsc, '-b', '--pretty']);
  return run(process.execPath, [tsc, '-b'], 'inherit');
}

function run(program, args, stdio) {
  const { status, error } = spawnSync(program, args, { cwd: root, stdio });
  if (error) console.error(error.message);
  return status ?? 1;
}

function orExit(status) {
  if (status !== 0) process.exit(status);
}

/** Who says `npm start` for the first time is told what comes. */
function greet() {
  if (process.env.npm_lifecycle_event !== 'prestart') return;
  console.log(
    [
      'Welcome. This installs and builds Fatty here (about half a minute, this once), then shows in another',
      'half minute what it does: four replicas on this computer, with locks, proofs, a crash and a liar.',
      'Nothing is left running or outside of this folder and the temporary one. Ctrl-C ends it.',
    ].join('\n'),
  );
}

refuseOldNode();
const state = installState();
const isFirst = state === 'missing' || !existsSync(join(root, 'packages', 'apps', 'cli', 'dist'));
if (isFirst) greet();
if (state === 'missing') {
  orExit(await npm('Installing', 'ci'));
} else if (state === 'different') {
  orExit(await npm('Dependencies changed: installing', 'install'));
}
orExit(await build(isFirst || state === 'different'));
// The page that replicas serve to browsers: bundled when its sources have changed.
orExit(run(process.execPath, [join(root, 'packages', 'apps', 'console', 'build.mjs')], 'inherit'));
