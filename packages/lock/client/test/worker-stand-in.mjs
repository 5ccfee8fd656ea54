// Stands in for an outside prover: replays a recorded proof, or fails as it is told.
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';

const [mode, recorded, publicInput, privateInput, proof, parameters] = process.argv.slice(2);
const { trace_path, memory_path } = JSON.parse(readFileSync(privateInput, 'utf8'));
const { n_steps } = JSON.parse(readFileSync(publicInput, 'utf8'));
const { stark } = JSON.parse(readFileSync(parameters, 'utf8'));
const complete =
  readFileSync(trace_path).length === 24 * n_steps &&
  existsSync(memory_path) &&
  stark.fri.n_queries > 0;

if (mode === 'hang') setTimeout(() => undefined, 60_000);
else if (mode === 'fail' || !complete) {
  console.error(`cannot prove ${n_steps} steps`);
  process.exitCode = 3;
} else if (mode === 'garbage') writeFileSync(proof, 'no proof');
else if (mode === 'replay') copyFileSync(recorded, proof);
