import { readFileSync } from 'node:fs';
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
