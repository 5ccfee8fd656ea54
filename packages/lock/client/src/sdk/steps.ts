// What takes more than one op: whole trees removed, large files read.
import {
  type Answer,
  type Dot,
  type Op,
  opKey,
  type Query,
  type Result,
  type Sibling,
  type Stat,
} from '@fatty/api';
import { fromUtf8 } from '@fatty/codec';
import { expectResult } from './answers.ts';
import { clientError } from './error.ts';
import type { FileValue, Found } from './options.ts';

/** Signs ops as one batch; answers a result per op. */
export type Submit = (ops: readonly Op[]) => Promise<readonly Result[]>;

/**
 * Removes a node and all below it, step by step until nothing is left: an op takes at most 1,000
 * nodes, children first. @throws FattyError of the step that failed; what went before it is gone
 */
export async function removeTree(submit: Submit, path: string): Promise<void> {
  for (let step = 0; ; step++) {
    const [result] = await submit([{ kind: 'removeSubtree', path }]);
    // Somebody else has removed what the step before left.
    const code = result?.kind === 'error' ? result.code : undefined;
    if (step > 0 && code === 'not_found') return;
    if (code === 'commit_full') continue;
    if (expectResult(result, 'subtreeRemoved', path).left === 0) return;
  }
}

/** A read that is believed at its level. */
export type ReadValue = (query: Query) => Promise<Found<FileAnswer>>;
/** One page of a file. */
export type FileAnswer = Extract<Answer, { kind: 'value' }>;

/** How often a file is read anew because it was written over between two pages. */
const ATTEMPTS_MAX = 8;

/**
 * A file with all its concurrent values, in order. An answer holds about 1 MiB of them; the rest is
 * asked for by name, for a name stands for the same bytes for ever. When one of them has been
 * written over meanwhile, everything is read anew. @throws FattyError also `bad_answer`
 */
export async function readFile(read: ReadValue, path: string): Promise<FileValue> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const first = await read({ kind: 'get', path });
    const rest = await readContents(read, path, first.value.more);
    if (rest === undefined) continue;
    const { stat, siblings } = first.value;
    return fileValue(stat, [...siblings, ...rest], first.commit);
  }
  throw clientError('bad_answer', 'a file that stays as it is', `${ATTEMPTS_MAX} others`, { path });
}

/** A file as its readers get it. */
export function fileValue(stat: Stat, siblings: readonly Sibling[], commit: number): FileValue {
  const content = siblings[0]?.content ?? new Uint8Array();
  const text = (): string => {
    const decoded = fromUtf8(content);
    if (decoded === undefined) throw clientError('bad_answer', 'UTF-8', 'other bytes');
    return decoded;
  };
  return { content, siblings, stat, commit, text };
}

/** Undefined: one of them is no longer there. */
async function readContents(
  read: ReadValue,
  path: string,
  wanted: readonly Dot[],
): Promise<readonly Sibling[] | undefined> {
  const found: Sibling[] = [];
  while (found.length < wanted.length) {
    const dots = wanted.slice(found.length);
    const { siblings } = (await read({ kind: 'contents', path, dots })).value;
    const inOrder = siblings.every(({ dot }, i) => opKey(dot) === opKey(dots[i] ?? dot));
    if (siblings.length === 0 || siblings.length > dots.length || !inOrder) return undefined;
    found.push(...siblings);
  }
  return found;
}
