// Tests of the table of error codes.
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ERRORS } from '../src/index.ts';

type Pinned = Readonly<Record<string, readonly [retryable: boolean, outcome: string]>>;
const file = new URL('./golden/error-codes.json', import.meta.url);
const { codes } = JSON.parse(readFileSync(file, 'utf8')) as { readonly codes: Pinned };

// Receipts carry them as text, and clients decide by them: codes are added, never renamed.
test.each(Object.entries(codes))('%s keeps its name and what it means', (code, meaning) => {
  const entry = ERRORS.get(code);
  expect([entry?.retryable, entry?.outcome]).toEqual(meaning);
});

test('every code is pinned (GOLDEN=write pins new ones)', () => {
  const more = [...ERRORS].filter(([code]) => !(code in codes));
  if (process.env.GOLDEN === 'write' && more.length > 0) {
    const pins = more.map(
      ([code, { retryable, outcome }]) => [code, [retryable, outcome]] as const,
    );
    const all = [...Object.entries(codes), ...pins];
    const lines = all.map(([code, [isLater, outcome]]) => `"${code}": [${isLater}, "${outcome}"]`);
    writeFileSync(
      file,
      `{\n  "name": "error-codes",\n  "codes": {\n    ${lines.join(',\n    ')}\n  }\n}\n`,
    );
  } else expect(more).toEqual([]);
});
