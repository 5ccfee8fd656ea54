// A watch that begins with what is there.
import { comparePositions, parentPath } from '@fatty/api';
import { fromUtf8 } from '@fatty/codec';
import type { Position } from '@fatty/interface';
import type { Fact, NodeRecord } from '@fatty/verify';
import type { Client } from '../sdk/client.ts';
import { clientError } from '../sdk/error.ts';
import type { WatchEvent, WatchGap } from '../sdk/watch.ts';
import { signalOf, type WaitOptions } from './shared.ts';

/** What is watched, and how much of it. */
export interface SnapshotWatchOptions extends WaitOptions {
  /** All that is below the path, too. Default: the node itself and what stands in it. */
  readonly recursive?: boolean | undefined;
}

/** The state that the events behind it go on from. */
export interface Snapshot {
  readonly kind: 'snapshot';
  /** Of the node watched, and of those below it that the watch is about, by path, parents first; none: nothing is there. */
  readonly nodes: ReadonlyMap<string, NodeRecord>;
  /** Where the events behind it begin: a plain watch from here tells them again, and some that are in it. */
  readonly next: Position;
}

/** What comes behind a snapshot. */
export type SnapshotEvent = Snapshot | Exclude<WatchEvent, WatchGap>;

type Listed = Extract<Fact, { kind: 'list' }>;

/** So often a tree is looked through anew because a directory was made anew meanwhile. */
const TRIES_MAX = 8;
const PAGE_BYTES = 64 * 1024;

/**
 * First what is there, then each event that is not in it: no gap, no double. Each directory is read certified, so it is
 * known which commit it is of, and events of its children up to there are in it. Where events are lost (`compacted`, `lagged`)
 * another snapshot comes. Ends with its signal or the loop.
 * @throws FattyError `bad_answer` (a tree that is made anew again and again), `no_certificate`, `closed`…
 */
export async function* watchWithSnapshot(
  client: Client,
  path: string,
  { recursive = false, signal }: SnapshotWatchOptions = {},
): AsyncGenerator<SnapshotEvent, void, undefined> {
  while (signal?.aborted !== true) {
    const walk = await lookThrough(client, path, recursive, signalOf({ signal }));
    const from = { commit: walk.commit + 1, index: 0 };
    yield { kind: 'snapshot', nodes: walk.nodes, next: from };
    const watch = client.watch(path, { recursive, from, ...signalOf({ signal }) });
    let isWhole = true;
    for await (const event of watch) {
      isWhole = 'position' in event;
      if (!('position' in event)) break;
      if (event.position.commit > walk.coveredUntil(event.path)) yield event;
    }
    if (isWhole) return;
  }
}

async function lookThrough(
  client: Client,
  path: string,
  recursive: boolean,
  options: WaitOptions,
): Promise<Walk> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const walk = new Walk(client, path, options);
    if (await walk.run(recursive)) return walk;
  }
  throw clientError('bad_answer', 'a tree at rest', `${TRIES_MAX} changes`, { path });
}

/** One look through a tree. */
class Walk {
  readonly nodes = new Map<string, NodeRecord>();
  /** That the node watched was read at. */
  commit = 0;
  readonly #client: Client;
  readonly #top: string;
  readonly #options: WaitOptions;
  /** The commit of each directory's children as they are in {@link nodes}. */
  readonly #readAt = new Map<string, number>();

  constructor(client: Client, top: string, options: WaitOptions) {
    this.#client = client;
    this.#top = top;
    this.#options = options;
  }

  /** False: something of it was made anew meanwhile. */
  async run(recursive: boolean): Promise<boolean> {
    const due = [this.#top];
    for (let path = due.shift(); path !== undefined; path = due.shift()) {
      const children = await this.#read(path);
      if (children === undefined) return false;
      for (const [child, node] of children) {
        this.nodes.set(child, node);
        if (recursive && node.children !== undefined) due.push(child);
      }
    }
    return true;
  }

  /** Events of this path up to this commit are in {@link nodes}. */
  coveredUntil(path: string): number {
    if (path === this.#top) return this.commit;
    for (let above = parentPath(path); ; above = parentPath(above)) {
      const commit = this.#readAt.get(above);
      if (commit !== undefined) return commit;
      if (above === this.#top || above === '/') return this.commit;
    }
  }

  /** The children of a directory, all of one state of it; undefined: it is not what it was. */
  async #read(path: string): Promise<readonly (readonly [string, NodeRecord])[] | undefined> {
    const first = await this.#page(path, 0);
    const isTop = path === this.#top;
    if (isTop) {
      this.commit = first.head.commit;
      if (first.node) this.nodes.set(path, first.node);
    } else if (!isSameNode(this.nodes.get(path), first.node)) return undefined;
    this.#readAt.set(path, first.head.commit);
    const children = [...first.children];
    while (children.length < first.total) {
      const more = await this.#page(path, children.length);
      if (!isSameState(first, more) || more.children.length === 0) return undefined;
      children.push(...more.children);
    }
    const above = path === '/' ? '' : path;
    return children.map(({ name, node }) => [`${above}/${fromUtf8(name) ?? ''}`, node]);
  }

  async #page(path: string, from: number): Promise<Listed> {
    const question = { kind: 'list', path, from, bytesMax: PAGE_BYTES } as const;
    const minPosition = { commit: this.commit, index: 0 };
    const { fact } = await this.#client.prove(question, {
      ...signalOf(this.#options),
      minPosition,
    });
    if (fact.kind === 'list') return fact;
    throw clientError('bad_answer', 'a listing', fact.kind, { path });
  }
}

/** Whether it is the node that its directory showed, whatever has changed below it. */
function isSameNode(shown: NodeRecord | undefined, found: NodeRecord | undefined): boolean {
  const [a, b] = [shown?.body.created?.position, found?.body.created?.position];
  return a !== undefined && b !== undefined && comparePositions(a, b) === 0;
}

/** The root of its children covers all that is below. */
function isSameState({ node: a }: Listed, { node: b }: Listed): boolean {
  const [one, two] = [a?.children?.root, b?.children?.root];
  return one !== undefined && two !== undefined && one.every((byte, i) => byte === two[i]);
}
