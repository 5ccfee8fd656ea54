// What a built site must hold to: links lead to pages and headings that exist, and a reader's browser asks no other host.
import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';

/** What a page or a style sheet would load by itself. */
const LOADED = {
  '.html': /<(?:script|link|img|iframe|source)\b[^>]*\s(?:src|href)="((?:https?:)?\/\/[^"]*)"/gu,
  '.css': /(?:url\(|@import )["']?((?:https?:)?\/\/[^"')]*)/gu,
};
const HREF = /<a\b[^>]*\shref="([^"]*)"/gu;
const ID = /\sid="([^"]*)"/gu;

const all = (text, pattern) => [...text.matchAll(pattern)].map((match) => match[1]);
const unescaped = (text) => text.replaceAll('&amp;', '&').replaceAll('&quot;', '"');

/** The file that a server sends for an address. */
const fileOf = (address) => (address.endsWith('/') ? `${address}index.html` : address).slice(1);

/** Links of one page that lead nowhere; `names` has the headings of each page by its file. */
function deadOf(file, text, names, files) {
  return all(text, HREF)
    .map(unescaped)
    .filter((href) => !/^[a-z]+:/u.test(href))
    .filter((href) => {
      const [path, hash] = href.split('#');
      const target = path === '' ? file : fileOf(path);
      if (!files.has(target)) return true;
      return hash !== undefined && hash !== '' && !names.get(target)?.has(decodeURI(hash));
    })
    .map((href) => `${file}: ${href} leads nowhere`);
}

/** Number of pages in the folder `dist`, and what is wrong with them, a line each. */
export function faultsOf(dist) {
  const files = new Set(
    readdirSync(dist, { recursive: true, encoding: 'utf8' }).map((path) =>
      path.replaceAll(sep, '/'),
    ),
  );
  const texts = [...files]
    .filter((path) => /\.(?:html|css)$/u.test(path))
    .map((path) => [path, readFileSync(join(dist, path), 'utf8')]);
  const pages = texts.filter(([path]) => path.endsWith('.html'));
  const names = new Map(pages.map(([path, text]) => [path, new Set(all(text, ID).map(unescaped))]));
  const dead = pages.flatMap(([path, text]) => deadOf(path, text, names, files));
  const loaded = texts.flatMap(([path, text]) =>
    all(text, LOADED[path.slice(path.lastIndexOf('.'))]).map((url) => `${path}: loads ${url}`),
  );
  return { pages: pages.length, faults: [...new Set([...dead, ...loaded])] };
}
