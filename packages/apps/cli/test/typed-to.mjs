// A command on a terminal: typed-to.mjs HEARD PIDS. It writes every line and every Ctrl-C that it gets
// to HEARD, leaves a process behind (its pid in PIDS), and ends with 9 when it is interrupted again.
import { spawn } from 'node:child_process';
import { appendFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const [heard, pids] = process.argv.slice(2);
/** Long enough for a Ctrl-C that comes twice to be seen. */
const ONCE_MS = 1_000;
const note = (word) => appendFileSync(heard, `${word}\n`);

let interrupts = 0;
process.on('SIGINT', () => {
  note('INT');
  interrupts++;
  if (interrupts === 2) process.exit(9);
  const child = spawn('sleep', ['600'], { stdio: 'ignore', detached: true });
  appendFileSync(pids, `${child.pid}\n`);
  setTimeout(() => note('once'), ONCE_MS);
});
writeFileSync(`${heard}.host`, String(process.ppid));
createInterface({ input: process.stdin }).once('line', note);
