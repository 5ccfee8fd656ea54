// `npm run bench [-- --quick] [-- --only NAME,NAME] [-- --json FILE]`: a real cell on loopback, fsync on.
// `-- --peers`: instead, the same load on etcd, ZooKeeper and a cell, and what the fast path aims at; with
// `--only` the scenarios that it names, too.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { comparePeers } from './peers/compare.mjs';
import { probe } from './probe.mjs';
import { SCENARIOS } from './scenarios.mjs';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    json: { type: 'string' },
    peers: { type: 'boolean', default: false },
  },
});

const forMs = values.quick ? 1_500 : 5_000;
const warmUpMs = values.quick ? 2_000 : 10_000;
const all = values.peers ? [] : Object.keys(SCENARIOS);
const names = values.only?.split(',') ?? all;
const unknown = names.find((name) => !SCENARIOS[name]);
if (unknown) {
  console.error(`no scenario ${unknown}; there are ${Object.keys(SCENARIOS).join(', ')}`);
  process.exit(2);
}
const machine = await probe();
const stepMs = machine.oneWayMs + machine.datasyncMs;
console.log(`${machine.cores} × ${machine.model}, Node ${machine.node}`);
console.log(
  `datasync ${machine.datasyncMs} ms + one way ${machine.oneWayMs} ms = step ${stepMs.toFixed(3)} ms\n`,
);
const results = { machine, warmUpMs, forMs, stepMs, scenarios: {} };
for (const name of names) {
  const rows = await SCENARIOS[name]({ forMs, warmUpMs, stepMs });
  results.scenarios[name] = rows;
  console.log(name);
  console.table(rows);
}
if (values.peers) results.peers = await comparePeers(values);
console.log(JSON.stringify(results));
if (values.json) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
