// `node tools/bench/memory.mjs [--commits N]`: four replicas in one process, in virtual time, under
// steady load. Prints the heap per so many commits: the DAG forgets, so it stays flat. What is
// written to the log is counted and thrown away; signatures are stand-ins.
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { SteadyWorld } from './steady.mjs';

const { values } = parseArgs({ options: { commits: { type: 'string', default: '100000' } } });
const commitsMax = Number(values.commits);
if (!Number.isSafeInteger(commitsMax) || commitsMax < 10) {
  console.error('--commits takes a whole number from 10');
  process.exit(2);
}

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc');

let logBytes = 0;
/** Counts what is written, and keeps nothing of it. */
const disk = {
  append(records) {
    for (const { body } of records) logBytes += body.length;
    return 1;
  },
  keep: () => undefined,
  drop: () => undefined,
};
const world = new SteadyWorld({ diskOf: () => disk });

function report() {
  gc();
  const { blocks, round } = world.hosts[0].replica.status();
  console.log(
    JSON.stringify({
      commits: world.commits,
      round,
      ops: world.seq,
      blocksInMemory: blocks,
      heapMiB: Math.round((process.memoryUsage().heapUsed / 2 ** 20) * 10) / 10,
      buffersMiB: Math.round((process.memoryUsage().arrayBuffers / 2 ** 20) * 10) / 10,
      logMiB: Math.round(logBytes / 2 ** 20),
    }),
  );
}

for (let part = 1; part <= 10; part++) {
  world.run((commitsMax / 10) * part);
  report();
}
