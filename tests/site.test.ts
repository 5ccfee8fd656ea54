/** The site of the READMEs: every page has one place, and links lead where they did. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const load = (name: string): Promise<unknown> =>
  import(new URL(`../tools/site/${name}.mjs`, import.meta.url).href);

const { PAGES } = (await load('map')) as { readonly PAGES: readonly string[] };
const { addressOf, destinationOf } = (await load('links')) as {
  addressOf(path: string): string;
  destinationOf(from: string, href: string, pages: ReadonlySet<string>): object;
};
const { faultsOf } = (await load('check')) as {
  faultsOf(dist: string): { readonly pages: number; readonly faults: readonly string[] };
};

describe('the map of the site', () => {
  it('lists every Markdown file of the tree once, provenance of test data apart', () => {
    const files = execFileSync('git', ['ls-files', '*.md'], { cwd: root, encoding: 'utf8' })
      .split('\n')
      .filter((path) => path !== '' && !path.endsWith('PROVENANCE.md'));
    expect([...PAGES].sort()).toEqual(files.sort());
  });
});

describe('the address of a page', () => {
  it.each([
    ['README.md', '/'],
    ['a/README.md', '/a/'],
    ['a/b.md', '/a/b.html'],
    ['a/NOTREADME.md', '/a/NOTREADME.html'],
  ])('%s is %s', (path, address) => expect(addressOf(path)).toBe(address));
});

describe('a link', () => {
  const pages = new Set(['README.md', 'a/README.md', 'a/b/README.md', 'a/b/RULES.md']);
  const page = (address: string) => ({ kind: 'page', address });
  const source = (path: string) => ({ kind: 'source', path });
  const elsewhere = { kind: 'elsewhere' };

  it.each([
    ['to a page beside', 'a/b/README.md', 'RULES.md', page('/a/b/RULES.html')],
    ['to a heading of it', 'a/b/README.md', 'RULES.md#r-1', page('/a/b/RULES.html#r-1')],
    ['to a README', 'README.md', 'a/README.md', page('/a/')],
    ['to a folder', 'README.md', 'a/b', page('/a/b/')],
    ['to a folder, with a slash', 'README.md', 'a/b/', page('/a/b/')],
    ['to a heading of a folder', 'README.md', 'a/b#x', page('/a/b/#x')],
    ['upwards to the first page', 'a/b/RULES.md', '../../README.md#see-it', page('/#see-it')],
    ['upwards to the root', 'a/README.md', '..', page('/')],
    ['to its own folder', 'a/b/RULES.md', '.', page('/a/b/')],
    ['within the page', 'a/README.md', '#here', elsewhere],
    ['to another site', 'README.md', 'https://example.org/a.md', elsewhere],
    ['to a mailbox', 'README.md', 'mailto:a@example.org', elsewhere],
    [
      'to a chart',
      'a/README.md',
      '../msc/x.svg',
      { kind: 'file', address: '/msc/x.svg', path: 'msc/x.svg' },
    ],
    ['to a source file', 'a/README.md', 'b/src/c.ts', source('a/b/src/c.ts')],
    ['to a folder without a README', 'a/README.md', 'b/src', source('a/b/src')],
    ['to Markdown that is no page', 'a/README.md', 'b/PROVENANCE.md', source('a/b/PROVENANCE.md')],
  ])('%s', (_, from, href, expected) => expect(destinationOf(from, href, pages)).toEqual(expected));
});

describe('a paragraph of a page', () => {
  /** What a token of markdown-it is to the plugin. */
  class Token {
    readonly attrs = new Map<string, string>();
    readonly type: string;
    content = '';
    constructor(type: string) {
      this.type = type;
    }
    attrGet = (name: string): string | undefined => this.attrs.get(name);
    attrSet = (name: string, value: string): unknown => this.attrs.set(name, value);
  }
  const text = (content: string) => Object.assign(new Token('text'), { content });
  const link = (href: string, label: string) => {
    const open = new Token('link_open');
    open.attrSet('href', href);
    return [open, text(label), new Token('link_close')];
  };

  /** The page `a/README.md` after its links were put right: types, contents and addresses; and what it has linked. */
  async function rendered(children: readonly Token[]) {
    const { siteLinks } = (await load('markdown')) as {
      siteLinks(md: object, site: object): void;
    };
    const files = new Set<string>();
    const paragraph = { children };
    const state = { Token, tokens: [paragraph], env: { realPath: '/tree/a/README.md' } };
    const push = (_: string, rule: (state: object) => void): void => rule(state);
    siteLinks({ core: { ruler: { push } } }, { root: '/tree', pages: new Set(['b.md']), files });
    const shown = paragraph.children.map(({ type, content, attrs }) =>
      type === 'link_open' ? `<${new Map(attrs).get('href')}>` : content || type,
    );
    return { shown, files: [...files] };
  }

  it('keeps links to pages, at their addresses', async () => {
    const line = [text('see '), ...link('../b.md#x', 'b'), text(' and '), ...link('#y', 'y')];
    const shown = ['see ', '</b.html#x>', 'b', 'link_close', ' and ', '<#y>', 'y', 'link_close'];
    expect(await rendered(line)).toEqual({ shown, files: [] });
  });

  it('says where a source file is, once', async () => {
    const line = [...link('src/c.ts', 'the rule'), text(', '), ...link('src/d.ts', 'src/d.ts')];
    const shown = ['the rule', ' (', 'a/src/c.ts', ')', ', ', 'src/d.ts'];
    expect(await rendered(line)).toEqual({ shown, files: [] });
  });

  it('shows a picture that it links to', async () => {
    const { shown, files } = await rendered(link('../msc/e.svg', 'e'));
    expect(shown).toEqual(['</msc/e.svg>', 'e', 'image', 'link_close']);
    expect(files).toEqual(['msc/e.svg']);
  });
});

