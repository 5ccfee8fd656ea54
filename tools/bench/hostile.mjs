// `node tools/bench/hostile.mjs [--only NAME,…] [--for MS] [--turns N] [--json FILE]`: what a hostile client costs others.
// A real cell of four processes, honest clients in a process of their own (a closed loop of puts and locks), and one kind of
// attack at a time in another. Quiet and attacked turns alternate. `nothing` and `cpu` are controls: noise, and what a process
// that only spins takes away on the same cores. Everything is on loopback and ends by itself.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startCell } from '../../packages/apps/cli/dist/index.js';
import { ATTACKS } from './hostile/attacks.mjs';
import { probe, round } from './probe.mjs';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    for: { type: 'string', default: '3000' },
    turns: { type: 'string', default: '2' },
    json: { type: 'string' },
  },
});
const FOR_MS = Number(values.for);
const TURNS = Number(values.turns);
/** What preparing an attack, or ending one, may take. */
const PATIENCE_MS = 60_000;
/** From the start of an attack to its turn. */
const LEAD_MS = 500;
/** The honest clients are well again when a call takes no more than so many times what it took before. */
const WELL = 2;
/** Turns that they have for that. */
const RECOVERY_TURNS = 8;

const names = values.only?.split(',') ?? Object.keys(ATTACKS);
for (const name of names) if (!(name in ATTACKS)) throw new Error(`no attack ${name}`);

const mean = (numbers) => numbers.reduce((sum, one) => sum + one, 0) / numbers.length;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A process of this bench, and its next message of a kind. */
function start(file, args) {
  const path = fileURLToPath(new URL(`./hostile/${file}`, import.meta.url));
  const child = fork(path, args);
  const next = (kind) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => done(new Error(`${file} ${args}: no ${kind}`)), PATIENCE_MS);
      const heard = (message) => message.kind === kind && done(undefined, message);
      const gone = (code) => done(new Error(`${file} ${args} ended with ${code} before ${kind}`));
      function done(error, message) {
        clearTimeout(timer);
        child.off('message', heard);
        child.off('exit', gone);
        if (error) reject(error);
        else resolve(message);
      }
      child.on('message', heard);
      child.on('exit', gone);
    });
  const end = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  child.on('error', () => undefined);
  return { say: (message) => child.send(message, () => undefined), next, end };
}

/** CPU, ms, and resident memory, MiB, of the replicas so far; NaN where there is no /proc. */
function ofReplicas(cell) {
  const pids = cell.replicas.map(({ process: { pid } }) => pid);
  const each = pids.map((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const kib = /^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
      return { cpuMs: 10 * (Number(fields[11]) + Number(fields[12])), mib: Number(kib) / 1_024 };
    } catch {
      return { cpuMs: Number.NaN, mib: Number.NaN };
    }
  });
  return { cpuMs: each.map(({ cpuMs }) => cpuMs), mib: Math.max(...each.map(({ mib }) => mib)) };
}

/** One turn of the honest clients, and what the busiest replica took of a core meanwhile. */
async function turn(cell, honest) {
  const before = ofReplicas(cell);
  const beganMs = performance.now();
  honest.say({ kind: 'measure', forMs: FOR_MS });
  const { run } = await honest.next('measured');
  const after = ofReplicas(cell);
  const tookMs = performance.now() - beganMs;
  const cores = after.cpuMs.map((cpuMs, i) => (cpuMs - before.cpuMs[i]) / tookMs);
  return { ...run, core: Math.max(...cores), mib: after.mib };
}

async function attacked(cell, honest, name) {
  const attacker = start('attacker.mjs', [cell.cellPath, name]);
  try {
    await attacker.next('ready');
    attacker.say({ kind: 'go' });
    await pause(LEAD_MS);
    const run = await turn(cell, honest);
    attacker.say({ kind: 'stop' });
    return { run, report: await attacker.next('report') };
  } finally {
    await attacker.end();
  }
}

/** Means of the turns. p99 of the worst turn: one pause would vanish in a mean. */
function summary(runs) {
  const of = (field) => mean(runs.map((run) => run[field]));
  const p99Ms = Math.max(...runs.map((run) => run.p99Ms));
  const { perSec, p50Ms, joinMs, core, failed } = Object.fromEntries(
    ['perSec', 'p50Ms', 'joinMs', 'core', 'failed'].map((field) => [field, of(field)]),
  );
  return {
    perSec,
    p50Ms,
    p99Ms,
    joinMs,
    core,
    failed,
    mib: Math.max(...runs.map(({ mib }) => mib)),
  };
}

