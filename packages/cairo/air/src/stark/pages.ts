// Public memory as pages.
import type { PublicCell, PublicInput } from '../proof/proof.ts';
import { demand } from '../proof/rejected.ts';

/** A page of public memory behind the first: values at consecutive addresses. */
export interface Page {
  readonly start: number;
  readonly values: readonly bigint[];
}

/** Public memory as Stone hashes it: a list of cells, then continuous pages. */
export interface Pages {
  readonly main: readonly PublicCell[];
  readonly others: readonly Page[];
}

/**
 * Cells stand in the order of their pages 0, 1, 2, …, those of a later page at consecutive
 * addresses. The seed holds each page but not how their cells are mixed, hence the one order.
 * @throws Rejected `pages`
 */
export function readPages({ publicMemory }: PublicInput): Pages {
  const pages: PublicCell[][] = [];
  let last: PublicCell | undefined;
  for (const cell of publicMemory) {
    const begins = cell.page === pages.length;
    demand(begins || cell.page === last?.page, 'pages', 'pages 0, 1, 2, … in order', cell.page);
    if (begins) pages.push([]);
    const address = begins || cell.page === 0 ? cell.address : (last?.address ?? 0) + 1;
    demand(cell.address === address, 'pages', `address ${address}`, cell.address);
    pages.at(-1)?.push(cell);
    last = cell;
  }
  const [main = [], ...others] = pages;
  const page = (cells: readonly PublicCell[]): Page => ({
    start: cells[0]?.address ?? 0,
    values: cells.map(({ value }) => value),
  });
  return { main, others: others.map(page) };
}
