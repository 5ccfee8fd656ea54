// How tests run: unit tests, nets, real processes.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defaultServerConditions, type Plugin } from 'vite';
import { configDefaults, defineConfig, type ViteUserConfig } from 'vitest/config';

const root = fileURLToPath(new URL('..', import.meta.url));
const ssr = { resolve: { conditions: ['@fatty/source', ...defaultServerConditions] } };
const shared = { pool: 'forks' as const, testTimeout: 300_000, hookTimeout: 300_000 };

const units = ['packages/**/test/**/*.test.ts', 'tests/*.test.ts'];

const tests = readdirSync(`${root}packages`, { recursive: true, encoding: 'utf8' })
  .filter((path) => /^[^/]+\/[^/]+\/test\/.*\.test\.ts$/u.test(path))
  .map((path) => `packages/${path}`);

const has = (words: RegExp) => (path: string) => words.test(readFileSync(root + path, 'utf8'));

/** Puts a module of its own in the place of another, which has to come through Vite then. */
const mocked = tests.filter(has(/\bvi\.(?:mock|doMock|resetModules)\(/u));

/** Asks which modules are loaded, or turns the clock: what another file has left behind would live through all of that time. */
const mindsProcess = has(/\bvi\.useFakeTimers\(|\bcreateRequire\(.*\)\.cache\b/u);

/**
 * Files that mind what all of a process has: its modules, its timers, or its hash function (the codec has a
 * portable and a native one, and tests both). They share a worker with no other.
 */
const alone = tests
  .filter((path) => path.startsWith('packages/kernel/codec/') || mindsProcess(path))
  .filter((path) => !mocked.includes(path));

/** Paths of modules that `tsc -b` has built. */
const BUILT = /\/packages\/[^/]+\/[^/]+\/dist\//u;

/** A test that imports a source by its path gets the module that was built of it. */
function builtInPlace(): Plugin {
  return {
    name: 'built-in-place',
    enforce: 'pre',
    resolveId(source, importer) {
      if (importer === undefined || !source.startsWith('.')) return undefined;
      const path = resolve(dirname(importer), source);
      const file = path.replace(/(\/packages\/[^/]+\/[^/]+)\/src\/(.*)\.ts$/u, '$1/dist/$2.js');
      return file !== path && existsSync(file) ? file : undefined;
    },
  };
}

/** What is tested: the sources as they are, or what was built of them, which Node loads without Vite. */
export type Tested = 'sources' | 'built';

function codeOf(tested: Tested): Pick<ViteUserConfig, 'ssr' | 'plugins'> {
  return tested === 'sources' ? { ssr } : { plugins: [builtInPlace()] };
}

/** What one world leaves warm, the next one runs: compiling early is worth it. */
const COMPILE_EARLY = ['--always-sparkplug', '--no-lazy-feedback-allocation'];

/**
 * For workers that share all cores: a compiler and a collector of their own threads take CPU from the others. 20 worlds of the
 * net of locks: 16.1 and 17.1 s of CPU with them, 15.0 and 15.4 without.
 */
const ONE_THREAD = ['--single-threaded', '--min-semi-space-size=64', '--max-semi-space-size=64'];

/**
 * Units and nets share workers, which load a module once for all of their files: one more than the two cores that
 * they are for, since some files wait for processes. Then real processes (e2e) run, two files at a time: a file
 * has four or more, which mostly wait.
 */
export function configOf(tested: Tested): ViteUserConfig {
  const code = codeOf(tested);
  const each = {
    ...shared,
    ...(tested === 'built' && { server: { deps: { external: [BUILT] } } }),
  };
  return {
    root,
    ...code,
    test: {
      maxWorkers: 3,
      projects: [
        {
          root,
          ...code,
          test: {
            ...each,
            name: 'unit',
            include: units,
            exclude: [...configDefaults.exclude, ...alone, ...mocked],
            isolate: false,
          },
        },
        {
          root,
          ...code,
          test: { ...each, name: 'alone', include: alone },
        },
        {
          root,
          ssr,
          test: { ...shared, name: 'mocked', include: mocked },
        },
        {
          root,
          ...code,
          test: {
            ...each,
            name: 'nets',
            execArgv: [...COMPILE_EARLY, ...(tested === 'built' ? ONE_THREAD : [])],
            include: ['tests/nets/**/*.test.ts', 'tests/regressions/**/*.test.ts'],
            testTimeout: 900_000,
            isolate: false,
          },
        },
        {
          root,
          ...code,
          test: {
            ...each,
            name: 'e2e',
            include: ['tests/e2e/**/*.test.ts'],
            testTimeout: 600_000,
            hookTimeout: 600_000,
            maxWorkers: 2,
            sequence: { groupOrder: 1 },
          },
        },
      ],
    },
  };
}

export default defineConfig(configOf('sources'));
