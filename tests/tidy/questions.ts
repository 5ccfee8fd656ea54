// The table of questions in packages/README.md is true.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { read, root } from './tree.ts';

/** Rows of the table in packages/README.md: a question, the file that answers it, and a name that it exports. */
function answersOf(page: string): { question: string; file: string; name: string }[] {
  const [, table = ''] = page.split('\n## Where is …\n');
  const [rows = ''] = table.split('\n## ');
  return [...rows.matchAll(/^\| (.+) \| \[[^\]]+\]\((.+)\) \| `(\w+)` \|$/gm)].map(
    ([, question = '', file = '', name = '']) => ({ question, file: `packages/${file}`, name }),
  );
}

describe('the questions of packages/README.md', () => {
  const answers = answersOf(read('packages/README.md'));

  it('are all asked once', () => {
    expect(answers.length).toBeGreaterThan(20);
    expect(new Set(answers.map(({ question }) => question)).size).toBe(answers.length);
  });

  it.each(answers)('$question: in $file', ({ file, name }) => {
    expect(existsSync(join(root, file))).toBe(true);
    expect(read(file)).toMatch(
      new RegExp(`^export (?:const|function|class|interface|type) ${name}\\b`, 'm'),
    );
  });
});
