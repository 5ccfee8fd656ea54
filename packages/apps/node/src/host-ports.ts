// The ports of a host in a real process.
import type { HostPorts, Timers, Written } from '@fatty/host';
import type { Clock, KvStore, LogStore, MarkStore, Verifier } from '@fatty/interface';
import type { FrameStore } from '@fatty/storage';

/** The clocks of this machine. */
export const CLOCK: Clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };

/** Node fires a longer timer at once. */
const DELAY_MS_MAX = 2 ** 31 - 1;

/** The event loop's timers, as far away as one likes. None of them keeps the process alive. */
export const TIMERS: Timers = {
  after(delayMs, act) {
    let leftMs = delayMs;
    let timer: NodeJS.Timeout;
    const wait = (): void => {
      const now = Math.min(leftMs, DELAY_MS_MAX);
      leftMs -= now;
      timer = setTimeout(() => (leftMs > 0 ? wait() : act()), now);
      timer.unref();
    };
    wait();
    return () => clearTimeout(timer);
  },
};

/** What of a replica's folder its host uses at work. */
export interface OpenStores {
  readonly log: Pick<LogStore, 'append' | 'dropBelow'>;
  readonly frames: Pick<FrameStore, 'write' | 'readPart'>;
  readonly kv: Pick<KvStore, 'get' | 'range' | 'write'>;
  readonly mark: Pick<MarkStore, 'write'>;
}

const asError = (error: unknown): Error =>
  error instanceof Error ? error : new Error(String(error));

function tell(writing: Promise<unknown>, written: Written): void {
  void writing.then(
    () => written(undefined),
    (error: unknown) => written(asError(error)),
  );
}

/** The ports of a host over promises: storage rejects a write that failed, a verifier never rejects. */
export function portsOver(
  { log, kv, mark, frames }: OpenStores,
  verifier: Pick<Verifier, 'verify'>,
): HostPorts {
  return {
    clock: CLOCK,
    timers: TIMERS,
    log: {
      append: (records, written) =>
        void log.append(records).then(
          (segment) => written(undefined, segment),
          (error: unknown) => written(asError(error)),
        ),
      dropBelow: (segment, written) => tell(log.dropBelow(segment), written),
    },
    frames: {
      write: (index, frame, written) => tell(frames.write(index, frame), written),
      read: (index, from, bytes, answer) =>
        void frames.readPart(index, from, bytes).then(answer, () => answer(undefined)),
    },
    mark: { write: (bytes, written) => tell(mark.write(bytes), written) },
    kv: {
      get: (key) => kv.get(key),
      range: (from, to, limit) => kv.range(from, to, limit),
      write: (entries, written) => tell(kv.write(entries), written),
    },
    verifier: {
      verify: (job, client, answer) => void verifier.verify(job, client).then(answer),
    },
  };
}
