// Watches that begin with what is there: no gap, no double, whoever writes meanwhile.
import { parentPath } from '@fatty/api';
import { utf8 } from '@fatty/codec';
import type { Position } from '@fatty/interface';
import type { NodeRecord } from '@fatty/verify';
import { expect, it } from 'vitest';
import { type Client, isFattyError } from '../src/index.ts';
import { type SnapshotEvent, watchWithSnapshot } from '../src/recipes/index.ts';
import { RecipeWorld } from './recipes-world.ts';

const shown = (at: Position | undefined): string => (at ? `${at.commit}.${at.index}` : 'none');

/** Paths with the generation of their content, as a reader of the watch has them. */
class Fold {
  readonly seen = new Map<string, string>();
  readonly kinds = new Map<string, number>();
  readonly faults: string[] = [];

  take(event: SnapshotEvent): void {
    this.kinds.set(event.kind, (this.kinds.get(event.kind) ?? 0) + 1);
    if (event.kind === 'snapshot') {
      this.seen.clear();
      for (const [path, { body }] of event.nodes) {
        this.seen.set(path, shown(body.contentGen ?? body.created?.position));
      }
      return;
    }
    const { path, position } = event;
    const before = this.seen.get(path);
    const at = shown(position);
    if (event.kind === 'added') {
      if (before !== undefined) this.faults.push(`${at}: ${path} is there already`);
      const above = parentPath(path);
      if (path !== '/t' && !this.seen.has(above)) this.faults.push(`${at}: nothing above ${path}`);
      this.seen.set(path, shown(event.instance));
    }
    if (event.kind === 'modified') {
      const generation = shown(event.generation);
      if (before === undefined) this.faults.push(`${at}: ${path} is not there`);
      const [commit = 0] = (before ?? '').split('.').map(Number);
      if (commit > position.commit) this.faults.push(`${at}: ${path} is newer: ${before}`);
      if (before === generation) this.faults.push(`${at}: ${path} twice`);
      this.seen.set(path, generation);
    }
    if (event.kind === 'removed' && !this.seen.delete(path)) this.faults.push(`${at}: no ${path}`);
  }
}

const quiet = (work: Promise<unknown>): Promise<void> =>
  work.then(
    () => undefined,
    (error: unknown) => {
      if (!isFattyError(error)) throw error;
    },
  );

/** Some op somewhere in the tree; what is refused is refused. */
function act(client: Client, draw: (below: number) => number): Promise<void> {
  const dir = ['/t', '/t/a', '/t/b', '/t/a/c'][draw(4)] ?? '/t';
  const path = draw(3) === 0 ? dir : `${dir}/f${draw(4)}`;
  const kind = draw(8);
  if (kind < 2) return quiet(client.create(path, { node: path === dir ? 'directory' : 'file' }));
  if (kind < 6) return quiet(client.put(`${dir}/f${draw(4)}`, String(draw(1_000))));
  if (kind === 6) return quiet(client.remove(`${dir}/f${draw(4)}`));
  return path === '/t' ? Promise.resolve() : quiet(client.remove(path, { recursive: true }));
}

it.each([1, 2])(
  'folds to what is there, from seed %i',
  async (seed) => {
    const world = await RecipeWorld.start({ seed });
    const [reader, ...writers] = [await world.client(), await world.client(), await world.client()];
    let state = seed;
    const draw = (below: number): number => {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
      return Math.floor(state / 65_536) % below;
    };
    await world.run(reader.create('/t', { node: 'directory' }));
    for (let i = 0; i < 20; i++) await world.run(act(reader, draw));
    const stop = new AbortController();
    const folds = [true, false].map((recursive) => {
      const fold = new Fold();
      const options = { recursive, signal: stop.signal };
      const reading = (async () => {
        for await (const event of watchWithSnapshot(reader, '/t', options)) fold.take(event);
      })();
      return { fold, reading, recursive };
    });
    const writing = writers.map(async (writer) => {
      for (let i = 0; i < 40; i++) await act(writer, draw);
    });
    await world.run(Promise.all(writing));
    await world.pass(3_000);
    for (const { fold, recursive } of folds) {
      const truth = new Map<string, string>();
      const walk = async (path: string): Promise<void> => {
        const stat = await reader.stat(path);
        truth.set(path, shown(stat.contentGen ?? stat.instance));
        if (stat.node !== 'directory' || (!recursive && path !== '/t')) return;
        for (const { name } of await reader.ls(path)) await walk(`${path}/${name}`);
      };
      await world.run(walk('/t'));
      expect(fold.faults).toEqual([]);
      expect([...fold.seen.keys()].sort()).toEqual([...truth.keys()].sort());
      expect(Object.fromEntries(fold.seen)).toEqual(Object.fromEntries(truth));
      expect(fold.kinds.get('snapshot')).toBe(1);
      const events = [...fold.kinds.values()].reduce((sum, one) => sum + one, 0);
      expect(events).toBeGreaterThan(recursive ? 20 : 4);
    }
    stop.abort();
    await world.run(Promise.all(folds.map(({ reading }) => reading)));
  },
  120_000,
);

