// `node tools/bench/prove.mjs [--quick] [--json FILE] [--write]`: what making plain proofs of 96 bits
// costs, by steps and blow-up: CPU time of one thread, the share of each phase, wall time of one
// thread and of several, memory, proof size, and the time to check it. CPU time first, because on a
// busy machine the clock measures the others. Every point in a process of its own, whose memory is
// the point's. `--write` puts the table and its chart into packages/cairo/prove/README.md.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  COMMITTEE_POLICY,
  createCairoVerifier,
  createProver,
  loadProgram,
  PHASES,
  proofParameters,
  runProgram,
} from '../../packages/cairo/prove/dist/index.js';
import { proverPool } from '../../packages/lock/client/dist/worker/index.js';
import { kernelRatios } from './kernels.mjs';
import { round } from './probe.mjs';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    write: { type: 'boolean', default: false },
    point: { type: 'string' },
  },
});

/** Transitions of the lease program and what they come to: 128, 512, 2048, 8192 steps. */
const TRANSITIONS = values.quick ? [10, 50] : [10, 50, 200, 800];
const BLOW_UPS = [4, 2];
const THREADS = Math.min(availableParallelism(), 4);
const README = new URL('../../packages/cairo/prove/README.md', import.meta.url);

const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

function must(outcome) {
  if (outcome.ok) return outcome.value;
  throw new Error(`${outcome.failure.code}: ${outcome.failure.actual}`);
}

function lease(transitions) {
  const url = new URL('../../packages/cairo/verify/fixtures/lease-tick.json', import.meta.url);
  const program = must(loadProgram(readFileSync(url, 'utf8')));
  const cells = [0n, 0n, 1n, BigInt(transitions)];
  return must(runProgram(program, { inputs: cells, statementCells: 6, provable: true }));
}

// ── one point, in its own process ─────────────────────────────────────────────

function proveOnce(prover, run, parameters) {
  const spent = Object.fromEntries(PHASES.map((phase) => [phase, 0]));
  let [phase, at, kernelBytes] = [PHASES[0], cpuMs(), 0];
  const clock = (next) => {
    const now = cpuMs();
    spent[phase] += now - at;
    [phase, at] = [next, now];
  };
  const onProgress = (progress) => {
    clock(progress.phase);
    kernelBytes = progress.bytesPeak;
  };
  const from = performance.now();
  const proof = must(prover.prove(run, parameters, { onProgress }));
  clock(phase);
  const wallMs = performance.now() - from;
  const cpu = Object.values(spent).reduce((sum, one) => sum + one, 0);
  return { cpuMs: cpu, wallMs, kernelBytes, spent, proof };
}

/** The cheapest of a few: what the machine's other work does not slow down. */
async function best(count, key, measure) {
  const all = [];
  for (let i = 0; i < count; i++) all.push(await measure());
  return all.reduce((least, one) => (one[key] < least[key] ? one : least));
}

function verified(verifier, proof) {
  const start = performance.now();
  const verdict = verifier.verifyProof(proof, COMMITTEE_POLICY);
  if (verdict.kind !== 'accept') throw new Error(verdict.code);
  return { ms: performance.now() - start };
}

/** Wall and CPU ms of a proof by a pool of so many threads. */
async function together(threads, run, parameters, runs) {
  const pool = proverPool({ threads });
  must(await pool.prove(run, parameters));
  const found = await best(runs, 'wallMs', async () => {
    const [from, cpu] = [performance.now(), cpuMs()];
    must(await pool.prove(run, parameters));
    return { wallMs: performance.now() - from, cpuMs: cpuMs() - cpu };
  });
  await pool.close();
  return found;
}

async function measurePoint(transitions, logNCosets) {
  const [prover, verifier] = await Promise.all([createProver(), createCairoVerifier()]);
  const start = cpuMs();
  const run = lease(transitions);
  const vmMs = cpuMs() - start;
  const { nSteps } = run.publicInput;
  const parameters = proofParameters(nSteps, { logNCosets });
  const first = proveOnce(prover, run, parameters);
  const rssBytes = 1024 * process.resourceUsage().maxRSS;
  const runs = transitions > 200 ? 1 : 3;
  const { proof, ...one } = await best(runs, 'cpuMs', () => proveOnce(prover, run, parameters));
  const verifyMs = (await best(9, 'ms', () => verified(verifier, proof))).ms;
  const several = await together(THREADS, run, parameters, runs);
  const proofBytes = proof.proofBytes.length;
  const firstMs = first.cpuMs;
  return { nSteps, logNCosets, vmMs, firstMs, ...one, rssBytes, verifyMs, several, proofBytes };
}

