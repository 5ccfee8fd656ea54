// What a page of a browser loads for the SDK: how much, and nothing of Node.
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';
import { expect, it } from 'vitest';

/** Of `connect` and all that it reaches, minified and compressed, bytes. */
const GZIP_BYTES_MAX = 47_500;

const ENTRY = fileURLToPath(new URL('bundle/page.mjs', import.meta.url));

interface Chunk {
  readonly type: 'asset' | 'chunk';
  readonly code?: string;
  readonly modules?: Readonly<Record<string, unknown>>;
}

/** A page that imports `connect` alone, as `vite build` makes it. */
async function bundled(): Promise<{ readonly code: string; readonly modules: readonly string[] }> {
  const made = await build({
    root: fileURLToPath(new URL('bundle', import.meta.url)),
    configFile: false,
    logLevel: 'silent',
    resolve: { conditions: ['@fatty/source', 'module', 'browser', 'import', 'default'] },
    build: { write: false, target: 'es2022', rollupOptions: { input: ENTRY } },
  });
  const { output } = made as unknown as { readonly output: readonly Chunk[] };
  const chunks = output.filter(({ type }) => type === 'chunk');
  return {
    code: chunks.map(({ code = '' }) => code).join('\n'),
    modules: chunks.flatMap(({ modules = {} }) => Object.keys(modules)),
  };
}

it('is bounded, and holds neither Node nor what only a cell or a worker needs', async () => {
  const { code, modules } = await bundled();
  const bytes = gzipSync(code, { level: 9 }).length;
  expect(modules.length).toBeGreaterThan(80);
  expect(bytes).toBeGreaterThan(20_000);
  expect(bytes, `${code.length} bytes, ${bytes} gzipped`).toBeLessThanOrEqual(GZIP_BYTES_MAX);
  expect(code).not.toMatch(/["'`]node:|__vite-browser-external|\bBuffer\./);
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
