// Runs before `npm start` and `npm test`: installs and builds only what is missing. Plain JS, no dependency.
import { spawnSync } from 'node:child_process';
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

function npm(command) {
  const cli = process.env.npm_execpath;
  const [program, first] = cli ? [process.execPath, [cli]] : ['npm', []];
  const flags = ['--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  // npm's own chatter would drown the first words of the tour.
  return run(program, [...first, command, ...flags], ['ignore', 'ignore', 'inherit']);
}

function run(program, args, stdio) {
  const { status, error } = spawnSync(program, args, { cwd: root, stdio });
  if (error) console.error(error.message);
  return status ?? 1;
}

function orExit(status) {
  if (status !== 0) process.exit(status);
}

refuseOldNode();
const state = installState();
if (state === 'missing') {
  console.log('First run: installing (about half a minute).');
  orExit(npm('ci'));
} else if (state === 'different') {
  console.log('Dependencies changed: installing.');
  orExit(npm('install'));
}
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
orExit(run(process.execPath, [tsc, '-b'], 'inherit'));
orExit(run(process.execPath, [join(root, 'packages', 'apps', 'console', 'build.mjs')], 'inherit'));
