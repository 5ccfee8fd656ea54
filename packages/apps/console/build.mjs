// `node build.mjs`: bundles the page into dist/web, when its sources have changed. Plain JS.
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const OUT = join(here, 'dist', 'web');
/** What dist/web was made from: a list of paths. */
const INPUTS = join(here, 'dist', 'inputs.json');
const OWN = ['build.mjs', 'src/index.html', 'src/style.css', 'src/icon.svg'].map((path) =>
  join(here, path),
);

/** In one file nothing is loaded ahead: what does it in a page of many files is left out. */
const ONE_FILE = {
  name: 'one-file',
  enforce: 'pre',
  load: (id) =>
    id.includes('vite/preload-helper')
      ? 'export const __vitePreload = (load) => load();'
      : undefined,
};

/** Bundled from the sources of the SDK, minified: `{ name, bytes }` of each file, and `modules`, the paths of what is in it. */
export async function bundle() {
  const { build } = await import('vite');
  const { output } = await build({
    root: join(here, 'src'),
    base: './',
    configFile: false,
    logLevel: 'silent',
    resolve: { conditions: ['@fatty/source', 'module', 'browser', 'import', 'default'] },
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact', development: false } },
    plugins: [ONE_FILE],
    build: {
      write: false,
      target: 'es2022',
      modulePreload: false,
      assetsDir: '',
      assetsInlineLimit: 0,
      rollupOptions: { output: { codeSplitting: false } },
    },
  });
  const files = output.map(({ fileName, code, source }) => ({
    name: fileName,
    bytes: Buffer.from(code ?? source),
  }));
  const modules = output.flatMap(({ modules = {} }) => Object.keys(modules));
  return { files, modules: modules.filter((path) => existsSync(path)) };
}

/** Nothing that went into the page is newer than the page. */
function isFresh() {
  if (!existsSync(join(OUT, 'index.html')) || !existsSync(INPUTS)) return false;
  const madeMs = statSync(INPUTS).mtimeMs;
  const inputs = [...OWN, ...JSON.parse(readFileSync(INPUTS, 'utf8'))];
  return inputs.every((path) => existsSync(path) && statSync(path).mtimeMs <= madeMs);
}

/** Writes dist/web unless it is there and fresh. */
export async function buildPage() {
  if (isFresh()) return;
  const { files, modules } = await bundle();
  rmSync(OUT, { recursive: true, force: true });
  mkdirSync(OUT, { recursive: true });
  for (const { name, bytes } of files) writeFileSync(join(OUT, name), bytes);
  writeFileSync(INPUTS, JSON.stringify(modules));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildPage();
