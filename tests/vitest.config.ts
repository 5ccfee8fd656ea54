// How tests run: unit tests, nets, real processes.
import { fileURLToPath } from 'node:url';
import { defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('..', import.meta.url));
const ssr = { resolve: { conditions: ['@fatty/source', ...defaultServerConditions] } };
const shared = { pool: 'forks' as const, testTimeout: 60_000, hookTimeout: 60_000 };

/** Units and nets share two workers; real processes (e2e) run one file at a time. */
export default defineConfig({
  root,
  ssr,
  test: {
    maxWorkers: 2,
    projects: [
      {
        root,
        ssr,
        test: {
          ...shared,
          name: 'unit',
          include: ['packages/**/test/**/*.test.ts', 'tests/*.test.ts'],
        },
      },
      {
        root,
        ssr,
        test: {
          ...shared,
          name: 'nets',
          include: ['tests/nets/**/*.test.ts', 'tests/regressions/**/*.test.ts'],
          testTimeout: 300_000,
        },
      },
      {
        root,
        ssr,
        test: {
          ...shared,
          name: 'e2e',
          include: ['tests/e2e/**/*.test.ts'],
          testTimeout: 600_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