describe('text of a page', () => {
  it('is no program, whatever braces it has', async () => {
    type Rule = (text: string) => string;
    const { siteText } = (await load('markdown')) as { siteText(md: object): void };
    const rules: Record<'text' | 'code_inline', Rule> = {
      text: (text) => text.toUpperCase(),
      code_inline: (text) => `<code>${text}</code>`,
    };
    siteText({ renderer: { rules } });
    expect(rules.text('a {{ b }} {c}')).toBe('A &#123;&#123; B }} {C}');
    expect(rules.code_inline('{{ b }}')).toBe('<code>&#123;&#123; b }}</code>');
  });
});

describe('the check of a built site', () => {
  const check = (files: Readonly<Record<string, string>>) => {
    const dist = mkdtempSync(join(tmpdir(), 'fatty-site-'));
    mkdirSync(join(dist, 'a'));
    for (const [path, text] of Object.entries(files)) writeFileSync(join(dist, path), text);
    const found = faultsOf(dist);
    rmSync(dist, { recursive: true });
    return found;
  };

  it('follows links to pages, headings and pictures', () => {
    const home =
      '<a href="/a/">a</a> <a class="x" href="/a/b.html#h">b</a> <a href="/a/c.svg">c</a>';
    const a = '<h1 id="top">a</h1> <a href="#top">top</a> <a href="https://example.org">away</a>';
    const files = { 'index.html': home, 'a/index.html': a, 'a/b.html': '<h2 id="h">h</h2>' };
    expect(check({ ...files, 'a/c.svg': '' })).toEqual({ pages: 3, faults: [] });
  });

  it('names links that lead nowhere', () => {
    const home = '<a href="/b.html">b</a> <a href="/a/#h">h</a> <a href="#i">i</a>';
    const { faults } = check({ 'index.html': home, 'a/index.html': '<h1 id="g">g</h1>' });
    expect(faults).toEqual(
      ['/b.html', '/a/#h', '#i'].map((href) => `index.html: ${href} leads nowhere`),
    );
  });

  it('names what a browser would fetch from another host', () => {
    const home =
      '<script src="https://example.org/x.js"></script> <img alt="" src="//example.org/y.png">';
    const css = '@import "https://example.org/z.css"; a { src: url(http://example.org/f.woff2) }';
    expect([...check({ 'index.html': home, 'a/s.css': css }).faults].sort()).toEqual([
      'a/s.css: loads http://example.org/f.woff2',
      'a/s.css: loads https://example.org/z.css',
      'index.html: loads //example.org/y.png',
      'index.html: loads https://example.org/x.js',
    ]);
  });
});
