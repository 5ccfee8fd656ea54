// When states are copied.

/** When states are copied, and in what chunks: all members of a cell must say the same (R28). */
export interface Copying {
  /** A state is copied when so much was committed since the last copy, and twice what that one takes. Bytes. */
  readonly bytesMin: number;
  readonly chunkBytes: number;
}

/** Of every cell that is no test. */
export const COPYING: Copying = { bytesMin: 8 * 1024 * 1024, chunkBytes: 256 * 1024 };
