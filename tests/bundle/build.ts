// A page that imports `connect` alone, as `vite build` makes it.
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

/** One file of the page's code. */
export interface Chunk {
  readonly type: 'asset' | 'chunk';
  readonly fileName: string;
  readonly isEntry?: boolean;
  /** Files that are loaded with it. */
  readonly imports?: readonly string[];
  readonly code?: string;
  readonly modules?: Readonly<Record<string, unknown>>;
}

/** All that is loaded with these. */
function loadedWith(chunks: readonly Chunk[], all: readonly Chunk[]): readonly Chunk[] {
  const names = new Set(chunks.flatMap(({ imports = [] }) => imports));
  const more = all.filter((one) => names.has(one.fileName) && !chunks.includes(one));
  return more.length === 0 ? chunks : loadedWith([...chunks, ...more], all);
}

/**
 * Minified, from the sources of the SDK; it leaves `connectToFatty` in the page. `first` is loaded with the page, its
 * entry before all else; `later` when it is needed.
 */
export async function bundlePage(): Promise<{
  readonly first: readonly Chunk[];
  readonly later: readonly Chunk[];
}> {
  const here = fileURLToPath(new URL('.', import.meta.url));
  const made = await build({
    root: here,
    configFile: false,
    logLevel: 'silent',
    resolve: { conditions: ['@fatty/source', 'module', 'browser', 'import', 'default'] },
    build: {
      write: false,
      target: 'es2022',
      modulePreload: false,
      rollupOptions: { input: `${here}page.mjs` },
    },
  });
  const { output } = made as unknown as { readonly output: readonly Chunk[] };
  const chunks = output.filter(({ type }) => type === 'chunk');
  const first = loadedWith(
    chunks.filter(({ isEntry }) => isEntry),
    chunks,
  );
  return { first, later: chunks.filter((one) => !first.includes(one)) };
}

/** One file of the console's page. */
export interface ConsoleFile {
  readonly name: string;
  readonly bytes: Buffer;
}

interface ConsoleBuild {
  bundle(): Promise<{
    readonly files: readonly ConsoleFile[];
    readonly modules: readonly string[];
  }>;
  buildPage(): Promise<void>;
}

const consoleBuild = async (): Promise<ConsoleBuild> =>
  (await import(
    new URL('../../packages/apps/console/build.mjs', import.meta.url).href
  )) as ConsoleBuild;

/** The web console as it is built, in memory. */
export async function bundleConsole(): ReturnType<ConsoleBuild['bundle']> {
  return (await consoleBuild()).bundle();
}

/** Writes the web console to where replicas find it, unless it is there as its sources are. */
export async function buildConsole(): Promise<void> {
  await (await consoleBuild()).buildPage();
}
