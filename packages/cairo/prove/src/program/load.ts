// Reads the JSON of cairo-compile to be run, hints included.
import {
  attempt,
  demand,
  Fields,
  type JsonValue,
  LIMITS,
  parseJson,
  Rejected,
} from '@fatty/cairo-air';
import { type Program, readProgram } from '@fatty/cairo-verify';
import { fail, ok } from '@fatty/codec';
import type { Outcome } from '@fatty/interface';

/** A program that our VM can run. */
export interface Runnable extends Program {
  /** Names of main's first frame cells, from [fp] on: the statement. */
  readonly cells: readonly string[];
  readonly hints: readonly Hint[];
}

/** What Python does before the instruction at offset `pc`; these two forms are all we know. */
export type Hint =
  /** `ids.x = program_input['key']` for locals x = [fp + cell]. */
  | { readonly kind: 'inputs'; readonly pc: number; readonly inputs: readonly HintInput[] }
  /** `memory[ap] = segments.add()`: a new memory segment. */
  | { readonly kind: 'segment'; readonly pc: number };

/** An input of the program by its name, and the frame cell that takes it. */
export interface HintInput {
  readonly key: string;
  readonly cell: number;
}

const HINTS_MAX = 1024;
const SEGMENT = 'memory[ap] = segments.add()';
const ASSIGNMENT =
  /^ids\.(?<name>[A-Za-z_]\w*) = program_input\[(?<quote>['"])(?<key>\w+)\k<quote>\]$/;
const FRAME_CELL = /^\[cast\(fp(?: \+ (?<cell>\d{1,4}))?, felt\*\)\]$/;

/**
 * Reads the JSON of `cairo-compile` to be run. Python hints other than the two of {@link Hint} are
 * refused, not ignored: without them the program would do something else. Codes as `parseProgram`,
 * and `unsupported_hint` with the hint's function, offset and text. Never throws.
 */
export function loadProgram(text: string): Outcome<Runnable> {
  const parsed = attempt(() => {
    const { jsonBytes } = LIMITS;
    demand(text.length <= jsonBytes, 'too_large', `≤ ${jsonBytes} characters`, text.length);
    const file = new Fields(parseJson(text), 'program', undefined);
    const program = readProgram(file);
    return { program, hints: readHints(file) };
  });
  if (!parsed.ok) return parsed;
  const { program, hints } = parsed.value;
  const known: Hint[] = [];
  for (const hint of hints) {
    if (hint.kind === 'unsupported')
      return fail('unsupported_hint', `${SEGMENT} or ids.x = program_input['x']`, hint.text);
    known.push(hint);
  }
  return ok({ ...program, cells: [], hints: known });
}

type Read = Hint | { readonly kind: 'unsupported'; readonly text: string };

function readHints(file: Fields): Read[] {
  if (!file.has('hints')) return [];
  const places = new Fields(file.get('hints'), 'hints', undefined);
  const names = places.names();
  demand(names.length <= HINTS_MAX, 'wrong_shape', `at most ${HINTS_MAX} hints`, names.length);
  const reads: Read[] = [];
  for (const name of names) {
    demand(/^(?:0|[1-9]\d{0,8})$/.test(name), 'bad_number', 'hints: offset', name.slice(0, 32));
    for (const hint of places.list(name, HINTS_MAX))
      reads.push(readHint(Number(name), new Fields(hint, `hints.${name}`, undefined), file));
  }
  return reads;
}

function readHint(pc: number, hint: Fields, file: Fields): Read {
  const code = hint.text('code', LIMITS.jsonBytes).trim();
  if (code === SEGMENT) return { kind: 'segment', pc };
  const scopes = hint.list('accessible_scopes', HINTS_MAX);
  const scope = scopes[scopes.length - 1];
  const where = typeof scope === 'string' ? scope : '';
  const inputs = code.split('\n').map((line) => readAssignment(line.trim(), where, hint, file));
  const known = inputs.filter((input) => input !== undefined);
  if (known.length === inputs.length) return { kind: 'inputs', pc, inputs: known };
  return {
    kind: 'unsupported',
    text: `${where} at ${pc}: ${code.replace(/\s+/g, ' ').slice(0, 200)}`,
  };
}

/** Resolves `ids.x` by its reference: only a local that is a cell of the frame can be an input. */
function readAssignment(
  line: string,
  scope: string,
  hint: Fields,
  file: Fields,
): HintInput | undefined {
  const { name, key } = ASSIGNMENT.exec(line)?.groups ?? {};
  if (name === undefined || key === undefined) return undefined;
  const flow = new Fields(hint.get('flow_tracking_data'), 'flow_tracking_data', undefined);
  const ids = new Fields(flow.get('reference_ids'), 'reference_ids', undefined);
  if (!ids.has(`${scope}.${name}`)) return undefined;
  const index = ids.integer(`${scope}.${name}`, LIMITS.publicCells);
  const manager = new Fields(file.get('reference_manager'), 'reference_manager', undefined);
  const reference = manager.list('references', LIMITS.publicCells)[index];
  if (reference === undefined) throw new Rejected('wrong_shape', `reference ${index}`, 'nothing');
  const cell = FRAME_CELL.exec(expressionOf(reference))?.groups;
  return cell === undefined ? undefined : { key, cell: Number(cell.cell ?? 0) };
}

const expressionOf = (reference: JsonValue): string =>
  new Fields(reference, 'reference', undefined).text('value', 4096);
