// Test helper: ports that do what a test says.
import { memoryKv } from '@fatty/storage';
import type { HostPorts, KvPort, Timers } from '../src/ports.ts';

/** Timers of the test runner, which may be fake. */
export const TIMERS: Timers = {
  after(delayMs, act) {
    const timer = setTimeout(act, delayMs);
    return () => clearTimeout(timer);
  },
};

/** A store in memory, or one that fails. */
export function kvPort(kv: ReturnType<typeof memoryKv> = memoryKv()): KvPort {
  return {
    get: (key) => kv.get(key),
    range: (from, to, limit) => kv.range(from, to, limit),
    write: (entries, written) =>
      void kv.write(entries).then(
        () => written(undefined),
        (error: Error) => written(error),
      ),
  };
}

/** Ports whose disk and verifier never answer, except where a test says otherwise. */
export function portsOf(some: Partial<HostPorts> = {}): HostPorts {
  return {
    clock: { nowMs: () => Date.now(), monotonicMs: () => Date.now() },
    timers: TIMERS,
    log: { append: () => undefined, dropBelow: () => undefined },
    mark: { write: () => undefined },
    frames: { write: () => undefined, read: () => undefined },
    kv: kvPort(),
    verifier: { verify: () => undefined },
    ...some,
  };
}
