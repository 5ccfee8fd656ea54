// The layouts that there are, by name.
import { Rejected } from '../proof/rejected.ts';
import type { Layout } from './expression.ts';
import { PLAIN } from './plain.ts';
import { RECURSIVE } from './recursive.ts';
import { RECURSIVE_WITH_POSEIDON } from './recursive-with-poseidon.ts';
import { SMALL } from './small.ts';
import { STARKNET } from './starknet.ts';

/** Every layout that can be checked, by name. Which of them count is a policy's choice. */
export const LAYOUTS: ReadonlyMap<string, Layout> = new Map(
  [PLAIN, SMALL, RECURSIVE, RECURSIVE_WITH_POSEIDON, STARKNET].map((layout) => [
    layout.name,
    layout,
  ]),
);

/** @throws Rejected `unsupported_layout` */
export function layoutNamed(name: string): Layout {
  const layout = LAYOUTS.get(name);
  if (layout !== undefined) return layout;
  throw new Rejected('unsupported_layout', [...LAYOUTS.keys()].join(' '), name.slice(0, 64));
}
