// Assembly text to instructions, with labels, constants and statement cells.
import { AssemblyError, type Position } from './failure.ts';
import { readLine, type Token } from './lexer.ts';
import { combine, dereference, fieldOf, nameOf, type Operand, type Sign } from './operand.ts';
import {
  type Emitted,
  emitAdvance,
  emitAssert,
  emitBranch,
  emitCall,
  emitGoto,
  emitJump,
  type LabelUse,
  RETURN,
  withIncrement,
} from './statement.ts';

/** What a line adds to the program. `cells` are the statement cells that it names. */
export type Item =
  | { readonly kind: 'label'; readonly name: string; readonly at: Position }
  | { readonly kind: 'word'; readonly value: bigint; readonly at: Position }
  | {
      readonly kind: 'code';
      readonly code: Emitted;
      readonly cells: readonly LabelUse[];
      readonly at: Position;
    };

/** Everything in a text, in order, before labels are places. */
export interface Parsed {
  readonly items: Item[];
  readonly builtins: string[];
  readonly cells: string[];
  raw: boolean;
}

const WORDS = new Set(['ap', 'fp', 'jmp', 'call', 'ret', 'abs', 'rel', 'if', 'assert', 'CELLS']);
const DEPTH_MAX = 16;
const DECLARATIONS = new Set(['const', 'let', 'cell', 'dw']);

/** Lines of `text`, one after the other. @throws AssemblyError */
export function parse(text: string): Parsed {
  const parser = new Parser();
  text.split(/\r\n|\n|\r/).forEach((line, i) => {
    parser.line(readLine(line, i + 1));
  });
  return parser.parsed;
}

class Parser {
  readonly parsed: Parsed = { items: [], builtins: [], cells: [], raw: false };
  /** Constants, `let` cells and statement cells; a label may not have one of their names. */
  readonly #names = new Map<string, Operand>();
  #tokens: readonly Token[] = [];
  #at = 0;
  #depth = 0;
  /** Statement cells named since the last instruction. */
  #cells: LabelUse[] = [];

  line(tokens: readonly Token[]): void {
    this.#tokens = tokens;
    this.#at = 0;
    while (this.#isLabel()) this.#label();
    if (this.#peek().kind === 'directive') this.#directive();
    while (this.#peek().kind !== 'end') {
      this.#statement();
      if (this.#peek().kind !== 'end') this.#expect(';');
    }
  }

  #peek(ahead = 0): Token {
    const last = this.#tokens[this.#tokens.length - 1] as Token;
    return this.#tokens[this.#at + ahead] ?? last;
  }

  #next(): Token {
    const token = this.#peek();
    this.#at++;
    return token;
  }

  /** Takes the token if it is that symbol or word. */
  #take(text: string): boolean {
    const token = this.#peek();
    if (token.text !== text || token.kind === 'end') return false;
    this.#at++;
    return true;
  }

  #expect(text: string): void {
    if (!this.#take(text)) this.#wrong(text);
  }

