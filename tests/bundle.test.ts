// What a page of a browser loads for the SDK: how much, and nothing of Node.
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';
import { expect, it } from 'vitest';

/** Of `connect` and all that it reaches, minified and compressed, bytes. */
const GZIP_BYTES_MAX = 50_000;
/** Of what is loaded when the first proof is asked for, bytes. */
const LATER_GZIP_BYTES_MAX = 6_000;

const ENTRY = fileURLToPath(new URL('bundle/page.mjs', import.meta.url));

interface Chunk {
  readonly type: 'asset' | 'chunk';
  readonly fileName: string;
  readonly isEntry?: boolean;
  /** Files that are loaded with it. */
  readonly imports?: readonly string[];
  readonly code?: string;
  readonly modules?: Readonly<Record<string, unknown>>;
}

/** All that is loaded with these. */
function loadedWith(chunks: readonly Chunk[], all: readonly Chunk[]): readonly Chunk[] {
  const names = new Set(chunks.flatMap(({ imports = [] }) => imports));
  const more = all.filter((one) => names.has(one.fileName) && !chunks.includes(one));
  return more.length === 0 ? chunks : loadedWith([...chunks, ...more], all);
}

const codeOf = (chunks: readonly Chunk[]): string => chunks.map(({ code = '' }) => code).join('\n');
const gzipped = (code: string): number => gzipSync(code, { level: 9 }).length;

/** A page that imports `connect` alone, as `vite build` makes it. `later`: what it loads when it is needed. */
async function bundled(): Promise<{
  readonly code: string;
  readonly later: string;
  readonly modules: readonly string[];
}> {
  const made = await build({
    root: fileURLToPath(new URL('bundle', import.meta.url)),
    configFile: false,
    logLevel: 'silent',
    resolve: { conditions: ['@fatty/source', 'module', 'browser', 'import', 'default'] },
    build: {
      write: false,
      target: 'es2022',
      modulePreload: false,
      rollupOptions: { input: ENTRY },
    },
  });
  const { output } = made as unknown as { readonly output: readonly Chunk[] };
  const chunks = output.filter(({ type }) => type === 'chunk');
  const first = loadedWith(
    chunks.filter(({ isEntry }) => isEntry),
    chunks,
  );
  return {
    code: codeOf(first),
    later: codeOf(chunks.filter((one) => !first.includes(one))),
    modules: chunks.flatMap(({ modules = {} }) => Object.keys(modules)),
  };
}

it('is bounded, and holds neither Node nor what only a cell or a worker needs', async () => {
  const { code, later, modules } = await bundled();
  const bytes = gzipped(code);
  expect(modules.length).toBeGreaterThan(80);
  expect(bytes).toBeGreaterThan(20_000);
  expect(bytes, `${code.length} bytes, ${bytes} gzipped`).toBeLessThanOrEqual(GZIP_BYTES_MAX);
  expect(gzipped(later)).toBeGreaterThan(2_000);
  expect(gzipped(later), `${later.length} bytes`).toBeLessThanOrEqual(LATER_GZIP_BYTES_MAX);
  expect(code + later).not.toMatch(/["'`]node:|__vite-browser-external|\bBuffer\./);
  expect(
    modules.filter((one) => one.startsWith('node:') || one.includes('browser-external')),
  ).toEqual([]);
  // Sentences of the reference and test vectors: for people and start-ups, not for pages.
  expect(
    modules
      .filter((one) => /\/(errors|ed25519-cases)\.ts$/.test(one))
      .map((one) => one.split('/packages/')[1]),
  ).toEqual(['lock/core/src/errors.ts']);
});
