// What an entry of a package reaches, in a bundle and in an install: the prover only where somebody proves.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { read, root, tracked } from './tree.ts';

interface Manifest {
  readonly name: string;
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** Our packages by name. */
const PACKAGES = new Map(
  tracked('packages/*/*/package.json').map((path) => {
    const manifest = JSON.parse(read(path)) as Manifest;
    return [manifest.name, { manifest, folder: dirname(path) }] as const;
  }),
);

/** `@fatty/client` of `@fatty/client/node`, `ws` of `ws/lib/x.js`. */
const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

/** The source behind an entry of ours, by what package.json says of it. */
function sourceOf(entry: string): string {
  const name = packageOf(entry);
  const found = PACKAGES.get(name);
  const target = found?.manifest.exports?.[`.${entry.slice(name.length)}`];
  const built = typeof target === 'object' ? target.default : undefined;
  if (found === undefined || built === undefined) throw new Error(`no such entry: ${entry}`);
  return join(found.folder, built.replace('./dist/', 'src/').replace(/\.js$/, '.ts'));
}

/** `runtime`: what is left when types are erased. `types`: what a compiler reads besides. */
type View = 'runtime' | 'types';

/**
 * What a module imports or exports from, at its top level. `import { type T }` stays at run time, as an
 * import of nothing; `import type` goes.
 */
function staticImports(path: string, view: View): string[] {
  const statements = read(path).matchAll(
    /^(?:import|export)\s+(type\s)?(?:[\w*{][^'";]*?\sfrom\s+)?'([^']+)'/gm,
  );
  return [...statements]
    .filter(([, isType]) => view === 'types' || isType === undefined)
    .map(([, , from = '']) => from);
}

interface Reach {
  readonly files: ReadonlySet<string>;
  /** Names of packages, ours and others, and of modules of Node (`node:fs`). */
  readonly packages: ReadonlySet<string>;
}

/** Everything that loading an entry loads, across our packages. */
const reachOf = (entry: string, view: View): Reach => reachFrom(sourceOf(entry), view);

/** The same of a file. */
function reachFrom(file: string, view: View): Reach {
  const files = new Set<string>();
  const packages = new Set<string>();
  const visit = (path: string): void => {
    if (files.has(path)) return;
    files.add(path);
    for (const from of staticImports(path, view)) {
      if (from.startsWith('.')) {
        visit(join(dirname(path), from));
        continue;
      }
      packages.add(packageOf(from));
      if (PACKAGES.has(packageOf(from))) visit(sourceOf(from));
    }
  };
  visit(file);
  return { files, packages };
}

/** Which of our packages `npm install NAME` brings: no optional peers, nothing for development. */
function installOf(name: string): Set<string> {
  const found = new Set<string>();
  const visit = (one: string): void => {
    if (found.has(one)) return;
    const entry = PACKAGES.get(one);
    if (entry === undefined) return;
    found.add(one);
    for (const next of Object.keys(entry.manifest.dependencies ?? {})) visit(next);
  };
  visit(name);
  return found;
}

const PROVER = '@fatty/cairo';
const VERIFIER = '@fatty/cairo-verify';
const AIR = '@fatty/cairo-air';
const BROWSER = ['@fatty/client', '@fatty/client/core', '@fatty/client/driver', '@fatty/core'];

describe('what an entry reaches', () => {
  it('is found at all: the prover from where workers prove, the verifier from where proofs are judged', () => {
    const worker = reachOf('@fatty/client/worker', 'runtime');
    expect(worker.packages).toContain(PROVER);
    expect(worker.files).toContain('packages/cairo/prove/src/prover/prove.ts');
    expect(reachOf('@fatty/service', 'runtime').packages).toContain(VERIFIER);
    expect(reachOf('@fatty/node', 'runtime').packages).toContain('node:fs');
  });

  it.each(BROWSER)('%s: in a browser nothing of Cairo and nothing of Node', (entry) => {
    const { packages } = reachOf(entry, 'runtime');
    const ofNode = [...packages].filter((name) => /^node:|^ws$/.test(name));
    expect(ofNode).toEqual([]);
    expect([...packages].filter((name) => name.startsWith('@fatty/cairo'))).toEqual([]);
  });

  it.each(BROWSER)('%s: its types name neither verifier nor prover', (entry) => {
    const { packages } = reachOf(entry, 'types');
    expect(packages).not.toContain(PROVER);
    expect(packages).not.toContain(VERIFIER);
  });

  it.each(['runtime', 'types'] as const)(
    '@fatty/client/node (%s): no verifier, and a prover only when a machine is run',
    (view) => {
      const { packages } = reachOf('@fatty/client/node', view);
      expect(packages).not.toContain(PROVER);
      expect(packages).not.toContain(VERIFIER);
    },
  );

  it('the command fatty: no replica, and the simulator only where a net is run', () => {
    const { packages } = reachFrom('packages/apps/cli/src/main.ts', 'runtime');
    expect(packages).toContain('@fatty/client');
    expect(
      [...packages].filter((name) => /^@fatty\/(testnet|replica|storage)$/.test(name)),
    ).toEqual([]);
    const run = reachFrom('packages/apps/cli/src/commands/net-run.ts', 'runtime');
    expect(run.packages).toContain('@fatty/testnet');
  });

  it.each([
    '@fatty/node',
    '@fatty/service',
    '@fatty/testnet',
    '@fatty/cairo-air',
    '@fatty/cairo-verify',
    '@fatty/cairo-verify/worker',
  ])('%s: no prover, not even its types', (entry) => {
    expect(reachOf(entry, 'types').packages).not.toContain(PROVER);
  });

  it('@fatty/cairo-air: no verifier', () => {
    expect(reachOf(AIR, 'types').packages).not.toContain(VERIFIER);
  });
});

describe('what an install holds', () => {
  it('is found by name: no source names a file of another package by a path', () => {
    const paths = tracked('packages/*/*/src/**/*.ts', 'packages/*/*/bin/*').flatMap((file) =>
      [...read(file).matchAll(/new URL\(\s*['`](\.\.?\/[^'`]*)['`]/g)].map(
        ([, path = '']) => [file, join(dirname(file), path)] as const,
      ),
    );
    expect(paths.length).toBeGreaterThan(2);
    const own = (file: string): string => file.split('/').slice(0, 3).join('/');
    expect(paths.filter(([file, path]) => !path.startsWith(`${own(file)}/`))).toEqual([]);
  });

  it.each([
    ['@fatty/node', [AIR, VERIFIER]],
    ['@fatty/client', [AIR]],
    ['@fatty/testnet', [AIR, VERIFIER]],
    ['@fatty/cairo', [AIR, PROVER, VERIFIER]],
    ['@fatty/cli', [AIR, PROVER, VERIFIER]],
  ])('%s: of Cairo %j', (name, ofCairo) => {
    const held = [...installOf(name)].filter((one) => one.startsWith('@fatty/cairo'));
    expect(held.sort()).toEqual([...ofCairo].sort());
  });

  it('has every file that an entry names, once built or shipped', () => {
    const missing = [...PACKAGES.values()].flatMap(({ manifest, folder }) =>
      Object.entries(manifest.exports ?? {}).flatMap(([place, target]) => {
        const files = typeof target === 'string' ? [target.replace(/\*.*$/, '')] : [];
        const source = typeof target === 'string' ? [] : [sourceOf(manifest.name + place.slice(1))];
        const paths = [...files.map((file) => join(folder, file)), ...source];
        return paths.filter((path) => !existsSync(join(root, path)));
      }),
    );
    expect(missing).toEqual([]);
  });
});