  #wrong(expected: string): never {
    const token = this.#peek();
    throw new AssemblyError('bad_syntax', token, expected, token.text);
  }

  #isLabel(): boolean {
    return this.#peek().kind === 'name' && this.#peek(1).text === ':';
  }

  #label(): void {
    const { text: name, line, column } = this.#newName();
    this.#expect(':');
    this.parsed.items.push({ kind: 'label', name, at: { line, column } });
  }

  /** A name that nothing has yet; labels are compared when they get their places. */
  #newName(): Token {
    const token = this.#peek();
    if (token.kind !== 'name') this.#wrong('a name');
    if (WORDS.has(token.text) || DECLARATIONS.has(token.text)) this.#wrong('a name, not a keyword');
    if (this.#names.has(token.text))
      throw new AssemblyError('duplicate_name', token, 'a new name', token.text);
    return this.#next();
  }

  #directive(): void {
    const token = this.#next();
    if (token.text === '%raw') {
      this.parsed.raw = true;
    } else if (token.text === '%builtins') {
      while (this.#peek().kind === 'name') this.parsed.builtins.push(this.#next().text);
    } else {
      throw new AssemblyError('bad_directive', token, '%builtins or %raw', token.text);
    }
    if (this.#peek().kind !== 'end') this.#wrong('end of line');
  }

  #statement(): void {
    const start = this.#peek();
    const at = { line: start.line, column: start.column };
    if (this.#take('const')) return this.#constant();
    if (this.#take('let')) return this.#alias();
    if (this.#take('cell')) return this.#statementCells();
    if (this.#take('dw')) {
      this.parsed.items.push({ kind: 'word', value: this.#number(), at });
      return;
    }
    this.#cells = [];
    let code = this.#instruction();
    if (
      /^[;,]$/.test(this.#peek().text) &&
      this.#peek(1).text === 'ap' &&
      this.#peek(2).text === '++'
    ) {
      const place = this.#peek(1);
      this.#at += 3;
      code = withIncrement(code, place);
    }
    this.parsed.items.push({ kind: 'code', code, cells: this.#cells, at });
  }

  #constant(): void {
    const { text: name, line, column } = this.#newName();
    this.#expect('=');
    this.#names.set(name, { kind: 'number', value: this.#number(), at: { line, column } });
  }

  #number(): bigint {
    const value = this.#sum();
    if (value.kind !== 'number')
      throw new AssemblyError('bad_operand', value.at, 'a constant', nameOf(value));
    return fieldOf(value.value, value.at) === 0n ? 0n : value.value;
  }

  #alias(): void {
    const { text: name } = this.#newName();
    this.#expect('=');
    const value = this.#sum();
    if (value.kind !== 'cell')
      throw new AssemblyError('bad_operand', value.at, 'a cell, as [fp - 3]', nameOf(value));
    this.#names.set(name, value);
  }

  #statementCells(): void {
    do {
      const { text: name, line, column } = this.#newName();
      const off = BigInt(this.parsed.cells.length);
      this.parsed.cells.push(name);
      this.#names.set(name, { kind: 'cell', base: 'fp', off, at: { line, column } });
    } while (this.#take(','));
  }

  #instruction(): Emitted {
    if (this.#take('ret')) return RETURN;
    if (this.#take('call')) return this.#call();
    if (this.#take('jmp')) return this.#jump();
    if (this.#peek().text === 'ap' && this.#peek(1).text === '+=') {
      this.#at += 2;
      return emitAdvance(this.#sum());
    }
    if (this.#peek().text === 'ap' && this.#peek(1).text === '++')
      this.#wrong('an instruction before ; ap++ on the same line');
    this.#take('assert');
    const left = this.#sum();
    this.#expect('=');
    return emitAssert(left, this.#sum());
  }

  #call(): Emitted {
    const mode = this.#mode();
    return mode ? emitCall(mode, this.#sum()) : emitCall('rel', this.#labelUse());
  }

  #jump(): Emitted {
    const mode = this.#mode();
    const to = mode ? this.#sum() : this.#labelUse();
    if (mode === 'abs' && this.#peek().text === 'if')
      this.#wrong('no if: conditional jumps are jmp rel … if or jmp label if');
    if (!this.#take('if')) return 'name' in to ? emitGoto(to) : emitJump(mode ?? 'rel', to);
    const condition = this.#sum();
    this.#expect('!=');
    if (this.#next().text !== '0') {
      this.#at--;
      this.#wrong('0: a jump compares with nothing else');
    }
    return emitBranch(to, condition);
  }

  #mode(): 'abs' | 'rel' | undefined {
    if (this.#take('abs')) return 'abs';
    return this.#take('rel') ? 'rel' : undefined;
  }

  #labelUse(): LabelUse {
    const token = this.#peek();
    if (token.kind !== 'name' || WORDS.has(token.text)) this.#wrong('abs, rel or a label');
    if (this.#names.has(token.text)) this.#wrong('abs or rel before what is not a label');
    const { text: name, line, column } = this.#next();
    return { name, line, column };
  }

  #sum(): Operand {
    let left = this.#product();
    for (;;) {
      const sign = this.#peek().text;
      if (sign !== '+' && sign !== '-') return left;
      this.#at++;
      left = combine(sign, left, this.#product());
    }
  }

  #product(): Operand {
    let left = this.#unary();
    for (;;) {
      const sign: string = this.#peek().text;
      if (sign !== '*' && sign !== '/') return left;
      this.#at++;
      left = combine(sign as Sign, left, this.#unary());
    }
  }

  #unary(): Operand {
    const token = this.#next();
    const at = { line: token.line, column: token.column };
    if (token.kind === 'number') return { kind: 'number', value: BigInt(token.text), at };
    if (token.kind === 'name') return this.#named(token);
    if (token.text === '-')
      return combine('*', this.#inside(undefined), { kind: 'number', value: -1n, at });
    if (token.text === '[') return dereference(this.#inside(']'), at);
    if (token.text === '(') return this.#inside(')');
    this.#at--;
    return this.#wrong('a number, a name, ap, fp, [ or (');
  }

  /** What stands inside brackets, or after a sign. Depth is bounded: the parser recurses. */
  #inside(close: ']' | ')' | undefined): Operand {
    if (this.#depth === DEPTH_MAX) this.#wrong(`at most ${DEPTH_MAX} brackets or signs nested`);
    this.#depth++;
    const inner = close === undefined ? this.#unary() : this.#sum();
    if (close !== undefined) this.#expect(close);
    this.#depth--;
    return inner;
  }

  #named(token: Token): Operand {
    const { text: name, line, column } = token;
    const at = { line, column };
    if (name === 'ap' || name === 'fp') return { kind: 'address', base: name, off: 0n, at };
    if (name === 'CELLS') return { kind: 'number', value: BigInt(this.parsed.cells.length), at };
    const known = this.#names.get(name);
    if (known === undefined)
      throw new AssemblyError('unknown_name', token, 'a const, let or cell declared above', name);
    if (this.parsed.cells.includes(name)) this.#cells.push({ name, line, column });
    return { ...known, at };
  }
}
