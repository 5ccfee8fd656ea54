// The house holds itself to its rules: floors, purity, lengths, links.
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { read, root, tracked } from './tidy/tree.ts';
import './tidy/circles.ts';
import './tidy/docs.ts';
import './tidy/entries.ts';
import './tidy/questions.ts';
import './tidy/references.ts';

/**
 * Rooms and the folders of their packages, from the inside of the onion out; an import never points to
 * a higher floor.
 */
const HOUSE: Record<string, Record<string, number>> = {
  kernel: {
    interface: 0,
    codec: 0,
    trie: 0,
    protocol: 1,
    sessions: 2,
    broadcast: 2,
    order: 3,
    replica: 4,
  },
  algorithms: { crdt: 1, bank: 1 },
  lock: { api: 2, verify: 2, service: 2, core: 2, client: 7 },
  cairo: { air: 1, verify: 1, prove: 5 },
  edge: { storage: 5, network: 5, host: 6 },
  sim: { judge: 0, testnet: 7, textbook: 8, chaos: 9 },
  apps: { msc: 5, node: 7, console: 7, cli: 8 },
};

/** `codec` for `@fatty/codec`: mostly the folder's name, but `cairo/air` is `@fatty/cairo-air`. */
const nameOf = (folder: string): string =>
  (JSON.parse(read(`${folder}/package.json`)) as { name: string }).name.replace('@fatty/', '');

const PACKAGES = Object.entries(HOUSE).flatMap(([room, floors]) =>
  Object.entries(floors).map(([place, floor]) => {
    const folder = `packages/${room}/${place}`;
    return { name: nameOf(folder), folder, floor };
  }),
);
const FLOORS = Object.fromEntries(PACKAGES.map(({ name, floor }) => [name, floor]));

/** Where a package stands. */
const FOLDERS = Object.fromEntries(PACKAGES.map(({ name, folder }) => [name, folder]));

/** Packages at the edge may touch the world; everything else is sans-IO. */
const EDGE = new Set(['storage', 'network', 'node', 'client', 'console', 'cli', 'chaos']);

/** Adapters inside pure packages that are not part of a state transition. */
const ADAPTERS = new Set([
  'packages/kernel/codec/src/node.ts',
  'packages/kernel/codec/src/golden.ts',
  'packages/cairo/prove/src/prover-helper.ts',
  'packages/cairo/prove/src/prover-worker.ts',
  'packages/cairo/verify/src/worker.ts',
]);

const TOP_LEVEL = [
  'LICENSE',
  'README.md',
  'msc',
  'package-lock.json',
  'package.json',
  'packages',
  'tests',
  'tools',
  'tsconfig.json',
];

const packageOf = (path: string): string =>
  Object.keys(FOLDERS).find((name) => path.startsWith(`${FOLDERS[name]}/`)) ?? '';
const inPackages = tracked('packages/**/*.ts', 'packages/**/*.tsx', 'packages/**/*.mjs');
const sources = inPackages.filter((path) => /\/src\/.*\.tsx?$/.test(path));
const tests = inPackages.filter((path) => /\/test\//.test(path));

function importsOf(path: string): string[] {
  const found = read(path).matchAll(/(?:from|import)\s*\(?\s*'(@fatty\/[^']+)'/g);
  return [...found].map((match) => (match[1] ?? '').split('/')[1] ?? '');
}

/** The source of an entry, such as `@fatty/client/node`; undefined when no package has it. */
function entryOf(specifier: string): string | undefined {
  const [, name = '', ...rest] = specifier.split('/');
  const manifest = JSON.parse(read(`${FOLDERS[name]}/package.json`)) as {
    exports: Record<string, { '@fatty/source': string } | undefined>;
  };
  const entry = manifest.exports[['.', ...rest].join('/')];
  return entry && join(FOLDERS[name] ?? '', entry['@fatty/source']);
}

/** Names that a module exports, through `export … from` as well. */
function exportsOf(path: string): Set<string> {
  const text = read(path);
  const names = new Set<string>();
  for (const [, list] of text.matchAll(/export (?:type )?\{([^}]*)\}/g)) {
    for (const one of (list ?? '').split(',')) {
      const name =
        one
          .trim()
          .replace(/^type /, '')
          .split(' as ')
          .at(-1) ?? '';
      if (name !== '') names.add(name);
    }
  }
  for (const [, name] of text.matchAll(
    /export (?:async |abstract )*(?:const|function|class|interface|type|let) (\w+)/g,
  )) {
    names.add(name as string);
  }
  for (const [, from = ''] of text.matchAll(/export \* from '([^']+)'/g)) {
    const file = from.startsWith('.') ? join(dirname(path), from) : entryOf(from);
    if (file !== undefined) for (const name of exportsOf(file)) names.add(name);
  }
  return names;
}

