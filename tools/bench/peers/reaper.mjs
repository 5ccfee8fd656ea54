// Ends the servers that a bench started and removes its folder, however the bench ends: it hears over
// its channel what was started, and acts when the channel closes. It ends nothing else.
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Time between SIGTERM and SIGKILL, ms. */
const GRACE_MS = 4_000;
const POLL_MS = 50;

const pids = new Set();
let folder;

function signal(pid, name) {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false;
  }
}

async function reap() {
  for (const pid of pids) {
    signal(pid, 'SIGCONT');
    signal(pid, 'SIGTERM');
  }
  for (let waitedMs = 0; waitedMs < GRACE_MS; waitedMs += POLL_MS) {
    if (![...pids].some((pid) => signal(pid, 0))) break;
    await sleep(POLL_MS);
  }
  for (const pid of pids) signal(pid, 'SIGKILL');
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  process.exit(0);
}

// A Ctrl-C is for the bench, which then closes the channel.
for (const name of ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM']) process.on(name, () => undefined);
process.on('message', (message) => {
  if (message.folder !== undefined) folder = message.folder;
  if (message.started !== undefined) pids.add(message.started);
  if (message.ended !== undefined) pids.delete(message.ended);
});
process.on('disconnect', () => void reap());
if (process.connected) process.send('listening');
