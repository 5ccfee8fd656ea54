/** Bounds of one link. Every field has a default in {@link DEFAULT_LIMITS}. */
export interface LinkLimits {
  /** Largest message, bytes. Default 1.25 MiB. Larger: `send` says false; received: 1009. */
  readonly messageBytesMax: number;
  /** Most bytes waiting per class of one link. Default 8 MiB. Beyond: `send` says false. */
  readonly queueBytesMax: number;
  /** Most messages waiting per class of one link. Default 4,096. Beyond: `send` says false. */
  readonly queueMessagesMax: number;
  /**
   * Bytes handed to the socket ahead of time. Default 64 KiB. Smaller lets keep-alives overtake
   * sooner; larger fills long fat pipes better.
   */
  readonly windowBytes: number;
  /**
   * Bulk bytes sent and not known to have arrived. Default 512 KiB. A keep-alive waits behind at
   * most this much; bulk throughput is at most this per round trip.
   */
  readonly bulkWindowBytes: number;
  /** Longest handshake, ms. Default 5,000. Beyond: close 4408 `handshake_timeout`. */
  readonly handshakeMsMax: number;
  /** Time between pings, ms. Default 1,000. */
  readonly pingMs: number;
  /** Longest silence of a peer before the link is cut as 1006 `peer_silent`, ms. Default 5,000. */
  readonly silenceMsMax: number;
}

/** Limits of a link that is given no others. */
export const DEFAULT_LIMITS: LinkLimits = {
  messageBytesMax: 1_310_720,
  queueBytesMax: 8 * 1024 * 1024,
  queueMessagesMax: 4096,
  windowBytes: 64 * 1024,
  bulkWindowBytes: 512 * 1024,
  handshakeMsMax: 5000,
  pingMs: 1000,
  silenceMsMax: 5000,
};

/** Chance and time of an end of a link, injected so that tests can hold both still. */
export interface LinkEnvironment {
  /** Unpredictable bytes (nonces, jitter). Default: Web Crypto. */
  readonly random: (size: number) => Uint8Array;
  /** Milliseconds on a clock that never steps. Default: `performance.now()`. */
  readonly monotonicMs: () => number;
}

/** Works in browsers and in Node alike. */
export const webEnvironment: LinkEnvironment = {
  random: (size) => crypto.getRandomValues(new Uint8Array(size)),
  monotonicMs: () => performance.now(),
};