/** Other packages whose files this one names by a path: their helpers, which a test may use. */
function reachedFrom(path: string): string[] {
  const found = read(path).matchAll(/(?:from|import)\s*\(?\s*'(\.\.[^']+)'/g);
  return [...found]
    .map((match) => packageOf(join(dirname(path), match[1] ?? '')))
    .filter((name) => name !== packageOf(path));
}

const HOUSE_PAGE = 'packages/README.md';
const HOUSE_PAGES =
  /^packages\/(README|HOWTO|CHANGELOG|decisions\/[a-z-]+|decisions\/README|guide\/[A-Z]+)\.md$/;
const TABLE = /(<!-- imports: begin -->\n)[\s\S]*?(<!-- imports: end -->)/;

/** What each package imports; in brackets what its tests need besides. */
function importTable(): string {
  const order = Object.keys(FOLDERS);
  const named = (files: readonly string[], except: ReadonlySet<string>): string[] => {
    const all = new Set(files.flatMap((path) => [...importsOf(path), ...reachedFrom(path)]));
    return order.filter((name) => all.has(name) && !except.has(name));
  };
  const rows = [...order]
    .sort((a, b) => (FLOORS[a] ?? 0) - (FLOORS[b] ?? 0))
    .map((name) => {
      const own = (files: readonly string[]): string[] =>
        files.filter((path) => packageOf(path) === name);
      const source = named(own(sources), new Set([name]));
      const more = named(own(tests), new Set([name, ...source]));
      const imports = [...source, ...(more.length > 0 ? [`(${more.join(', ')})`] : [])];
      const link = `[${name}](${FOLDERS[name]?.replace('packages/', '')})`;
      return `| ${FLOORS[name]} | ${link} | ${imports.join(', ') || 'nothing'} |`;
    });
  return ['| floor | package | imports (its tests, besides) |', '|---|---|---|', ...rows, ''].join(
    '\n',
  );
}

