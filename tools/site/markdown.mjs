// Links of the tree become links of the site, at the moment when a page is rendered; text stays text.
import { relative, sep } from 'node:path';
import { destinationOf } from './links.mjs';

/** Index of the token that closes the link at `start`; links do not nest. */
const closeOf = (tokens, start) =>
  tokens.findIndex(({ type }, at) => at > start && type === 'link_close');

/**
 * A link to a source file is its text, and the path as code where the text does not show it.
 * `Token` is the class of markdown-it's tokens.
 */
function plain(label, path, Token) {
  const text = label.map(({ content }) => content).join('');
  const code = new Token('code_inline', 'code', 0);
  code.markup = '`';
  code.content = path;
  if (text !== '' && path.endsWith(text.replace(/^(?:\.\.?\/)+/u, ''))) {
    code.content = text;
    return [code];
  }
  const [open, close] = [' (', ')'].map((content) =>
    Object.assign(new Token('text', '', 0), { content }),
  );
  return [...label, open, code, close];
}

/** A link to a picture opens it beside the page, and shows it. */
function pictured(open, { address }, label, Token) {
  open.attrSet('href', address);
  open.attrSet('target', '_blank');
  const picture = new Token('image', 'img', 0);
  picture.attrs = [
    ['src', address],
    ['alt', ''],
  ];
  picture.children = [];
  return [open, ...label, picture];
}

/** The tokens of one paragraph, heading or cell with its links put right; `files` gathers what the site must serve. */
function rewritten(tokens, from, { pages, files }, Token) {
  const out = [];
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at];
    if (token.type !== 'link_open') {
      out.push(token);
      continue;
    }
    const close = closeOf(tokens, at);
    const label = tokens.slice(at + 1, close);
    const to = destinationOf(from, token.attrGet('href'), pages);
    if (to.kind === 'page') token.attrSet('href', to.address);
    if (to.kind === 'file') files.add(to.path);
    if (to.kind === 'source') out.push(...plain(label, to.path, Token));
    else if (to.kind === 'file') out.push(...pictured(token, to, label, Token), tokens[close]);
    else out.push(token, ...label, tokens[close]);
    at = close;
  }
  return out;
}

/** A plugin of markdown-it; `root` is the folder of the tree, `pages` the set of pages, `files` a set to fill. */
export function siteLinks(md, { root, ...site }) {
  md.core.ruler.push('site-links', (state) => {
    const from = relative(root, state.env.realPath ?? state.env.path)
      .split(sep)
      .join('/');
    for (const token of state.tokens) {
      if (token.children) {
        token.children = rewritten(token.children, from, site, state.Token);
      }
    }
  });
}

/** A plugin of markdown-it: braces in text and code are braces; Vue, which gets the page next, would take two for a program. */
export function siteText({ renderer: { rules } }) {
  for (const name of ['text', 'code_inline']) {
    const rule = rules[name];
    rules[name] = (...args) => rule(...args).replaceAll('{{', '&#123;&#123;');
  }
}
