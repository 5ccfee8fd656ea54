// Runs a command under a lock that a test makes up: guard-host.mjs DEADLINE_MS program args…
import { Guard } from '../dist/lock/guard.js';
import { Stop } from '../dist/terminal/stop.js';

const [deadline, ...command] = process.argv.slice(2);
const deadlineMs = performance.now() + Number(deadline);
const never = new AbortController().signal;
const lock = {
  path: '/made-up',
  token: '1.0',
  signal: never,
  deadlineMs,
  get held() {
    return performance.now() < deadlineMs;
  },
};
const guard = new Guard();
const stop = new Stop({ outputFailed: never });
const { exitCode, lost } = await guard.run(command, lock, stop);
await guard.close();
stop.close();
process.exitCode = lost ? 5 : exitCode;