describe('the house', () => {
  it('has exactly the rooms it should have', () => {
    const top = new Set(tracked().map((path) => path.split('/')[0] as string));
    expect([...top].filter((name) => !name.startsWith('.')).sort()).toEqual(TOP_LEVEL);
    const packages = tracked('packages/**/package.json').map((path) => dirname(path));
    expect(packages.sort()).toEqual(Object.values(FOLDERS).sort());
    const loose = tracked('packages/**').filter((path) => packageOf(path) === '');
    expect(loose.filter((path) => !HOUSE_PAGES.test(path))).toEqual([]);
  });

  it('has a README in every package', () => {
    const missing = Object.values(FOLDERS).filter(
      (folder) => !existsSync(join(root, folder, 'README.md')),
    );
    expect(missing).toEqual([]);
  });

  it('never imports from a higher floor, neither in sources nor in tests', () => {
    const up = [...sources, ...tests].flatMap((path) =>
      [...importsOf(path), ...reachedFrom(path)]
        .filter((target) => (FLOORS[target] ?? 99) > (FLOORS[packageOf(path)] ?? -1))
        .map((target) => `${path} -> ${target}`),
    );
    expect(up).toEqual([]);
  });

  it('is an onion: the kernel knows no other room, an algorithm the contract, bytes and tries alone', () => {
    const allowed: Record<string, readonly string[]> = {
      kernel: Object.keys(HOUSE.kernel ?? {}),
      algorithms: [...Object.keys(HOUSE.algorithms ?? {}), 'interface', 'codec', 'trie'],
    };
    const out = [...sources, ...tests].flatMap((path) => {
      const room = Object.keys(allowed).find((name) => path.startsWith(`packages/${name}/`)) ?? '';
      return [...importsOf(path), ...reachedFrom(path)]
        .filter((target) => !(allowed[room] ?? [target]).includes(target))
        .map((target) => `${path} -> ${target}`);
    });
    expect(out).toEqual([]);
  });

  it('reaches into another package from tests only', () => {
    const reaching = sources.filter((path) => reachedFrom(path).length > 0);
    expect(reaching).toEqual([]);
  });

  it('is reached by the nets as others reach it: by names that packages export', () => {
    const paths = tracked('tests/nets/**/*.ts').filter((path) =>
      /(?:from|import)\s*\(?\s*'\.[^']*\/src\//.test(read(path)),
    );
    expect(paths).toEqual([]);
  });

  it('is drawn in packages/README.md as it is (GOLDEN=write draws it)', () => {
    const page = read(HOUSE_PAGE);
    const drawn = page.replace(
      TABLE,
      (_, begin: string, end: string) => begin + importTable() + end,
    );
    if (process.env.GOLDEN === 'write') writeFileSync(join(root, HOUSE_PAGE), drawn);
    else expect(page).toBe(drawn);
  });

  it('has no circle of packages', () => {
    const edges = new Map<string, Set<string>>();
    for (const path of sources) {
      const from = packageOf(path);
      const targets = edges.get(from) ?? new Set();
      for (const target of importsOf(path)) if (target !== from) targets.add(target);
      edges.set(from, targets);
    }
    const reaches = (from: string, goal: string, seen: Set<string>): boolean =>
      [...(edges.get(from) ?? [])].some(
        (next) => next === goal || (!seen.has(next) && reaches(next, goal, seen.add(next))),
      );
    expect(Object.keys(FLOORS).filter((name) => reaches(name, name, new Set()))).toEqual([]);
  });

  it('names every import in the package that imports it', () => {
    const missing = sources.flatMap((path) => {
      const manifest = JSON.parse(read(`${FOLDERS[packageOf(path)]}/package.json`)) as {
        dependencies?: Record<string, string>;
        peerDependencies?: Record<string, string>;
      };
      const named = { ...manifest.dependencies, ...manifest.peerDependencies };
      return importsOf(path)
        .filter((target) => target !== packageOf(path) && !named[`@fatty/${target}`])
        .map((target) => `${path} -> ${target}`);
    });
    expect(missing).toEqual([]);
  });
});

describe('the pure core', () => {
  const pure = sources.filter((path) => !EDGE.has(packageOf(path)) && !ADAPTERS.has(path));

  it('has no clock, timer, randomness or IO', () => {
    const world = new RegExp(
      [
        /\bDate\b|Math\.random|performance\.|randomBytes|getRandomValues/,
        /setTimeout|setInterval|setImmediate|\bawait\b|\basync\b/,
        /from 'node:|\bconsole\.|\bprocess\.(?:env|exit|argv|std|hr|next)|(?<![#.\w])fetch\(/,
      ]
        .map(({ source }) => source)
        .join('|'),
    );
    const dirty = pure.flatMap((path) =>
      read(path)
        .split('\n')
        .map((line, i) => [line, `${path}:${i + 1}`] as const)
        .filter(([line]) => !/^\s*(\*|\/\/|\/\*)/.test(line) && world.test(line))
        .map(([, where]) => where),
    );
    expect(dirty).toEqual([]);
  });

  it('says any nowhere and silences nothing', () => {
    const weak =
      /@ts-(ignore|nocheck|expect-error)|\bas any\b|:\s*any(?=\s*[,;)=>|\]])|\.(only|skip|todo)\(|\bTODO\b|\bFIXME\b/;
    const files = tracked(
      'packages/**/*.ts',
      'packages/**/*.tsx',
      'tests/**/*.ts',
      'tools/**/*.mjs',
    ).filter((path) => path !== 'tests/tidy.test.ts');
    expect(files.filter((path) => weak.test(read(path)))).toEqual([]);
  });
});

