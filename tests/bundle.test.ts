// What a page of a browser loads for the SDK: how much, and nothing of Node.
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { bundleConsole, bundlePage, type Chunk, type ConsoleFile } from './bundle/build.ts';

/**
 * Of `connect` and all that it reaches, minified and compressed, bytes. Every op, answer and code of a cell is in it
 * (some 5 kB), signatures and hashes (8 kB), and what believes and retries (15 kB). It was 55 kB with ACLs and watches.
 */
const GZIP_BYTES_MAX = 56_100;
/** Of each part that is loaded when it is asked for (the first proof, say, or change of an ACL), and with the first watch, bytes. */
const LATER_GZIP_BYTES_MAX = 7_000;
const WATCHES_GZIP_BYTES_MAX = 3_500;

/**
 * Of the web console, all in one file, bytes: what reads and watches of the SDK, with links, signatures and the way
 * along epochs, is 53 kB of it, and preact with signals 8.
 */
const CONSOLE_GZIP_BYTES_MAX = 74_000;
const CONSOLE_STYLE_GZIP_BYTES_MAX = 2_500;

const codeOf = (chunks: readonly Chunk[]): string => chunks.map(({ code = '' }) => code).join('\n');
const gzipped = (code: string | Uint8Array): number => gzipSync(code, { level: 9 }).length;

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

it('of the console is one page, one file of code and one of style, and asks nobody else', async () => {
  const { files, modules } = await bundleConsole();
  const of = (ending: string): ConsoleFile[] => files.filter(({ name }) => name.endsWith(ending));
  const [[page], [code], [style]] = [of('.html'), of('.js'), of('.css')];
  if (page === undefined || code === undefined || style === undefined) throw new Error('no page');
  expect([of('.html').length, of('.js').length, of('.css').length]).toEqual([1, 1, 1]);
  expect(gzipped(code.bytes), `${code.bytes.length} bytes`).toBeLessThanOrEqual(
    CONSOLE_GZIP_BYTES_MAX,
  );
  expect(gzipped(style.bytes)).toBeLessThanOrEqual(CONSOLE_STYLE_GZIP_BYTES_MAX);
  const text = page.bytes.toString();
  const named = [...text.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, url = '']) => url);
  expect(named.sort()).toEqual(
    files
      .filter(({ name }) => name !== page.name)
      .map(({ name }) => `./${name}`)
      .sort(),
  );
  for (const name of named) expect(name).toMatch(/-[\w-]{8}\.(?:js|css|svg)$/);
  // Nothing that the policy of the page forbids: no code or style inside of it.
  expect(text).not.toMatch(/<style|<script(?![^>]*\ssrc=)|\sstyle=|\son\w+=/);
  expect(code.bytes.toString()).not.toMatch(/["'`]node:|\bBuffer\.|\beval\(|new Function\(/);
  expect(modules.some((path) => path.endsWith('/lock/core/src/f-plus-one.ts'))).toBe(true);
});
