// Reads what git tracks.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The top of the tree, with a slash at its end. */
export const root: string = fileURLToPath(new URL('../..', import.meta.url));

/** What git tracks of these patterns: other files that lie about are nobody's business here. */
export function tracked(...patterns: string[]): string[] {
  const out = execFileSync('git', ['ls-files', '--', ...patterns], {
    cwd: root,
    encoding: 'utf8',
  });
  return out.split('\n').filter((path) => path !== '' && existsSync(join(root, path)));
}

/** The text of a file, by its path from the top. */
export const read = (path: string): string => readFileSync(join(root, path), 'utf8');
