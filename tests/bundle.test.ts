// What a page of a browser loads for the SDK: how much, and nothing of Node.
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { bundlePage, type Chunk } from './bundle/build.ts';

/**
 * Of `connect` and all that it reaches, minified and compressed, bytes. Every op, answer and code of a cell is in it
 * (some 5 kB), signatures and hashes (8 kB), and what believes and retries (15 kB). It was 55 kB with ACLs and watches.
 */
const GZIP_BYTES_MAX = 56_100;
/** Of each part that is loaded when it is asked for (the first proof, say, or change of an ACL), and with the first watch, bytes. */
const LATER_GZIP_BYTES_MAX = 7_000;
const WATCHES_GZIP_BYTES_MAX = 3_500;

const codeOf = (chunks: readonly Chunk[]): string => chunks.map(({ code = '' }) => code).join('\n');
const gzipped = (code: string): number => gzipSync(code, { level: 9 }).length;

it('is bounded, and holds neither Node nor what only a cell or a worker needs', async () => {
  const page = await bundlePage();
  const [code, later] = [codeOf(page.first), codeOf(page.later)];
  const chunks = [...page.first, ...page.later];
  const modules = chunks.flatMap(({ modules = {} }) => Object.keys(modules));
  const bytes = gzipped(code);
  expect(modules.length).toBeGreaterThan(80);
  expect(bytes).toBeGreaterThan(20_000);
  expect(bytes, `${code.length} bytes, ${bytes} gzipped`).toBeLessThanOrEqual(GZIP_BYTES_MAX);
  expect(page.later.length).toBeGreaterThan(1);
  for (const { fileName, code: part = '' } of page.later) {
    const max = fileName.includes('watches') ? WATCHES_GZIP_BYTES_MAX : LATER_GZIP_BYTES_MAX;
    expect(gzipped(part), `${fileName}: ${part.length} bytes`).toBeLessThanOrEqual(max);
  }
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
