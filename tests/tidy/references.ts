// What the text refers to is there: rules, sections, files.
import { describe, expect, it } from 'vitest';
import { read, tracked } from './tree.ts';

const PROTOCOL = 'packages/kernel/replica/PROTOCOL.md';
const TIME = 'packages/lock/core/TIME.md';
const READS = 'packages/lock/core/READS.md';

/** R12 and R21a: in bold where they begin, alone or as `R6, R7` and `R27–R29`. */
function rulesOf(text: string): string[] {
  return [...text.matchAll(/\*\*(R[^*]*)/g)].flatMap(([, title = '']) => {
    const range = /^R(\d+)–R(\d+)/.exec(title);
    if (range === null) return /^R\d+[a-z]?(?:, R\d+[a-z]?)*/.exec(title)?.[0].split(', ') ?? [];
    const [first, last] = [Number(range[1]), Number(range[2])];
    return Array.from({ length: last - first + 1 }, (_, i) => `R${first + i}`);
  });
}

const protocol = read(PROTOCOL);
const group = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, id = '']) => id);

/** Every rule, invariant, liveness property and section of the client's pages that somewhere has its text. */
const DEFINED: ReadonlySet<string> = new Set([
  ...rulesOf(protocol),
  ...group(protocol, /(?:^|· )([SL]\d+) /gm),
  ...group(read(TIME), /^## (T\d+)\. /gm),
  ...group(read(READS), /^## (Q\d+)\. /gm),
]);

/** Defined, and said to be for a later version only: nothing can rest on them yet. */
const DEFERRED: ReadonlySet<string> = new Set([
  ...[...protocol.matchAll(/^\*\*R[^*]*\*\*[^.]*\*[Ll]ater\*/gm)].flatMap(([rule]) =>
    rulesOf(rule),
  ),
  ...group(protocol, /(?:^|· )([SL]\d+) [^·]*\(\*later\*\)/gm),
]);

const pages = tracked('*.md', '**/*.md');
/** All code but this file, which has to spell what it looks for. */
const code = tracked(
  'packages/**/*.ts',
  'packages/**/*.tsx',
  'tests/**/*.ts',
  'tools/**/*.mjs',
).filter((path) => path !== 'tests/tidy/references.ts');
const all = tracked();

/** Lines with where they are. */
function linesOf(path: string): (readonly [string, string])[] {
  return read(path)
    .split('\n')
    .map((line, i) => [line, `${path}:${i + 1}`] as const);
}

const inPages = pages.flatMap(linesOf);
const inCode = code.flatMap(linesOf);
const comments = inCode.filter(([line]) => /^\s*(?:\*|\/\/|\/\*)/.test(line));

function dangling(
  lines: readonly (readonly [string, string])[],
  pattern: RegExp,
  isThere: (name: string) => boolean,
): string[] {
  return lines.flatMap(([line, where]) =>
    group(line, pattern)
      .filter((name) => !isThere(name))
      .map((name) => `${where}: ${name}`),
  );
}

describe('what the text refers to', () => {
  it('has every rule that it cites, in PROTOCOL.md, TIME.md or READS.md', () => {
    expect(DEFINED.size).toBeGreaterThan(70);
    const cited = /(?<![\w/.-])([RSLTQ]\d+[a-z]?)\b(?!\.\w)/g;
    expect(dangling([...inPages, ...inCode], cited, (id) => DEFINED.has(id))).toEqual([]);
  });

  it('has every step of a rule that it cites: `R21 (4)`', () => {
    const isThere = (cited: string): boolean => {
      const [rule = '', step = ''] = cited.split(' ');
      const [, text = ''] = protocol.split(`\n**${rule}**`);
      return text.split('\n\n')[0]?.includes(`${step} `) === true;
    };
    const cited = /\b(R\d+[a-z]? \(\d\))/g;
    expect(dangling([...inPages, ...inCode], cited, isThere)).toEqual([]);
  });

  it('rests on no rule that is for a later version', () => {
    expect([...DEFERRED]).toContain('L3');
    const cited = /(?<![\w/.-])([RSL]\d+)\b(?!\.\w)/g;
    expect(dangling(inCode, cited, (id) => !DEFERRED.has(id))).toEqual([]);
  });

  it('cites sections of RFCs and of papers that it names, and of pages that have them', () => {
    const cited = /((?:\S+ ){0,3}\S*§\S+)/g;
    const isThere = (words: string): boolean => {
      const [, page, section] = /(\S+\.md),? §([\w.]+)/.exec(words) ?? [];
      if (page === undefined) return /RFC \d+,? §|",? §/.test(words);
      const path = pages.find((one) => one === page || one.endsWith(`/${page}`));
      return path !== undefined && new RegExp(`^#+ ${section}\\b`, 'm').test(read(path));
    };
    const lines = [...inPages, ...inCode].filter(([line]) => line.includes('§'));
    expect(dangling(lines, cited, isThere)).toEqual([]);
  });

  it('names files that are there', () => {
    const isThere = (name: string): boolean => {
      const end = name.replace(/^(?:\.\.?\/)+/, '');
      return all.some((path) => path === end || path.endsWith(`/${end}`));
    };
    const ofPages = dangling(inPages, /`([\w@./-]+\.(?:ts|mjs|md|casm))`/g, isThere);
    const ofComments = dangling(comments, /(?<![\w@./-])([\w@./-]+\.(?:ts|mjs|md))\b/g, isThere);
    expect([...ofPages, ...ofComments]).toEqual([]);
  });
});
