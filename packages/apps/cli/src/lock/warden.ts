// The program of the warden.
import { ENDING_SIGNALS, type EndingSignal } from '../terminal/stop.ts';
import { endOwned, type Owner, signalOwned } from './owned.ts';
import type { FromWarden, ToWarden } from './warden-link.ts';

/**
 * A process beside `fatty lock`. It ends what `fatty lock` has started when `fatty lock` no longer
 * can: when that was killed (its channel closes), was stopped, or stands still past the deadline of
 * the lock. The warden ends when `fatty lock` ends.
 */

/** Time between SIGTERM and SIGKILL when `fatty lock` was killed, ms; never past the deadline. */
const GRACE_MS = 1_500;
const AGAIN_MS = 100;

const tell = (message: FromWarden): void => void process.send?.(message);
/** The same for all processes of a machine. */
const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;

let owner: Owner = { mark: process.argv[2] ?? '', pid: 0, leadsGroup: false, hasExited: true };
let deadlineMs = Number.POSITIVE_INFINITY;
let timer: NodeJS.Timeout | undefined;

/** Also when `fatty lock` is stopped, or stands still. */
function keepDeadline(): void {
  clearTimeout(timer);
  if (deadlineMs === Number.POSITIVE_INFINITY) return;
  const leftMs = deadlineMs - nowMs();
  if (leftMs <= 0 && signalOwned(owner, 'SIGKILL') === 0) return;
  timer = setTimeout(keepDeadline, Math.max(AGAIN_MS, leftMs));
}

async function endEverything(): Promise<void> {
  await endOwned(owner, { graceMs: GRACE_MS, isUrgent: () => nowMs() >= deadlineMs });
  process.exit(0);
}

const heard = new Set<EndingSignal>();
// On a terminal we are in the group of `fatty lock` and get what it gets.
for (const signal of ENDING_SIGNALS) process.on(signal, () => heard.add(signal));

/** A signal that was sent before the question is heard before the answer: a turn of the loop later. */
function answer(signal: EndingSignal): void {
  setImmediate(() =>
    setImmediate(() => tell({ kind: 'heard', signal, isHeard: heard.delete(signal) })),
  );
}

process.on('message', (message: ToWarden) => {
  if (message.kind === 'started') {
    const { pid, leadsGroup } = message;
    owner = { ...owner, pid, leadsGroup, hasExited: false };
  } else if (message.kind === 'deadline') {
    deadlineMs = message.atMs;
    keepDeadline();
  } else if (message.kind === 'exited') owner = { ...owner, hasExited: true };
  else answer(message.signal);
});
process.on('disconnect', () => void endEverything());
tell({ kind: 'ready' });
