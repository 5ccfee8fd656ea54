// How far the fetch of a frame has come.

/** What one peer has sent of a frame that was taken. */
export interface Sent {
  readonly peer: number;
  readonly chunks: number;
  readonly bytes: number;
}

/** A frame of others that is being fetched (R29). */
export interface Fetching {
  /** Of the frame. */
  readonly commit: number;
  readonly chunks: number;
  readonly chunksHere: number;
  readonly bytes: number;
  readonly bytesHere: number;
  /** Whose chunks are here, ascending by peer. */
  readonly from: readonly Sent[];
}