describe('what is broken on purpose', () => {
  it('is there to be broken, exactly once, and told of in tests/MUTANTS.md', async () => {
    const list = new URL('../tools/mutants-list.mjs', import.meta.url).href;
    const { MUTANTS: mutants } = (await import(list)) as {
      readonly MUTANTS: readonly Record<'name' | 'file' | 'find' | 'test', string>[];
    };
    expect(mutants.length).toBeGreaterThanOrEqual(60);
    const maker = new URL('../tools/mutants-table.mjs', import.meta.url).href;
    const { tableOf } = (await import(maker)) as { tableOf(some: typeof mutants): string };
    expect(read('tests/MUTANTS.md')).toBe(tableOf(mutants));
    const wrong = mutants.filter(({ file, find, test }) => {
      const once = existsSync(join(root, file)) && read(file).split(find).length === 2;
      return !once || !existsSync(join(root, test));
    });
    expect(wrong.map(({ name }) => name)).toEqual([]);
    expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
  });
});

describe('the text', () => {
  it('keeps files short enough to read', () => {
    const long = tracked('packages/**/*.ts', 'tools/**/*.mjs', 'tests/**/*.ts').filter(
      (path) => read(path).split('\n').length > 401,
    );
    expect(long).toEqual([]);
  });

  it('links only to what is there', () => {
    const broken = tracked('*.md', '**/*.md').flatMap((path) =>
      [...read(path).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
        .map((match) => match[1] as string)
        .filter((link) => !/^[a-z]+:/.test(link) && !existsSync(join(root, dirname(path), link)))
        .map((link) => `${path} -> ${link}`),
    );
    expect(broken).toEqual([]);
  });

  it('shows only imports that resolve', () => {
    const shown = tracked('README.md', 'packages/**/README.md').flatMap((path) =>
      [...read(path).matchAll(/import (?:type )?\{([^}]*)\} from '(@fatty\/[^']+)'/g)].map(
        ([, names, from]) => ({ path, names: names ?? '', from: from ?? '' }),
      ),
    );
    expect(shown.length).toBeGreaterThan(5);
    const wrong = shown.flatMap(({ path, names, from }) => {
      const entry = entryOf(from);
      if (entry === undefined) return [`${path}: ${from}`];
      const known = exportsOf(entry);
      return names
        .split(',')
        .map(
          (one) =>
            one
              .trim()
              .replace(/^type /, '')
              .split(' as ')[0] ?? '',
        )
        .filter((one) => one !== '' && !known.has(one))
        .map((one) => `${path}: ${one} from ${from}`);
    });
    expect(wrong).toEqual([]);
  });

  it('keeps the top level and machine paths to itself', () => {
    const leaks = new RegExp(
      ['/wo' + 'rk/', 'registry\\.npm' + 'js', 'deb\\.deb' + 'ian', '\\.\\./sha' + 'red'].join('|'),
    );
    const files = tracked().filter(
      (path) => !/(package-lock\.json|\.svg|\.bin|fixtures\/.*\.json|^\.ci\/run)$/.test(path),
    );
    expect(files.filter((path) => leaks.test(read(path)))).toEqual([]);
  });
});
