// How VitePress builds the site: pages of the whole tree, their addresses, the sidebar, and what a browser may fetch.
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { slug } from 'github-slugger';
import { defineConfig } from 'vitepress';
import { addressOf, builtFrom } from '../links.mjs';
import { NAVIGATION, NO_PAGES, PAGES } from '../map.mjs';
import { siteLinks, siteText } from '../markdown.mjs';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const pages = new Set(PAGES);
const ICON = 'packages/apps/console/src/icon.svg';
/** Pictures that pages link to. */
const files = new Set([ICON]);

const linkOf = ({ path, hash }) => addressOf(path) + (hash === undefined ? '' : `#${hash}`);
const sidebar = NAVIGATION.map(({ text, collapsed = false, items }) => ({
  text,
  collapsed,
  items: items.map((item) => ({ text: item.text, link: linkOf(item) })),
}));

/** A browser that reads this asks nobody but the site itself. */
const POLICY =
  "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:";

/** Pages stand outside of this folder: when they are rendered, their Vue is the one that is installed here. */
const vueOfTheSite = {
  name: 'vue-of-the-site',
  enforce: 'pre',
  resolveId: (id, _importer, { ssr }) =>
    ssr && /^vue(?:\/|$)/u.test(id) ? { id, external: true } : undefined,
};

export default defineConfig({
  title: 'Fatty',
  description: 'Locks and leases for machines that do not trust each other',
  lang: 'en',
  srcDir: root,
  srcExclude: [NO_PAGES],
  outDir: fileURLToPath(new URL('../dist', import.meta.url)),
  cacheDir: fileURLToPath(new URL('../node_modules/.cache', import.meta.url)),
  rewrites: builtFrom,
  head: [
    ['meta', { 'http-equiv': 'Content-Security-Policy', content: POLICY }],
    ['link', { rel: 'icon', href: `/${ICON}` }],
  ],
  markdown: {
    // Headings have the names that a forge gives them, so that one link works in both places.
    anchor: { slugify: (heading) => slug(heading) },
    config: (md) => md.use(siteLinks, { root, pages, files }).use(siteText),
  },
  vite: {
    plugins: [vueOfTheSite],
    // The index of the search is one large file, which is fetched when somebody searches.
    build: { chunkSizeWarningLimit: 4_000 },
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    sidebar,
    nav: [
      { text: 'Start', link: addressOf('README.md') },
      { text: 'Guide', link: addressOf('packages/lock/client/README.md') },
      { text: 'Operate', link: addressOf('packages/apps/node/operate/README.md') },
      { text: 'Reference', link: addressOf('packages/lock/api/REFERENCE.md') },
      { text: 'Security', link: addressOf('packages/guide/SECURITY.md') },
      { text: 'Questions', link: addressOf('packages/guide/FAQ.md') },
    ],
  },
  buildEnd({ outDir }) {
    for (const path of files) cpSync(join(root, path), join(outDir, path));
  },
});
