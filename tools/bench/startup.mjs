// `node tools/bench/startup.mjs [--runs N] [--json FILE]`: how long one replica takes from the start of its
// process to its first commit. A cell of four works under a closed loop of one client; one of the four is
// stopped and started again, so many times. Prints the median of each step: time, and CPU of the process.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startCell, untilToldToStop } from '../../packages/apps/cli/dist/index.js';
import { connect } from '../../packages/lock/client/dist/node.js';
import { NOOP } from './load.mjs';
import { probe, round } from './probe.mjs';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '7' }, json: { type: 'string' } },
});
const runs = Number(values.runs);
if (!Number.isSafeInteger(runs) || runs < 1) {
  console.error('--runs takes a whole number from 1');
  process.exit(2);
}

const MAIN = fileURLToPath(new URL('./startup/replica.mjs', import.meta.url));
const LAST = 'the first commit is applied';

/** The marks of one start, in the order they came. */
async function started(replica) {
  const marks = [];
  const { promise, resolve } = Promise.withResolvers?.() ?? deferred();
  // The process is another one after every restart: it is there before the restart is done.
  const before = replica.process;
  const restarted = replica.restart({ main: MAIN });
  while (replica.process === before) await new Promise((next) => setImmediate(next));
  replica.process.onMessage((message) => {
    if (message?.kind !== 'mark') return;
    marks.push(message);
    if (message.name === LAST) resolve();
  });
  await restarted;
  await promise;
  return marks.sort((a, b) => a.ms - b.ms);
}

function deferred() {
  const made = {};
  made.promise = new Promise((resolve) => {
    made.resolve = resolve;
  });
  return made;
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

async function measured(cell, client) {
  let ended = false;
  const load = (async () => {
    while (!ended) await client.submit([NOOP]);
  })();
  const all = [];
  for (let i = 0; i < runs; i++) all.push(await started(cell.replicas[0]));
  ended = true;
  await load;
  return all;
}

function table(all) {
  const names = [...new Set(all.flat().map(({ name }) => name))];
  const rows = names.map((name) => {
    const found = all.flat().filter((one) => one.name === name);
    const [ms, cpuMs] = ['ms', 'cpuMs'].map((what) => round(median(found.map((one) => one[what]))));
    return { ms, row: `| ${name} | ${ms} | ${cpuMs} |` };
  });
  rows.sort((a, b) => a.ms - b.ms);
  return ['| by then | ms | CPU, ms |', '| --- | --- | --- |', ...rows.map(({ row }) => row)].join(
    '\n',
  );
}

/** Answers undefined when a signal ends the run. The cell ends in good order either way. */
async function withCell() {
  const told = untilToldToStop();
  const cell = await startCell({ logLevel: 'warn', stop: told });
  const clients = [];
  const working = async () => {
    const client = await connect(cell.cellPath);
    clients.push(client);
    await client.linked(cell.replicas.length);
    return measured(cell, client);
  };
  try {
    return await Promise.race([working(), told.then(() => undefined)]);
  } finally {
    await Promise.all(clients.map((client) => client.close()));
    await cell.close();
  }
}

const machine = await probe();
console.log(`${machine.cores} × ${machine.model}, Node ${machine.node}, ${runs} starts, medians\n`);
const found = await withCell();
if (found === undefined) process.exit(130);
console.log(table(found));
if (values.json) writeFileSync(values.json, `${JSON.stringify({ machine, found }, null, 2)}\n`);
