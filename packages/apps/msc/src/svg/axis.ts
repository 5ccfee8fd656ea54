// The time axis: true to scale, but for silences, which are cut out and marked.

/** Silence that was cut out. */
export interface Cut {
  readonly fromMs: number;
  readonly toMs: number;
  /** Where it begins in the picture. */
  readonly y: number;
}

/** A mark at a time. */
export interface Tick {
  readonly ms: number;
  readonly y: number;
}

/** Where times are in a picture: from `top` down. */
export interface Axis {
  readonly top: number;
  readonly bottom: number;
  readonly cuts: readonly Cut[];
  readonly ticks: readonly Tick[];
  /** Of a time on the axis or beyond its ends; a later one is never further up. */
  y(atMs: number): number;
}

/** Height of each of the first instants, and of those after; the least and most of a picture. */
const FIRST_HEIGHT = 24;
const FIRST_INSTANTS = 60;
const INSTANT_HEIGHT = 13;
const HEIGHT_MIN = 220;
const HEIGHT_MAX = 7_000;
/** What is left of a silence that is cut out. */
export const CUT_HEIGHT = 30;
/** A gap so many times as long as nine in ten of the others is a silence. */
const SILENCE = 10;
const TICK_HEIGHT = 46;

interface Piece {
  readonly fromMs: number;
  readonly toMs: number;
  readonly isCut: boolean;
}

/** An axis for these times, within [fromMs, toMs]. */
export function axisOf(
  times: readonly number[],
  fromMs: number,
  toMs: number,
  top: number,
  originMs: number,
): Axis {
  const inside = times.filter((ms) => ms > fromMs && ms < toMs);
  const instants = [...new Set([fromMs, ...inside, toMs])].sort((a, b) => a - b);
  const pieces = piecesOf(instants);
  const shownMs = pieces.reduce(
    (sum, { fromMs: a, toMs: b, isCut }) => sum + (isCut ? 0 : b - a),
    0,
  );
  const firsts = Math.min(FIRST_INSTANTS, instants.length);
  const wanted = firsts * FIRST_HEIGHT + (instants.length - firsts) * INSTANT_HEIGHT;
  const height = Math.min(HEIGHT_MAX, Math.max(HEIGHT_MIN, wanted));
  const scale = shownMs > 0 ? height / shownMs : 1;
  let y = top;
  const placed = pieces.map((piece) => {
    const from = y;
    const span = piece.toMs - piece.fromMs;
    y += piece.isCut ? CUT_HEIGHT : span * scale;
    return { ...piece, y: from, slope: piece.isCut ? CUT_HEIGHT / span : scale };
  });
  const bottom = Math.max(y, top + HEIGHT_MIN / 4);
  const at = (ms: number): number => {
    if (ms < fromMs) return top - (fromMs - ms) * scale;
    if (ms > toMs) return bottom + (ms - toMs) * scale;
    const piece = placed.find((one) => ms <= one.toMs);
    return piece === undefined ? bottom : piece.y + (ms - piece.fromMs) * piece.slope;
  };
  const ticks = placed
    .filter(({ isCut }) => !isCut)
    .flatMap((piece) => ticksOf(piece, originMs, stepOf(TICK_HEIGHT / scale)))
    .map((ms) => ({ ms, y: at(ms) }));
  return { top, bottom, cuts: placed.filter(({ isCut }) => isCut), ticks, y: at };
}

/** Stretches with something in them, and the silences between. */
function piecesOf(instants: readonly number[]): readonly Piece[] {
  const gaps = instants.slice(1).map((ms, i) => ms - (instants[i] ?? ms));
  const ordered = [...gaps].sort((a, b) => a - b);
  const usual = ordered[Math.floor((ordered.length - 1) * 0.9)] ?? 0;
  const pieces: Piece[] = [];
  for (const [i, gap] of gaps.entries()) {
    const [fromMs = 0, toMs = 0] = [instants[i], instants[i + 1]];
    const isCut = gap > SILENCE * usual;
    const last = pieces.at(-1);
    if (!isCut && last !== undefined && !last.isCut) {
      pieces[pieces.length - 1] = { ...last, toMs };
    } else {
      pieces.push({ fromMs, toMs, isCut });
    }
  }
  return pieces;
}

/** 1, 2 or 5 times a power of ten: the least that is at least `leastMs`. */
export function stepOf(leastMs: number): number {
  let power = 0.001;
  while (power * 10 <= leastMs && power < 1e300) power *= 10;
  return [1, 2, 5, 10].map((times) => times * power).find((step) => step >= leastMs) ?? power * 10;
}

/** More than fit into any picture. */
const TICKS_MAX = 1_000;

/** Round times from the origin. */
function ticksOf({ fromMs, toMs }: Piece, originMs: number, stepMs: number): readonly number[] {
  const first = Math.ceil((fromMs - originMs) / stepMs - 1e-6);
  const count = Math.floor((toMs - originMs) / stepMs + 1e-6) - first + 1;
  const length = Math.max(0, Math.min(TICKS_MAX, count));
  return Array.from({ length }, (_, i) => originMs + (first + i) * stepMs);
}
