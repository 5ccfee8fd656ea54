/** The part that we use; the package brings no types. */
declare module 'fs-native-extensions' {
  /** False when another open file has the lock. It goes with the last descriptor of this open file. */
  export function tryLock(fd: number): boolean;
}
