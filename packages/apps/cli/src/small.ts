// Frames that come soon.
import type { RunOptions } from '@fatty/node';

/**
 * Of all replicas of a test cell. A frame comes after 64 KiB of blocks, in chunks of 2 KiB; of the
 * log nothing stays that the older of two frames makes needless.
 */
export const SMALL_FRAMES: Partial<RunOptions> = {
  copying: { bytesMin: 64 * 1024, chunkBytes: 2 * 1024 },
  tuning: { logKeptBytesMin: 0, logKeptBytesMax: 0, frameAskMs: 500 },
  log: { segmentBytesMax: 16 * 1024 },
};
