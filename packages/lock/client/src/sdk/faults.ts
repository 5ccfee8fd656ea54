/** Where what is thrown outside of any call goes: faults of this SDK, and of the caller's listeners. */
export type FaultListener = (error: unknown) => void;

/** Unless told otherwise. */
export function logFault(error: unknown): void {
  console.error('fatty:', error);
}

/** Runs what belongs to somebody else, or may fail: whatever it throws ends here. */
export function attempt(act: () => void, onFault: FaultListener): void {
  try {
    act();
  } catch (error) {
    try {
      onFault(error);
    } catch {
      // Who is told of faults has one of his own: nobody is left to be told of it.
    }
  }
}
