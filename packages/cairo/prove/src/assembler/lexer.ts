// A line of assembly to tokens.
import { AssemblyError, type Position } from './failure.ts';

/** `kind` of a symbol is its text; `end` closes every line. */
export interface Token extends Position {
  readonly kind: 'number' | 'name' | 'directive' | 'end' | 'symbol';
  readonly text: string;
}

const KINDS = [
  /(?<number>0x[0-9a-fA-F]+|[0-9]+)/,
  /(?<directive>%[a-z]+)/,
  /(?<name>[A-Za-z_][A-Za-z0-9_.]*)/,
  /(?<symbol>\+\+|\+=|!=|[[\]()+\-*/=:;,])/,
];
const TOKEN = new RegExp(`\\s*(?:${KINDS.map((kind) => kind.source).join('|')})`, 'y');
const COMMENT = /\s*(?:(?:\/\/|#).*)?$/y;

/**
 * The tokens of one line, without its comment (`//` or `#` to the end).
 * @throws AssemblyError `bad_token`
 */
export function readLine(text: string, line: number): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    COMMENT.lastIndex = at;
    if (COMMENT.test(text)) break;
    tokens.push(readToken(text, at, line));
    at = TOKEN.lastIndex;
  }
  return [...tokens, { kind: 'end', text: 'end of line', line, column: at + 1 }];
}

function readToken(text: string, at: number, line: number): Token {
  TOKEN.lastIndex = at;
  const groups = TOKEN.exec(text)?.groups;
  const column = at + 1 + (/^\s*/.exec(text.slice(at))?.[0].length ?? 0);
  const place = { line, column };
  if (groups?.number !== undefined) return numberToken(text, groups.number, place);
  for (const kind of ['name', 'directive', 'symbol'] as const) {
    const found = groups?.[kind];
    if (found !== undefined) return { kind, text: found, ...place };
  }
  const actual = JSON.stringify(text.slice(column - 1, column + 7));
  throw new AssemblyError(
    'bad_token',
    place,
    'a number, a name or one of [ ] ( ) + - * / =',
    actual,
  );
}

/** `12abc` is a slip of the pen, not the number 12. */
function numberToken(text: string, digits: string, place: Position): Token {
  const next = text[TOKEN.lastIndex] ?? ' ';
  if (/[A-Za-z0-9_.]/.test(next) || digits.length > 80)
    throw new AssemblyError('bad_token', place, 'a number', `${digits.slice(0, 20)}${next}`);
  return { kind: 'number', text: digits, ...place };
}
