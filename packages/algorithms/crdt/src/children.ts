// The children of a directory, sorted by name.
import { compareBytes } from '@fatty/codec';

/** What a directory keeps its children by. */
export interface Named {
  readonly name: Uint8Array;
}

/** A piece that grows beyond this is split into halves. */
const PIECE_MAX = 256;

/**
 * The children of a directory in byte order of their names, in sorted pieces. Finding a place costs
 * O(log n) comparisons; a change moves at most one piece and the list of pieces; a page costs what
 * it holds. So no operation looks at all children, however many there are.
 */
export class Children<N extends Named> implements Iterable<N> {
  /** None is empty. */
  readonly #pieces: N[][];
  /** Of a fork: the pieces that it has copied, and so may change. Undefined: all are its own. */
  readonly #copied: Set<N[]> | undefined;
  #size: number;

  /** With a base: a fork, which shares the base's pieces and copies what it changes. */
  constructor(base?: Children<N>) {
    this.#pieces = base ? [...base.#pieces] : [];
    this.#copied = base && new Set();
    this.#size = base?.size ?? 0;
  }

  get size(): number {
    return this.#size;
  }

  get first(): N | undefined {
    return this.#pieces[0]?.[0];
  }

  get(name: Uint8Array): N | undefined {
    const piece = this.#pieces[this.#pieceOf(name)];
    const found = piece?.[placeIn(piece, name)];
    return found && compareBytes(found.name, name) === 0 ? found : undefined;
  }

  /** Adds a child, or puts it in the place of the one that has its name. */
  set(child: N): void {
    const at = this.#pieceOf(child.name);
    const piece = this.#change(at);
    const place = placeIn(piece, child.name);
    const found = piece[place];
    const isThere = found !== undefined && compareBytes(found.name, child.name) === 0;
    piece.splice(place, isThere ? 1 : 0, child);
    if (isThere) return;
    this.#size++;
    if (piece.length > PIECE_MAX) this.#insert(at + 1, piece.splice(PIECE_MAX / 2));
  }

  delete(name: Uint8Array): boolean {
    if (this.get(name) === undefined) return false;
    const at = this.#pieceOf(name);
    const piece = this.#change(at);
    piece.splice(placeIn(piece, name), 1);
    this.#size--;
    this.#mend(at, piece);
    return true;
  }

  /** From the first child behind `after` on; undefined: from the first of all. */
  *from(after: Uint8Array | undefined): Generator<N, void, undefined> {
    let at = after === undefined ? 0 : this.#pieceOf(after);
    let place = after === undefined ? 0 : placeBehind(this.#pieces[at] ?? [], after);
    for (; at < this.#pieces.length; at++, place = 0) {
      yield* (this.#pieces[at] as N[]).slice(place);
    }
  }

  [Symbol.iterator](): Generator<N, void, undefined> {
    return this.from(undefined);
  }

  /** The one piece in which this name is, or would be: the last that does not begin behind it. */
  #pieceOf(name: Uint8Array): number {
    let low = 0;
    let high = this.#pieces.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      const first = this.#pieces[middle]?.[0];
      if (first !== undefined && compareBytes(first.name, name) <= 0) low = middle;
      else high = middle;
    }
    return low;
  }

  #change(at: number): N[] {
    const piece = this.#pieces[at];
    if (piece === undefined) return this.#insert(at, []);
    if (this.#copied === undefined || this.#copied.has(piece)) return piece;
    const copy = [...piece];
    this.#copied.add(copy);
    this.#pieces[at] = copy;
    return copy;
  }

  #insert(at: number, piece: N[]): N[] {
    this.#pieces.splice(at, 0, piece);
    this.#copied?.add(piece);
    return piece;
  }

  /** Small neighbours become one, or thousands of pieces could be left with a child each. */
  #mend(at: number, piece: N[]): void {
    const next = this.#pieces[at + 1];
    if (next !== undefined && piece.length + next.length <= PIECE_MAX / 2) {
      piece.push(...next);
      this.#pieces.splice(at + 1, 1);
    } else if (piece.length === 0) {
      this.#pieces.splice(at, 1);
    }
  }
}

/** How many of a sorted piece come before this name. */
function placeIn(piece: readonly Named[], name: Uint8Array): number {
  let low = 0;
  let high = piece.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareBytes((piece[middle] as Named).name, name) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function placeBehind(piece: readonly Named[], name: Uint8Array): number {
  const place = placeIn(piece, name);
  const there = piece[place];
  return there !== undefined && compareBytes(there.name, name) === 0 ? place + 1 : place;
}