// Directories that are read at different commits, event by event.

const NOWHERE = new Uint8Array(32);

/** A directory, or a file, made at this commit. */
function node(commit: number, isDirectory: boolean): NodeRecord {
  const children = isDirectory ? { root: NOWHERE, count: 1 } : undefined;
  return { body: { created: { position: { commit, index: 0 } } }, children } as never;
}

/** Answers listings in turn, and one watch. */
function scripted(
  listings: readonly (readonly [path: string, commit: number, madeAt: number, child: string])[],
  events: readonly (readonly [path: string, commit: number])[],
): { client: Client; asked: string[]; from: unknown[] } {
  const [due, asked, from] = [[...listings], [] as string[], [] as unknown[]];
  const prove = ({ path }: { readonly path: string }): Promise<unknown> => {
    asked.push(path);
    const [, commit = 0, madeAt = 0, child = ''] = due.shift() ?? [];
    const children = [{ name: utf8(child), node: node(5, child === 'dir') }];
    const fact = { kind: 'list', head: { commit }, node: node(madeAt, true), from: 0, total: 1 };
    return Promise.resolve({ fact: { ...fact, children } });
  };
  const told = events.map(([path, commit]) => {
    const position = { commit, index: 0 };
    return { kind: 'modified', path, generation: position, position, next: position };
  });
  const watch = (_: string, options: { readonly from: unknown }): AsyncIterable<unknown> => {
    from.push(options.from);
    return (async function* () {
      yield* told;
    })();
  };
  return { client: { prove, watch } as never, asked, from };
}

it('leaves out what each directory shows by its own commit, and nothing else', async () => {
  const { client, asked, from } = scripted(
    [
      ['/t', 10, 1, 'dir'],
      ['/t/dir', 20, 5, 'f'],
    ],
    [
      ['/t/g', 12],
      ['/t/dir/f', 15],
      ['/t/dir', 18],
      ['/t/dir/f', 20],
      ['/t/dir/f', 21],
      ['/t/g/new', 13],
    ],
  );
  const told: string[] = [];
  for await (const event of watchWithSnapshot(client, '/t', { recursive: true })) {
    if (event.kind === 'snapshot') told.push([...event.nodes.keys()].join(' '));
    else told.push(`${event.path} ${event.position.commit}`);
  }
  expect(asked).toEqual(['/t', '/t/dir']);
  expect(from).toEqual([{ commit: 11, index: 0 }]);
  expect(told).toEqual([
    '/t /t/dir /t/dir/f',
    '/t/g 12',
    '/t/dir 18',
    '/t/dir/f 21',
    '/t/g/new 13',
  ]);
});

it('looks again where a directory was made anew between two reads', async () => {
  const { client, asked } = scripted(
    [
      ['/t', 10, 1, 'dir'],
      ['/t/dir', 20, 19, 'f'],
      ['/t', 30, 1, 'dir'],
      ['/t/dir', 31, 5, 'f'],
    ],
    [],
  );
  const { value } = await watchWithSnapshot(client, '/t', { recursive: true }).next();
  expect(asked).toEqual(['/t', '/t/dir', '/t', '/t/dir']);
  expect(value).toMatchObject({ kind: 'snapshot', next: { commit: 31, index: 0 } });
});
