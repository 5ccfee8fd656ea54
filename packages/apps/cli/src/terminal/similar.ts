// Which known word somebody may have meant.

/** So many slips of a finger are taken for one: letters wrong, missing, too many, or in the wrong order. */
const SLIPS_MAX = 2;

/**
 * Slips between two words: optimal string alignment, by hand for it is ten lines. Words are short: names of
 * commands and options.
 */
function slips(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const at = (i: number, j: number): number => rows[i]?.[j] ?? 0;
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      const best = Math.min(
        at(i - 1, j) + 1,
        at(i, j - 1) + 1,
        at(i - 1, j - 1) + (isSame ? 0 : 1),
      );
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(isSwap ? Math.min(best, at(i - 2, j - 2) + 1) : best);
    }
  }
  return at(a.length, b.length);
}

/** No longer than this is any word that we know. */
const WORD_LENGTH_MAX = 32;

/** The known words that are nearest, if any is near enough; the beginning of a word is near. */
export function similar(word: string, known: readonly string[]): readonly string[] {
  if (word.length > WORD_LENGTH_MAX || word.length < 2) return [];
  const most = Math.min(SLIPS_MAX, Math.floor((word.length - 1) / 2));
  const distances = known.map((one) => {
    return { one, far: one.startsWith(word) ? 1 : slips(word, one) };
  });
  const nearest = Math.min(...distances.map(({ far }) => far));
  if (nearest > Math.max(1, most)) return [];
  return distances.filter(({ far }) => far === nearest).map(({ one }) => one);
}

/** ` Did you mean a or b?`, or nothing. */
export function didYouMean(word: string, known: readonly string[]): string {
  const found = similar(word, known);
  return found.length === 0 ? '' : ` Did you mean ${found.join(' or ')}?`;
}
