// What stands at the paths that were looked up last.
import type { Node } from './names.ts';

interface Found {
  readonly path: string;
  readonly node: Node | undefined;
}

/** A create looks at two: its own place, and the directory above. */
const PATHS_MAX = 2;

/** An op is judged and applied at one place: it is looked up once. Good until a node comes, goes, or is copied. */
export class RecentPaths {
  readonly #found: Found[] = [];

  find(path: string, lookUp: (path: string) => Node | undefined): Node | undefined {
    for (const found of this.#found) if (found.path === path) return found.node;
    const node = lookUp(path);
    if (this.#found.length === PATHS_MAX) this.#found.shift();
    this.#found.push({ path, node });
    return node;
  }

  forget(): void {
    this.#found.length = 0;
  }
}
