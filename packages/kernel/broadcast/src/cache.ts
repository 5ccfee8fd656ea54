/** Remembers what was checked, so that it is checked once. Forgetting costs time, never safety. */
export interface SeenCache {
  has(key: string): boolean;
  add(key: string): void;
}

/** Holds between `entriesMax` / 2 and `entriesMax` of the keys used last. */
export function seenCache(entriesMax: number): SeenCache {
  let young = new Set<string>();
  let old = new Set<string>();
  const add = (key: string): void => {
    if (young.size * 2 >= entriesMax) {
      old = young;
      young = new Set();
    }
    young.add(key);
  };
  return {
    add,
    has(key) {
      if (young.has(key)) return true;
      if (!old.has(key)) return false;
      add(key);
      return true;
    },
  };
}
