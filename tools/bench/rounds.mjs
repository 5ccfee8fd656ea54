// `node tools/bench/rounds.mjs [--quick] [--warm MS] [--for MS] [--clients N] [--json FILE]`: where a round goes. A
// warm cell of four processes under a closed loop of one client: CPU of each replica per round, the
// profile of one by part, and what that one does per round and per op. Tables in markdown.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startCell, untilToldToStop } from '../../packages/apps/cli/dist/index.js';
import { connect } from '../../packages/lock/client/dist/node.js';
import { closedLoop, NOOP } from './load.mjs';
import { probe, round } from './probe.mjs';
import { shares } from './rounds/profile.mjs';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    for: { type: 'string' },
    warm: { type: 'string' },
    clients: { type: 'string', default: '1' },
    json: { type: 'string' },
  },
});
const forMs = Number(values.for ?? (values.quick ? 3_000 : 15_000));
const warmUpMs = Number(values.warm ?? (values.quick ? 3_000 : 20_000));
/** Ticks of /proc/PID/stat a second. */
const TICKS_PER_SEC = 100;
const TOP = 15;
const COUNTING = fileURLToPath(new URL('./rounds/replica.mjs', import.meta.url));

/** User and system ms of a process or of one of its threads so far; NaN where /proc has none. */
function ticksOf(path) {
  try {
    const text = readFileSync(`${path}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const ms = (field) => (Number(fields[field]) * 1_000) / TICKS_PER_SEC;
    return { userMs: ms(11), systemMs: ms(12) };
  } catch {
    return { userMs: Number.NaN, systemMs: Number.NaN };
  }
}

/** Of a process, and of its first thread, which runs the event loop. */
function cpuOf(pid) {
  const loop = ticksOf(`/proc/${pid}/task/${pid}`);
  return { ...ticksOf(`/proc/${pid}`), loopMs: loop.userMs + loop.systemMs };
}

async function roundOf(cell, index) {
  const answer = await fetch(`${cell.cell.addresses[index].http}/status`);
  return (await answer.json()).round;
}

/** Has the counting replica do something, and answers what it says. */
function told(replica, kind) {
  return new Promise((resolve) => {
    replica.process.onMessage((message) => {
      if (message?.kind === `${kind} done`) resolve(message.value);
    });
    replica.process.tell({ kind });
  });
}

/** Load for `forMs`; answers ops, and per replica its rounds and CPU. */
async function loaded(cell, clients) {
  const all = cell.replicas.map((_, i) => i);
  const pids = cell.replicas.map(({ process: { pid } }) => pid);
  const rounds = await Promise.all(all.map((i) => roundOf(cell, i)));
  const before = pids.map(cpuOf);
  const run = await closedLoop(clients, forMs, (client) => client.submit([NOOP]));
  const after = pids.map(cpuOf);
  const now = await Promise.all(all.map((i) => roundOf(cell, i)));
  const replicas = all.map((i) => ({
    rounds: now[i] - rounds[i],
    userMs: after[i].userMs - before[i].userMs,
    systemMs: after[i].systemMs - before[i].systemMs,
    loopMs: after[i].loopMs - before[i].loopMs,
  }));
  return { ...run, replicas };
}

const line = (cells) => `| ${cells.join(' | ')} |`;
const table = (head, rows) =>
  [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');

function cpuTable({ replicas, count, p50Ms }) {
  const rows = replicas.map(({ rounds, userMs, systemMs, loopMs }, i) => [
    `r${i}`,
    rounds,
    round(rounds / count),
    round(userMs / rounds),
    round(systemMs / rounds),
    round((userMs + systemMs) / rounds),
    round(loopMs / rounds),
  ]);
  const head = [
    'replica',
    'rounds',
    'rounds per op',
    'user, ms per round',
    'system',
    'both',
    'of that the event loop',
  ];
  return `${count} ops, p50 ${p50Ms} ms\n\n${table(head, rows)}`;
}

/**
 * Samples are taken by the clock, so a wait for a core is in them, and taking them costs: the parts
 * share the CPU that the loop's thread had without.
 */
function profileTable({ parts, top }, { rounds, userMs, systemMs, loopMs }) {
  const busyMs = Object.values(parts).reduce((sum, one) => sum + one, 0);
  const cpuMs = userMs + systemMs;
  const scale = loopMs / busyMs / rounds;
  const row = (name, ms) => [name, round(ms, 3), `${Math.round((100 * ms * rounds) / cpuMs)} %`];
  const rows = Object.entries(parts)
    .sort(([, a], [, b]) => b - a)
    .map(([name, ms]) => row(name, ms * scale));
  const others = row('other threads (disk, compiler, collector)', (cpuMs - loopMs) / rounds);
  const longest = top.slice(0, TOP).map(([name, ms]) => [name, round(ms * scale, 3)]);
  return [
    `r0, of ${round(cpuMs / rounds)} ms of CPU a round`,
    table(['part', 'CPU, ms per round', 'share'], [...rows, others]),
    table(['function by self time', 'CPU, ms per round'], longest),
  ].join('\n\n');
}

function countTable(counts, rounds, ops) {
  const rows = Object.entries(counts).map(([name, count]) => [
    name,
    round(count / rounds),
    round(count / ops),
  ]);
  return table(['r0 does', 'per round', 'per op'], rows);
}

async function measured(cell, clients) {
  const [r0] = cell.replicas;
  await closedLoop(clients, warmUpMs, (client) => client.submit([NOOP]));
  const plain = await loaded(cell, clients);
  await told(r0, 'startProfile');
  const profiled = await loaded(cell, clients);
  const profile = shares(await told(r0, 'stopProfile'));
  await told(r0, 'startCounts');
  const counted = await loaded(cell, clients);
  const counts = await told(r0, 'stopCounts');
  return { plain, profiled, profile, counted, counts };
}

/** Answers undefined when a signal ends the run. The cell ends in good order either way. */
async function withCell(work) {
  const told = untilToldToStop();
  const cell = await startCell({ logLevel: 'warn', stop: told });
  const clients = [];
  const loading = async () => {
    await cell.replicas[0].restart({ main: COUNTING });
    for (let i = 0; i < Number(values.clients); i++) clients.push(await connect(cell.cellPath));
    await Promise.all(clients.map((client) => client.linked(cell.replicas.length)));
    return work(cell, clients);
  };
  try {
    return await Promise.race([loading(), told.then(() => undefined)]);
  } finally {
    await Promise.all(clients.map((client) => client.close()));
    await cell.close();
  }
}

const machine = await probe();
console.log(
  `${machine.cores} × ${machine.model}, Node ${machine.node}, ${values.clients} client(s)\n`,
);
const found = await withCell(measured);
if (found === undefined) process.exit(130);
console.log(cpuTable(found.plain));
console.log(`\n${profileTable(found.profile, found.plain.replicas[0])}`);
console.log(`\n${countTable(found.counts, found.counted.replicas[0].rounds, found.counted.count)}`);
const { top, parts } = found.profile;
const json = { machine, forMs, ...found, profile: { parts, top: top.slice(0, 100) } };
if (values.json) writeFileSync(values.json, `${JSON.stringify(json, null, 2)}\n`);
