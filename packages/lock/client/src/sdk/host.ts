/** What a client needs of the machine it runs on; simulated worlds bring their own. */
export interface Host {
  /** ms of a clock that is never set, whatever it starts from. It may stop while the host sleeps. */
  monotonicMs(): number;
  /** ms since the Unix epoch, by a clock that may be set. */
  wallMs(): number;
  /** Runs `act` once, `delayMs` from now or later. Answers the way to call it off. */
  after(delayMs: number, act: () => void): () => void;
  /** `count` unguessable bytes. */
  random(count: number): Uint8Array;
}

/** The platform itself. */
export const systemHost: Host = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, act) {
    const timer = setTimeout(act, delayMs);
    return () => clearTimeout(timer);
  },
  random: (count) => crypto.getRandomValues(new Uint8Array(count)),
};
