// Processes on loopback that the comparison starts: kept in a list that outlives the bench, with their
// CPU and memory as /proc tells them.
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Ticks of /proc/PID/stat a second: fixed in Linux's interface. */
const TICKS_PER_SEC = 100;
/** Time between SIGTERM and SIGKILL, ms. */
const GRACE_MS = 4_000;
const REAPER = fileURLToPath(new URL('./reaper.mjs', import.meta.url));

/** A throw-away folder and the servers in it. Whatever happens to us, both go. */
export class Household {
  folder;
  #reaper;

  /** Resolves when the reaper listens: what it does not hear of, it does not end. */
  static async open() {
    const stdio = ['ignore', 'ignore', 'inherit', 'ipc'];
    const reaper = fork(REAPER, { detached: true, stdio, execArgv: [] });
    await once(reaper, 'message');
    return new Household(reaper);
  }

  constructor(reaper) {
    this.#reaper = reaper;
    this.folder = mkdtempSync(join(tmpdir(), 'fatty-peers-'));
    this.#tell({ folder: this.folder });
  }

  /** Starts a program whose words go to FOLDER/NAME.log. Not of our group: a Ctrl-C is for us. */
  spawn(name, program, args) {
    const log = openSync(join(this.folder, `${name}.log`), 'a');
    const child = spawn(program, args, { stdio: ['ignore', log, log], detached: true });
    child.on('error', () => undefined);
    this.keep(child.pid);
    child.once('exit', () => this.release(child.pid));
    return child;
  }

  /** Has a process ended with us that somebody else started for us. */
  keep(pid) {
    if (pid !== undefined) this.#tell({ started: pid });
  }

  release(pid) {
    if (pid !== undefined) this.#tell({ ended: pid });
  }

  /** Ends one process of {@link spawn}. */
  async end(child) {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGCONT');
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
    await gone;
    clearTimeout(timer);
  }

  /** Resolves when every process has ended and the folder is gone. */
  async close() {
    if (this.#reaper.exitCode !== null || !this.#reaper.connected) return;
    const gone = once(this.#reaper, 'exit');
    this.#reaper.disconnect();
    await gone;
  }

  #tell(message) {
    if (this.#reaper.connected) this.#reaper.send(message, () => undefined);
  }
}

/** So many free ports of loopback. */
export async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

function procOf(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

/** User and system time of a process, all its threads, ms; NaN where /proc has none. */
export function cpuMs(pid) {
  const text = procOf(pid, 'stat');
  // After the name, which may hold anything: fields 14 and 15 of proc(5).
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1_000) / TICKS_PER_SEC;
}

/** Memory of a process that is in RAM, MiB; NaN where /proc has none. */
export function rssMiB(pid) {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(procOf(pid, 'status'))?.[1]) / 1_024;
}

/** Tries until it answers something; rejects with `what` after `msMax`. */
export async function until(what, msMax, attempt) {
  const endMs = performance.now() + msMax;
  for (;;) {
    const found = await attempt().catch(() => undefined);
    if (found !== undefined && found !== false) return found;
    if (performance.now() > endMs) throw new Error(`${what}: not within ${msMax / 1_000} s`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