// ── all points ────────────────────────────────────────────────────────────────

function pointOf(transitions, logNCosets) {
  const file = fileURLToPath(import.meta.url);
  const args = [file, '--point', `${transitions},${logNCosets}`];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
}

const mb = (bytes) => round(bytes / 1e6, 0);
const seconds = (ms) => (ms / 1000).toFixed(2);
const shares = ({ spent, cpuMs: all }) =>
  PHASES.map((phase) => [phase, Math.round((100 * spent[phase]) / all)]);

function show(found) {
  console.table(
    found.map((one) => ({
      steps: one.nSteps,
      blowUp: 2 ** one.logNCosets,
      vmMs: round(one.vmMs, 0),
      firstMs: round(one.firstMs, 0),
      cpuMs: round(one.cpuMs, 0),
      wallMs: round(one.wallMs, 0),
      [`wallMs${THREADS}`]: round(one.several.wallMs, 0),
      [`cpuMs${THREADS}`]: round(one.several.cpuMs, 0),
      verifyMs: round(one.verifyMs, 1),
      usPerStep: round((1000 * one.cpuMs) / one.nSteps, 0),
      kernelMB: mb(one.kernelBytes),
      rssMB: mb(one.rssBytes),
      proofKB: round(one.proofBytes / 1e3, 1),
    })),
  );
  console.log('share of each phase, percent');
  console.table(
    found.map((one) => ({
      steps: one.nSteps,
      blowUp: 2 ** one.logNCosets,
      ...Object.fromEntries(shares(one)),
    })),
  );
}

function markdown(found) {
  const rows = found.map(
    (one) =>
      `| ${one.nSteps.toLocaleString('en')} | ${2 ** one.logNCosets} ` +
      `| ${proofParameters(one.nSteps, { logNCosets: one.logNCosets }).nQueries} ` +
      `| ${seconds(one.cpuMs)} s | ${seconds(one.wallMs)} s | ${seconds(one.several.wallMs)} s ` +
      `| ${mb(one.kernelBytes)} MB | ${mb(one.rssBytes)} MB | ${mb(1000 * one.proofBytes)} KB ` +
      `| ${round(one.verifyMs, 0)} ms |`,
  );
  const line = (logNCosets) =>
    found.filter((one) => one.logNCosets === logNCosets).map((one) => seconds(one.cpuMs));
  const widest = found.filter((one) => one.logNCosets === BLOW_UPS[0]);
  const of = widest.at(-2) ?? widest[0];
  const parts = shares(of).map(([phase, share]) => `${phase} ${share} %`);
  const max = Math.ceil(Math.max(...found.map((one) => one.cpuMs)) / 5000) * 5;
  return [
    `| steps | blow-up | queries | CPU | wall, 1 thread | wall, ${THREADS} threads | kernels | process | proof | verified in |`,
    '|---|---|---|---|---|---|---|---|---|---|',
    ...rows,
    '',
    `Shares of ${of.nSteps.toLocaleString('en')} steps at blow-up ${2 ** of.logNCosets}: ${parts.join(', ')}.`,
    '',
    '```mermaid',
    'xychart-beta',
    '  title "CPU seconds of a proof by steps: blow-up 16 above, 4 below"',
    `  x-axis [${widest.map((one) => one.nSteps).join(', ')}]`,
    `  y-axis "seconds" 0 --> ${max}`,
    ...BLOW_UPS.map((log) => `  line [${line(log).join(', ')}]`),
    '```',
  ].join('\n');
}

function writeReadme(found) {
  const [begin, end] = ['<!-- made by prove.mjs --write -->', '<!-- end -->'];
  const text = readFileSync(README, 'utf8');
  const [before, rest] = text.split(begin);
  const after = rest.slice(rest.indexOf(end));
  writeFileSync(README, `${before}${begin}\n${markdown(found)}\n${after}`);
}

if (values.point !== undefined) {
  const [transitions, logNCosets] = values.point.split(',').map(Number);
  console.log(JSON.stringify(await measurePoint(transitions, logNCosets)));
} else {
  console.log('four lanes, or two, against one: times faster per element or row');
  console.table(await kernelRatios());
  const found = TRANSITIONS.flatMap((transitions) =>
    BLOW_UPS.map((logNCosets) => pointOf(transitions, logNCosets)),
  );
  show(found);
  if (values.json) writeFileSync(values.json, `${JSON.stringify(found, null, 2)}\n`);
  if (values.write) writeReadme(found);
}
