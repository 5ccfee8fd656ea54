// `npm run charts`: renders every msc/*.mmd to msc/*.svg with mermaid-cli and the system's Chromium.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findBrowser } from './browser.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const msc = join(here, '..', '..', 'msc');
function install() {
  if (existsSync(join(here, 'node_modules', '@mermaid-js', 'mermaid-cli'))) return;
  console.log('First run: installing mermaid-cli.');
  const cli = process.env.npm_execpath;
  const [program, first] = cli ? [process.execPath, [cli]] : ['npm', []];
  const { status } = spawnSync(
    program,
    [...first, 'ci', '--no-audit', '--no-fund', '--loglevel=error'],
    {
      cwd: here,
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, PUPPETEER_SKIP_DOWNLOAD: '1' },
    },
  );
  if (status !== 0) process.exit(status ?? 1);
}

function render(chart, config) {
  const mmdc = join(here, 'node_modules', '@mermaid-js', 'mermaid-cli', 'src', 'cli.js');
  const output = join(msc, chart.replace(/\.mmd$/, '.svg'));
  const args = [mmdc, '-q', '-p', config, '-i', join(msc, chart), '-o', output];
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  console.log(status === 0 ? `msc/${chart} -> svg` : `msc/${chart} failed`);
  return status === 0;
}

const browser = findBrowser();
if (!browser) {
  console.error('No Chromium found: install the package "chromium" or set CHROMIUM_PATH.');
  process.exit(1);
}
install();
const folder = mkdtempSync(join(tmpdir(), 'fatty-charts-'));
const config = join(folder, 'puppeteer.json');
const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
writeFileSync(config, JSON.stringify({ executablePath: browser, args }));
const charts = readdirSync(msc)
  .filter((name) => name.endsWith('.mmd'))
  .sort();
const done = charts.map((chart) => render(chart, config));
rmSync(folder, { recursive: true });
process.exit(done.every(Boolean) ? 0 : 1);
