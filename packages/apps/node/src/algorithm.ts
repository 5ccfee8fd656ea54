// A user's own algorithm, named by a module.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { fail, ok } from '@fatty/codec';
import type { Algorithm, CellContext, Outcome } from '@fatty/interface';

/** What a module exports as its algorithm. */
export interface NamedAlgorithm {
  /** Of its class or function; all replicas of a cell host the same (`algorithm` of cell.json). */
  readonly name: string;
  /** A new, empty one. */
  make(context: CellContext): Algorithm;
}

type Fields = Readonly<Record<string, unknown>>;
type Constructor = new (context: CellContext) => Algorithm;
type Factory = (context: CellContext) => Algorithm;

const METHODS = ['open', 'deliver', 'apply', 'snapshot', 'restore', 'root'] as const;
/** A name that cell.json can carry. */
const NAME_LENGTH_MAX = 200;

const fieldsOf = (value: unknown): Fields =>
  (typeof value === 'object' && value !== null) || typeof value === 'function'
    ? (value as Fields)
    : {};

/** A class whose instances have a method of an algorithm, or a function that may make one. */
const isClass = (value: unknown): value is Constructor =>
  typeof value === 'function' &&
  METHODS.some((name) => typeof fieldsOf(value.prototype)[name] === 'function');

/**
 * Imports a module's algorithm: its default export or the one named `algorithm`, else the only class with
 * methods of an algorithm. It is a class, or a function that makes one, given the {@link CellContext}.
 * Codes: `algorithm_unreadable` (the module cannot be imported), `no_algorithm` (it exports none),
 * `bad_algorithm` (what it exports makes none: a method is missing, or it threw).
 */
export async function loadAlgorithm(
  path: string,
  context: CellContext,
): Promise<Outcome<NamedAlgorithm>> {
  const imported = await importAlgorithm(path);
  return imported.ok ? tried(path, imported.value, context) : imported;
}

/** The same without making one: its name is known before there is a cell. */
export async function importAlgorithm(path: string): Promise<Outcome<NamedAlgorithm>> {
  let exported: Fields;
  try {
    exported = fieldsOf(await import(/* @vite-ignore */ pathToFileURL(resolve(path)).href));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return fail('algorithm_unreadable', `a module at ${path}`, why);
  }
  const chosen = choose(exported);
  if (chosen !== undefined) return named(path, chosen);
  const names = Object.keys(exported).join(', ') || 'nothing';
  const expected = `${path}: an algorithm as default export or named algorithm`;
  return fail('no_algorithm', expected, `exports: ${names}`);
}

function choose(exported: Fields): unknown {
  const { default: main, algorithm, ...named } = exported;
  // What CommonJS exports by name is in its default too.
  const inDefault = typeof main === 'object' ? fieldsOf(main) : {};
  const direct =
    algorithm ?? inDefault.algorithm ?? (typeof main === 'function' ? main : undefined);
  if (direct !== undefined) return direct;
  const classes = Object.values({ ...inDefault, ...named }).filter(isClass);
  return classes.length === 1 ? classes[0] : undefined;
}

function bad(path: string, expected: string, actual: string): Outcome<never> {
  return fail('bad_algorithm', `${path}: ${expected}`, actual);
}

function named(path: string, chosen: unknown): Outcome<NamedAlgorithm> {
  if (typeof chosen !== 'function') {
    return bad(path, 'a class, or a function that makes an algorithm', typeof chosen);
  }
  const { name } = chosen;
  if (name === '' || name === 'default' || name.length > NAME_LENGTH_MAX) {
    return bad(path, 'a class or function with a name', name === '' ? 'none' : name);
  }
  const make: Factory = isClass(chosen)
    ? (cell) => new chosen(cell)
    : (cell) => (chosen as Factory)(cell);
  return ok({ name, make });
}

/** Makes one, to see that it can be made and has its methods. */
function tried(
  path: string,
  algorithm: NamedAlgorithm,
  context: CellContext,
): Outcome<NamedAlgorithm> {
  try {
    const made = fieldsOf(algorithm.make(context));
    const missing = METHODS.filter((method) => typeof made[method] !== 'function');
    if (missing.length > 0) return bad(path, METHODS.join(', '), `no ${missing.join(', ')}`);
  } catch (error) {
    return bad(path, 'an algorithm', error instanceof Error ? error.message : String(error));
  }
  return ok(algorithm);
}
