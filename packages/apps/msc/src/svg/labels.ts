// Words beside marks, as far as they find room.
import type { Frame } from './frame.ts';
import type { Point } from './shapes.ts';

/** Words that want to stand near a point. */
export interface Wish {
  readonly at: Point;
  readonly text: string;
  readonly colour: string;
  /** The smallest is placed first. */
  readonly rank: number;
  /** Is part of what is lit. */
  readonly isOn: boolean;
}

/** Words that have found a place. */
export interface Label extends Wish {
  readonly x: number;
  readonly y: number;
  readonly isEnd: boolean;
}

/** A letter is about so wide and high at the size of labels. */
const LETTER = 5.6;
const LINE = 12;
const BESIDE = 8;
/** Longest label in letters. */
export const LETTERS_MAX = 38;

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
}

/** How far above and below its point a label may stand, the best first. */
const OFFSETS: readonly number[] = [-4, 11, -16, 23, -28, 35];

/** Cut to its first letters. */
export function cut(text: string, letters: number): string {
  const points = Array.from(text);
  return points.length <= letters ? text : `${points.slice(0, letters - 1).join('')}…`;
}

function boxOf({ x, y, text, isEnd }: Label): Box {
  const width = Array.from(text).length * LETTER;
  const left = isEnd ? x - width : x;
  return { left, right: left + width, top: y - LINE + 3 };
}

/** All boxes by the lines of a grid that they touch: few are compared. */
class Placed {
  readonly #rows = new Map<number, Box[]>();

  #rowsOf({ top }: Box): readonly number[] {
    const row = Math.floor(top / LINE);
    return [row, row + 1];
  }

  hasRoomFor(box: Box): boolean {
    const near = this.#rowsOf(box).flatMap((row) => this.#rows.get(row) ?? []);
    return near.every((one) => {
      const apart = Math.abs(one.top - box.top) >= LINE;
      return apart || one.right + 3 < box.left || box.right + 3 < one.left;
    });
  }

  add(box: Box): void {
    for (const row of this.#rowsOf(box)) {
      this.#rows.set(row, [...(this.#rows.get(row) ?? []), box]);
    }
  }
}

/** Places what finds room; no two labels overlap. What finds none is still told on hovering. */
export function placeLabels(wishes: readonly Wish[], frame: Frame): readonly Label[] {
  const placed = new Placed();
  const ordered = wishes
    .map((wish, i) => ({ wish, i }))
    .sort((a, b) => a.wish.rank - b.wish.rank || a.i - b.i);
  return ordered.flatMap(({ wish }) => {
    for (const label of candidates(wish)) {
      const box = boxOf(label);
      if (!isInside(box, frame) || !placed.hasRoomFor(box)) continue;
      placed.add(box);
      return [label];
    }
    return [];
  });
}

function candidates(wish: Wish): readonly Label[] {
  const [x, y] = wish.at;
  return OFFSETS.flatMap((offset) => [
    { ...wish, x: x + BESIDE, y: y + offset, isEnd: false },
    { ...wish, x: x - BESIDE, y: y + offset, isEnd: true },
  ]);
}

function isInside({ left, right, top }: Box, { axis, width }: Frame): boolean {
  return left >= 4 && right <= width - 4 && top >= axis.top - 18 && top <= axis.bottom + 8;
}
