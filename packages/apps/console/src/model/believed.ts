// What is believed, and on whose word.

/** A value that more than f replicas gave alike. */
export interface Believed<T> {
  readonly value: T;
  /** The value is that of the state at this commit or a later one. */
  readonly commit: number;
  /** Committee indices of those that said exactly this. */
  readonly replicas: readonly number[];
}

/**
 * The figure that at least one honest replica has reached, where each of these is one replica's word: the one that
 * f others name at least, too. Undefined: fewer than f + 1 have said anything.
 */
export function vouched(
  figures: readonly (number | undefined)[],
  faultsMax: number,
): number | undefined {
  const said = figures.filter((one) => one !== undefined);
  return said.sort((a, b) => b - a)[faultsMax];
}

/** `replicas 0, 2 and 3 at commit 17` */
export function witnessed({ commit, replicas }: Omit<Believed<unknown>, 'value'>): string {
  return `${listed(replicas.map(String), 'replica')} at commit ${commit}`;
}

/** `replica 1`, `replicas 0 and 2`, `replicas 0, 1 and 2` */
export function listed(names: readonly string[], what: string): string {
  const last = names.at(-1);
  if (last === undefined) return `no ${what}`;
  if (names.length === 1) return `${what} ${last}`;
  return `${what}s ${names.slice(0, -1).join(', ')} and ${last}`;
}
