// The cells that somebody has given names: a file of this user.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EXIT, ExitError, type Io } from './io.ts';

/** One cell, and who its user is there. */
export interface Context {
  /** Path of cell.json, or URLs of its replicas with commas between. */
  readonly cell: string;
  /** Hex; needed with URLs. */
  readonly cellId?: string;
  /** Path of the client key, PKCS#8 PEM. */
  readonly key?: string;
  readonly insecure?: boolean;
}

/** All contexts by name, and which one counts when nothing is said. */
export interface Contexts {
  readonly current?: string;
  readonly contexts: Readonly<Record<string, Context>>;
}

const NONE: Contexts = { contexts: {} };

/** FATTY_CONTEXTS, else where this system keeps settings of users; undefined for somebody without a home. */
export function contextsPath({ env }: Io): string | undefined {
  if (env.FATTY_CONTEXTS) return env.FATTY_CONTEXTS;
  const base = env.XDG_CONFIG_HOME || (env.HOME && join(env.HOME, '.config'));
  return base ? join(base, 'fatty', 'contexts.json') : undefined;
}

const isText = (value: unknown): boolean => typeof value === 'string';
const isTextOrNone = (value: unknown): boolean => value === undefined || isText(value);

function isContext(value: unknown): value is Context {
  if (typeof value !== 'object' || value === null) return false;
  const { cell, cellId, key, insecure } = value as Partial<Context>;
  const isFlag = insecure === undefined || typeof insecure === 'boolean';
  return isText(cell) && isTextOrNone(cellId) && isTextOrNone(key) && isFlag;
}

function isContexts(value: unknown): value is Contexts {
  if (typeof value !== 'object' || value === null) return false;
  const { current, contexts } = value as Partial<Contexts>;
  if (!isTextOrNone(current) || typeof contexts !== 'object' || contexts === null) return false;
  return Object.values(contexts).every(isContext);
}

/** None where there is no file. @throws ExitError, exit code 2, for a file that is not one of contexts */
export function readContexts(io: Io): Contexts {
  const path = contextsPath(io);
  if (path === undefined) return NONE;
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (isContexts(value)) return value;
    throw new TypeError('no object of contexts');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return NONE;
    const why = (error as Error).message;
    throw new ExitError(EXIT.usage, `contexts: ${path} cannot be read (${why}); mend or remove it`);
  }
}

/** Whole or not at all. @throws ExitError, exit code 2 */
export function writeContexts(contexts: Contexts, io: Io): void {
  const path = contextsPath(io);
  if (path === undefined) {
    throw new ExitError(EXIT.usage, 'contexts: no place for them; set HOME or FATTY_CONTEXTS');
  }
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const draft = `${path}.${process.pid}`;
    writeFileSync(draft, `${JSON.stringify(contexts, null, 2)}\n`, { mode: 0o600 });
    renameSync(draft, path);
  } catch (error) {
    throw new ExitError(EXIT.usage, `contexts: ${(error as Error).message}`);
  }
}

/** The context of this name. @throws ExitError, exit code 2 */
export function contextOf(name: string, { contexts }: Contexts): Context {
  const found = Object.hasOwn(contexts, name) ? contexts[name] : undefined;
  if (found !== undefined) return found;
  const names = Object.keys(contexts).sort();
  const known = names.length === 0 ? 'there are none yet' : `there are ${names.join(', ')}`;
  throw new ExitError(
    EXIT.usage,
    `no context ${name}: ${known}; "fatty context set ${name} --cell FILE" makes it`,
  );
}
