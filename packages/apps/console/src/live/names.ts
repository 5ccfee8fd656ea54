// The tree: directories are listed when somebody opens them, a page at a time.
import type { EventBody } from '@fatty/api';
import { type Signal, signal } from '@preact/signals';
import type { Believed } from '../model/believed.ts';
import { type Listing, type Listings, parentPath } from '../model/tree.ts';
import type { AnswerOf, LinkedCell } from './cell.ts';

/** Children of one page. */
const PAGE_MAX = 100;
/** Changes within this time are one reason to look again, ms. */
const GATHER_MS = 300;

/** What is known of the node that is selected. */
export interface Selected {
  readonly path: string;
  /** Undefined: not asked yet. */
  readonly stat: Believed<AnswerOf<'stat'>> | undefined;
  readonly value: AnswerOf<'value'> | undefined;
  readonly acl: AnswerOf<'acl'> | undefined;
  /** Why there is nothing to show. */
  readonly refused: string | undefined;
}

/** The code of an error of the SDK, or what was thrown. */
export const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error
    ? String(error.code)
    : String(error);

/** Contents longer than this are not fetched, bytes. */
const CONTENT_BYTES_MAX = 64 * 1024;

/** Names of the cell as far as somebody has looked. */
export class Names {
  readonly listings: Signal<Listings> = signal(new Map());
  readonly open: Signal<ReadonlySet<string>> = signal(new Set(['/']));
  readonly selected: Signal<Selected | undefined> = signal(undefined);
  #linked: LinkedCell | undefined;
  readonly #stale = new Set<string>();
  #gathering = false;

  begin(linked: LinkedCell): void {
    this.#linked = linked;
    void this.#list('/');
  }

  openUp(path: string): void {
    this.open.value = new Set([...this.open.value, path]);
    void this.#list(path);
  }

  shut(path: string): void {
    this.open.value = new Set([...this.open.value].filter((one) => one !== path));
  }

  /** The next page of a directory. */
  async more(path: string): Promise<void> {
    const listing = this.listings.value.get(path);
    const after = listing?.children.at(-1)?.name;
    const next = await this.#page(path, after, PAGE_MAX);
    const children = [...(listing?.children ?? []), ...next.children];
    this.#set(path, { ...next, children });
  }

  async select(path: string): Promise<void> {
    if (this.selected.value?.path !== path)
      this.selected.value = {
        path,
        stat: undefined,
        value: undefined,
        acl: undefined,
        refused: undefined,
      };
    const found = await this.#details(path);
    if (this.selected.value?.path === path) this.selected.value = found;
  }

  /** What is open and has changed is looked at again. */
  happened({ kind, path }: EventBody): void {
    if (kind === 'added' || kind === 'removed') this.#stale.add(parentPath(path));
    if (this.selected.value?.path === path) this.#stale.add(path);
    if (this.#gathering || this.#stale.size === 0) return;
    this.#gathering = true;
    setTimeout(() => this.#lookAgain(), GATHER_MS);
  }

  #lookAgain(): void {
    this.#gathering = false;
    const stale = [...this.#stale];
    this.#stale.clear();
    for (const path of stale) {
      if (this.open.value.has(path)) void this.#list(path);
      if (this.selected.value?.path === path) void this.select(path);
    }
  }

  /** As many children as are shown already, at least a page. */
  async #list(path: string): Promise<void> {
    const shown = this.listings.value.get(path)?.children.length ?? 0;
    this.#set(path, await this.#page(path, undefined, Math.max(PAGE_MAX, Math.min(shown, 1_000))));
  }

  async #page(path: string, after: string | undefined, limit: number): Promise<Listing> {
    try {
      const query = { kind: 'list', path, after, limit } as const;
      const found = await this.#linked?.ask(query, 'list');
      const { entries = [], more = false } = found?.value ?? {};
      const children = entries.map(({ name, node }) => ({ name, node }));
      return { children, more, refused: undefined };
    } catch (error) {
      return { children: [], more: false, refused: codeOf(error) };
    }
  }

  #set(path: string, listing: Listing): void {
    this.listings.value = new Map([...this.listings.value, [path, listing]]);
  }

  async #details(path: string): Promise<Selected> {
    const nothing = { path, stat: undefined, value: undefined, acl: undefined, refused: undefined };
    const linked = this.#linked;
    if (linked === undefined) return nothing;
    try {
      const stat = await linked.ask({ kind: 'stat', path }, 'stat');
      const { node, sizeBytes } = stat.value.stat;
      const hasContent = node === 'file' && sizeBytes <= CONTENT_BYTES_MAX;
      const [value, acl] = await Promise.all([
        hasContent ? linked.ask({ kind: 'get', path }, 'value') : undefined,
        linked.ask({ kind: 'acl', path }, 'acl').catch(() => undefined),
      ]);
      return { ...nothing, stat, value: value?.value, acl: acl?.value };
    } catch (error) {
      return { ...nothing, refused: codeOf(error) };
    }
  }
}
