// `npm run site`: the READMEs as a static site in tools/site/dist; `-- --serve` shows it on loopback.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { faultsOf } from './check.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, 'dist');

function run(program, args) {
  const { status } = spawnSync(program, args, {
    cwd: here,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) process.exit(status ?? 1);
}

function install() {
  if (existsSync(join(here, 'node_modules', 'vitepress'))) return;
  console.log('First run: installing VitePress.');
  const cli = process.env.npm_execpath;
  const [program, first] = cli ? [process.execPath, [cli]] : ['npm', []];
  run(program, [...first, 'ci', '--no-audit', '--no-fund', '--loglevel=error']);
}

function build() {
  const vitepress = join(here, 'node_modules', 'vitepress', 'bin', 'vitepress.js');
  run(process.execPath, [vitepress, 'build', here]);
  const { pages, faults } = faultsOf(dist);
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) process.exit(1);
  console.log(`${pages} pages in tools/site/dist; every link leads somewhere.`);
}

async function serve(port) {
  const { preview } = await import('vite');
  const server = await preview({
    configFile: false,
    root: here,
    appType: 'mpa',
    build: { outDir: dist },
    preview: { host: '127.0.0.1', port },
  });
  server.printUrls();
}

const { values } = parseArgs({
  options: {
    serve: { type: 'boolean', default: false },
    port: { type: 'string', default: '4173' },
  },
});
install();
build();
if (values.serve) await serve(Number(values.port));
