// Tests of which modules a start loads.
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { runNode } from '../src/run.ts';

test('a replica starts without the tracing library of prom-client', () => {
  expect(runNode).toBeTypeOf('function');
  const loaded = Object.keys(createRequire(import.meta.url).cache);
  expect(loaded.some((file) => file.includes('prom-client'))).toBe(true);
  expect(loaded.filter((file) => file.includes('opentelemetry'))).toEqual([]);
});
