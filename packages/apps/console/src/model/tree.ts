// The tree of names: which rows are seen, and where keys lead.

/** What a node is. */
export type NodeKind = 'directory' | 'file' | 'machine' | 'job';

/** A child of a directory. */
export interface Child {
  readonly name: string;
  readonly node: NodeKind;
}

/** What is known of a directory. */
export interface Listing {
  readonly children: readonly Child[];
  /** There are more than these. */
  readonly more: boolean;
  /** Why there is nothing to show; undefined: there is. */
  readonly refused: string | undefined;
}

/** Directories that have been listed, by path. */
export type Listings = ReadonlyMap<string, Listing>;

/** One row of the tree. */
export interface TreeRow {
  readonly path: string;
  readonly name: string;
  readonly node: NodeKind;
  /** 1 for the root. */
  readonly level: number;
  /** Undefined: it has no children to show. */
  readonly expanded: boolean | undefined;
  /** Counts from 1, among its siblings that are listed. */
  readonly place: number;
  readonly siblings: number;
  /** Of an open directory: there are children beyond those listed. */
  readonly more: boolean;
  readonly refused: string | undefined;
}

/** The path of a child. */
export const childPath = (parent: string, name: string): string =>
  parent === '/' ? `/${name}` : `${parent}/${name}`;

/** The directory that a path stands in; that of the root is itself. */
export const parentPath = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/';

/** The rows that are seen, from the root down. */
export function treeRows(listings: Listings, open: ReadonlySet<string>): readonly TreeRow[] {
  const rows: TreeRow[] = [];
  const visit = (
    path: string,
    child: Child,
    level: number,
    place: number,
    siblings: number,
  ): void => {
    const isDirectory = child.node === 'directory';
    const isOpen = isDirectory && open.has(path);
    const listing = isOpen ? listings.get(path) : undefined;
    rows.push({
      path,
      ...child,
      level,
      place,
      siblings,
      expanded: isDirectory ? isOpen : undefined,
      more: listing?.more ?? false,
      refused: listing?.refused,
    });
    const children = listing?.children ?? [];
    for (const [i, next] of children.entries())
      visit(childPath(path, next.name), next, level + 1, i + 1, children.length);
  };
  visit('/', { name: '/', node: 'directory' }, 1, 1, 1);
  return rows;
}

/** What a key does in the tree. */
export type TreeMove =
  | { readonly kind: 'focus'; readonly path: string }
  | { readonly kind: 'open' | 'close'; readonly path: string };

/** Keys of the tree pattern of ARIA; undefined: the key means nothing there. */
export function moveBy(key: string, rows: readonly TreeRow[], focus: string): TreeMove | undefined {
  const at = rows.findIndex(({ path }) => path === focus);
  const row = rows[at];
  if (row === undefined) return undefined;
  const to = (index: number): TreeMove | undefined => {
    const path = rows[index]?.path;
    return path === undefined ? undefined : { kind: 'focus', path };
  };
  switch (key) {
    case 'ArrowDown':
      return to(at + 1);
    case 'ArrowUp':
      return to(at - 1);
    case 'Home':
      return to(0);
    case 'End':
      return to(rows.length - 1);
    case 'ArrowRight': {
      if (row.expanded === undefined) return undefined;
      if (!row.expanded) return { kind: 'open', path: row.path };
      return (rows[at + 1]?.level ?? 0) > row.level ? to(at + 1) : undefined;
    }
    case 'ArrowLeft':
      if (row.expanded) return { kind: 'close', path: row.path };
      return row.path === '/' ? undefined : { kind: 'focus', path: parentPath(row.path) };
    default:
      return undefined;
  }
}
