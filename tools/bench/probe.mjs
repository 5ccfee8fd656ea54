// What this machine's disk and loopback cost right now: the unit ("step") that latency is compared with.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';

const RUNS = 200;
const RECORD_BYTES = 4096;

export function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

export const round = (value, digits = 2) => Number(value.toFixed(digits));

/** ms of one append + fdatasync of a log-sized record. */
async function datasyncMs(folder) {
  const file = await open(join(folder, 'probe'), 'a');
  const record = Buffer.alloc(RECORD_BYTES, 1);
  const times = [];
  for (let i = 0; i < RUNS; i++) {
    const start = performance.now();
    await file.write(record);
    await file.datasync();
    times.push(performance.now() - start);
  }
  await file.close();
  return quantile(times, 0.5);
}

/** ms one way over TCP on loopback between two sockets of this process. */
async function oneWayMs() {
  const server = createServer((socket) => socket.setNoDelay(true).pipe(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = createConnection(server.address().port, '127.0.0.1').setNoDelay(true);
  await once(socket, 'connect');
  const times = [];
  for (let i = 0; i < RUNS; i++) {
    const start = performance.now();
    socket.write(Buffer.alloc(512));
    for (let got = 0; got < 512; ) got += (await once(socket, 'data'))[0].length;
    times.push((performance.now() - start) / 2);
  }
  socket.destroy();
  server.close();
  return quantile(times, 0.5);
}

/** Median costs of this machine, ms, and what it is. */
export async function probe() {
  const folder = mkdtempSync(join(tmpdir(), 'fatty-probe-'));
  const measured = { datasyncMs: await datasyncMs(folder), oneWayMs: await oneWayMs() };
  rmSync(folder, { recursive: true });
  const cores = cpus();
  const machine = {
    cores: cores.length,
    model: cores[0]?.model ?? 'unknown',
    node: process.version,
  };
  return {
    ...machine,
    datasyncMs: round(measured.datasyncMs, 3),
    oneWayMs: round(measured.oneWayMs, 3),
  };
}