function addTally(into, tally) {
  for (const [code, count] of Object.entries(tally)) into[code] = (into[code] ?? 0) + count;
}

/** Quiet turns until the honest clients are well: the last one, and how long that took; Infinity when they are not. */
async function recovered(cell, honest, beforeMs) {
  const beganMs = performance.now();
  for (let i = 1; ; i++) {
    const run = await turn(cell, honest);
    const tookMs = performance.now() - beganMs;
    if (run.p50Ms <= WELL * beforeMs) return { run, tookMs };
    if (i === RECOVERY_TURNS) return { run, tookMs: Number.POSITIVE_INFINITY };
  }
}

/** Quiet, attacked, quiet, attacked, …, quiet. */
async function measure(cell, honest, name) {
  const [quiet, hostile, tally] = [[await turn(cell, honest)], [], {}];
  let [sent, attackerCore, recoveryMs] = [0, 0, 0];
  for (let i = 0; i < TURNS; i++) {
    const { run, report } = await attacked(cell, honest, name);
    hostile.push(run);
    addTally(tally, report.tally);
    sent += report.sent / (report.tookMs / 1_000) / TURNS;
    attackerCore += report.cpuMs / report.tookMs / TURNS;
    const { run: well, tookMs } = await recovered(cell, honest, quiet[0].p50Ms);
    recoveryMs = Math.max(recoveryMs, tookMs);
    quiet.push(well);
  }
  const [before, during, after] = [quiet.slice(0, -1), hostile, quiet.slice(-1)].map(summary);
  return { name, before, during, after, sent, attackerCore, recoveryMs, tally };
}

const HEAD = [
  'attack',
  'messages/s',
  'its core',
  'core of a replica, quiet / attacked',
  'a call p50, ms: before / during / after',
  'p99',
  'calls/s',
  'factor of p50',
  'of p99',
  'newcomer, ms: before / during',
  'MiB of a replica: before / during / after',
  'calls that failed',
  'well again after, s',
  'answered',
];

function rowOf({ name, before, during, after, sent, attackerCore, recoveryMs, tally }) {
  const three = (field, digits = 0) =>
    [before, during, after].map((one) => round(one[field], digits)).join(' / ');
  const answered = Object.entries(tally)
    .sort(([, a], [, b]) => b - a)
    .slice(0, 4)
    .map(([code, count]) => `${code} ${count}`);
  return [
    name,
    round(sent, 0),
    round(attackerCore),
    `${round(before.core)} / ${round(during.core)}`,
    three('p50Ms'),
    three('p99Ms'),
    three('perSec'),
    round(during.p50Ms / before.p50Ms, 1),
    round(during.p99Ms / before.p99Ms, 1),
    `${round(before.joinMs, 0)} / ${round(during.joinMs, 0)}`,
    three('mib'),
    round(during.failed, 0),
    round(recoveryMs / 1_000, 1),
    answered.join(', '),
  ];
}

const line = (cells) => console.log(`| ${cells.join(' | ')} |`);

const machine = await probe();
console.log(`${machine.model}, ${machine.cores} cores, Node ${machine.node}; load ${load()}`);
line(HEAD);
line(HEAD.map(() => '---'));
const cell = await startCell({ logLevel: 'error' });
const honest = start('honest.mjs', [cell.cellPath]);
const rows = [];
try {
  await honest.next('ready');
  await turn(cell, honest);
  for (const name of names) {
    const row = await measure(cell, honest, name).catch(({ message }) => ({
      name,
      failed: message,
    }));
    rows.push(row);
    if (row.failed) console.log(`${name}: ${row.failed}`);
    else line(rowOf(row));
  }
} finally {
  await honest.end();
  await cell.close();
}
console.log(`load ${load()}`);
if (values.json) writeFileSync(values.json, `${JSON.stringify({ machine, rows }, null, 1)}\n`);
if (rows.some(({ failed }) => failed)) process.exitCode = 1;

/** Processes that wanted a core in the last minute. */
function load() {
  try {
    return readFileSync('/proc/loadavg', 'utf8').split(' ')[0];
  } catch {
    return 'unknown';
  }
}
