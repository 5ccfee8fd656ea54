// How arguments are looked at: checks, and options that are read by a table of them.
import { type Check, type Flaw, flawOfFields, quote } from '@fatty/codec';
import { clientError } from './error.ts';

/**
 * What callers hand over, who may write plain JavaScript, is looked at before anything is done
 * with it: options by a table of checks per method, ops and queries by `@fatty/api`.
 */
export type Checks<T> = { readonly [K in keyof T]-?: Check };

/** A value that must be given. */
export function must(expected: string, holds: (value: unknown) => boolean): Check {
  const flawOf = (value: unknown): Flaw | undefined =>
    holds(value) ? undefined : { at: '', expected, actual: quote(value), isBound: false };
  return { flawOf };
}

/** A value that may be left out. */
export function may(expected: string, holds: (value: unknown) => boolean): Check {
  return must(expected, (value) => value === undefined || holds(value));
}

/** What a check looks at, when it is given. */
export function maybe(check: Check): Check {
  return { flawOf: (value) => (value === undefined ? undefined : check.flawOf(value)) };
}

/** An object with fields that hold. */
export const fields = (checks: Readonly<Record<string, Check>>): Check => ({
  flawOf: (value) => flawOfFields(checks, value),
});

/** Anything that can be called. */
export const isFunction = (value: unknown): boolean => typeof value === 'function';
/** Any object, and any array; not null. */
export const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;

/** @throws FattyError `bad_argument` */
export function checkArgument(name: string, check: Check, value: unknown): void {
  let flaw: Flaw | undefined;
  try {
    flaw = check.flawOf(value);
  } catch (cause) {
    throw clientError('bad_argument', `${name}: plain data`, 'what throws when it is read', {
      cause,
    });
  }
  if (flaw === undefined) return;
  const { at, expected, actual } = flaw;
  const joint = at === '' || at.startsWith('[') ? '' : '.';
  throw clientError('bad_argument', `${name}${joint}${at}: ${expected}`, actual);
}

/** Reads what is foreign. @throws FattyError `bad_argument` in place of what a getter or a proxy throws */
function readPlain<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw clientError('bad_argument', 'plain options', 'some that throw when they are read', {
      cause,
    });
  }
}

/**
 * The options of a call: those of the table, each read once, so that what is checked is what is used; `needed` ones
 * must be there. A name beside them is refused: `lok` instead of `lock` would be a wish that nobody hears.
 * @throws FattyError `bad_argument`, which names the option
 */
export function optionsOf<T extends object>(
  checks: Checks<T>,
  options: T | undefined,
  needed: readonly (keyof T & string)[] = [],
): T {
  const read = partOf(checks, options, needed);
  const known = Object.keys(checks);
  const unknown = readPlain(() => Object.keys(options ?? {})).find((name) => !known.includes(name));
  if (unknown === undefined) return read;
  throw clientError('bad_argument', `options: among ${known.join(', ')}`, quote(unknown));
}

/** As {@link optionsOf}, of options of which somebody else reads the others. */
export function partOf<T extends object>(
  checks: Checks<T>,
  options: T | undefined,
  needed: readonly (keyof T & string)[] = [],
): T {
  checkArgument('options', may('an object', isObject), options);
  const read = readPlain(() => {
    const values: Record<string, unknown> = {};
    for (const name of Object.keys(checks)) {
      const value = (options as Record<string, unknown> | undefined)?.[name];
      if (value !== undefined || needed.includes(name as keyof T & string)) values[name] = value;
    }
    return values;
  });
  const names: Readonly<Record<string, Check>> = checks;
  for (const [name, value] of Object.entries(read)) {
    const check = names[name];
    if (check !== undefined) checkArgument(name, check, value);
  }
  return read as T;
}
