// Where a link of a Markdown file leads on the site. Paths are relative to the root of the tree, with `/`.
import { posix } from 'node:path';

/** Files that the site serves as they are. */
const SERVED = /\.(?:svg|png)$/u;
const ELSEWHERE = /^(?:[a-z][a-z0-9+.-]*:|\/\/)/iu;

/** The file of the site that a page becomes: a README is the index of its folder. */
export const builtFrom = (path) => path.replace(/(^|\/)README\.md$/u, '$1index.md');

/** The address of a page. */
export const addressOf = (path) =>
  `/${builtFrom(path)
    .replace(/(^|\/)index\.md$/u, '$1')
    .replace(/\.md$/u, '.html')}`;

/**
 * Where `href` in the page `from` leads, given the set of pages:
 * - `{kind: 'elsewhere'}`: another site, or a heading of the same page; it stays as it is
 * - `{kind: 'page', address}`: a page, or a folder whose README is one; a heading is kept
 * - `{kind: 'file', address, path}`: a picture, served as it is
 * - `{kind: 'source', path}`: a file of the tree that the site does not have
 */
export function destinationOf(from, href, pages) {
  if (ELSEWHERE.test(href) || href.startsWith('#')) return { kind: 'elsewhere' };
  const [, link, hash] = /^([^#]*)(.*)$/u.exec(href);
  const path = posix
    .join(posix.dirname(from), decodeURI(link))
    .replace(/\/$/u, '')
    .replace(/^\.$/u, '');
  const readme = posix.join(path, 'README.md');
  const page = [path, readme].find((each) => pages.has(each));
  if (page !== undefined) return { kind: 'page', address: addressOf(page) + hash };
  return SERVED.test(path) ? { kind: 'file', address: `/${path}`, path } : { kind: 'source', path };
}
