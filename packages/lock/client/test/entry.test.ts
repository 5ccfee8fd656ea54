// What the platform-free entry reaches.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** What a browser has no use for: Node's modules and globals, and the Node halves of our packages. */
const NODE_ONLY = /from '(node:|ws'|@fatty\/\w+\/node'|@fatty\/network')|\b(Buffer|process)\b\./;

const CORE = fileURLToPath(new URL('../../core/src/index.ts', import.meta.url));

test('the platform-free entry and the recipes reach nothing of Node', () => {
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    const text = readFileSync(file, 'utf8');
    expect(text, file).not.toMatch(NODE_ONLY);
    for (const [, path] of text.matchAll(/from '(\.\.?\/[^']+)'/g))
      visit(join(file, '..', path ?? ''));
    if (text.includes("from '@fatty/core'")) visit(CORE);
  };
  visit(fileURLToPath(new URL('../src/index.ts', import.meta.url)));
  visit(fileURLToPath(new URL('../src/recipes/index.ts', import.meta.url)));
  expect(Array.from(seen).filter((file) => file.includes('/src/recipes/'))).toHaveLength(10);
  expect(seen.size).toBeGreaterThan(40);
  expect(readFileSync(fileURLToPath(new URL('../src/node.ts', import.meta.url)), 'utf8')).toMatch(
    NODE_ONLY,
  );
});
