// The tree: directories are listed when somebody opens them, a page at a time.
import type { EventBody } from '@fatty/api';
import { type Signal, signal } from '@preact/signals';
import type { Believed } from '../model/believed.ts';
import { type Listing, type Listings, parentPath } from '../model/tree.ts';
import type { AnswerOf, LinkedCell } from './cell.ts';

/** Children of one page. */
const PAGE_MAX = 100;
/** Children that are listed again at once when one of them comes or goes. */
const CHILDREN_MAX = 1_000;
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
  /** What is shown of these paths is older than these commits. */
  readonly #stale = new Map<string, number>();
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
    const { commit: _, ...next } = await this.#page(path, after, PAGE_MAX);
    const children = [...(listing?.children ?? []), ...next.children];
    this.#set(path, { ...next, children });
  }

  /** Answers the commit of what is shown; undefined: nothing is, or it is refused. */
  async select(path: string): Promise<number | undefined> {
    if (this.selected.value?.path !== path)
      this.selected.value = {
        path,
        stat: undefined,
        value: undefined,
        acl: undefined,
        refused: undefined,
      };
    const found = await this.#details(path);
    if (this.selected.value?.path !== path) return undefined;
    this.selected.value = found;
    return found.stat?.commit;
  }

  /** What is open and has changed is looked at again. */
  happened({ kind, path }: EventBody, commit: number): void {
    if (kind === 'added' || kind === 'removed') this.#outdate(parentPath(path), commit);
    if (this.selected.value?.path === path) this.#outdate(path, commit);
  }

  /** What is shown of a path is older than this commit. */
  #outdate(path: string, commit: number): void {
    this.#stale.set(path, Math.max(commit, this.#stale.get(path) ?? 0));
    if (this.#gathering) return;
    this.#gathering = true;
    setTimeout(() => void this.#lookAgain(), GATHER_MS);
  }

  /** An answer may be of a commit before the one that it was asked for. */
  async #lookAgain(): Promise<void> {
    const stale = [...this.#stale];
    this.#stale.clear();
    this.#gathering = false;
    const looks = stale.map(async ([path, commit]) => {
      const listed = this.open.value.has(path) ? await this.#list(path) : undefined;
      const shown = this.selected.value?.path === path ? await this.select(path) : undefined;
      if (Math.min(listed ?? commit, shown ?? commit) < commit) this.#outdate(path, commit);
    });
    await Promise.all(looks);
  }

  /** As many children as are shown already, at least a page; answers as `select` does. */
  async #list(path: string): Promise<number | undefined> {
    const known = this.listings.value.get(path);
    const limit = Math.max(PAGE_MAX, Math.min(known?.children.length ?? 0, CHILDREN_MAX));
    const { commit, ...listing } = await this.#page(path, undefined, limit);
    // What is known stays on the page while nobody answers.
    if (known !== undefined && listing.refused === 'timeout') return 0;
    this.#set(path, listing);
    return commit;
  }

  async #page(
    path: string,
    after: string | undefined,
    limit: number,
  ): Promise<Listing & { readonly commit: number | undefined }> {
    try {
      const query = { kind: 'list', path, after, limit } as const;
      const found = await this.#linked?.ask(query, 'list');
      const { entries = [], more = false } = found?.value ?? {};
      const children = entries.map(({ name, node }) => ({ name, node }));
      return { children, more, refused: undefined, commit: found?.commit };
    } catch (error) {
      return { children: [], more: false, refused: codeOf(error), commit: undefined };
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
