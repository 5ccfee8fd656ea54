// When a cell of this process is to stop.
import { ENDING_SIGNALS } from '../terminal/stop.ts';

/** How often a launcher looks whether its parent still lives, ms. */
const PARENT_POLL_MS = 500;

/**
 * Resolves with the reason when this process should wind up: Ctrl-C, SIGTERM, SIGQUIT, a hang-up, or the death
 * of its parent (KILL of npm or of the shell leaves us with another parent, and no signal). `but`: signals that
 * mean something else.
 */
export function untilToldToStop(but: readonly NodeJS.Signals[] = []): Promise<string> {
  const parent = process.ppid;
  return new Promise((resolve) => {
    for (const signal of ENDING_SIGNALS.filter((one) => !but.includes(one))) {
      // For good: npm passes a Ctrl-C on that the terminal has sent us already.
      process.on(signal, () => resolve(signal));
    }
    const poll = setInterval(() => {
      if (process.ppid === parent) return;
      clearInterval(poll);
      resolve('parent gone');
    }, PARENT_POLL_MS);
    poll.unref();
  });
}
