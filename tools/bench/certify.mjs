// `node tools/bench/certify.mjs [--pairs N] [--op noop|put|lock] [--for MS] [--params JSON]`: what certifying costs: 64
// clients on the cells of `model.mjs`, in turn with and without checkpoints (state roots, votes, certificates, frames). In turn, so
// that what else the machine does falls on both.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { quantile, round } from './probe.mjs';

const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '5' },
    op: { type: 'string', default: 'noop' },
    for: { type: 'string', default: '3000' },
    params: { type: 'string', default: '{}' },
  },
});
const MODEL = fileURLToPath(new URL('./model.mjs', import.meta.url));

function run(...flags) {
  const args = [MODEL, '--op', values.op, '--for', values.for, '--params', values.params, ...flags];
  const { stdout, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the model ended with ${status}`);
  const of = (what) => Number(new RegExp(`^\\| ${what}[^|]*\\| ([\\d.]+)`, 'm').exec(stdout)?.[1]);
  return { perSec: of(`${values.op} a second`), cpuMs: of('CPU of all replicas') };
}

const pairs = [];
for (let pair = 0; pair < Number(values.pairs); pair++) {
  const [without, withAll] = [run('--uncertified'), run()];
  pairs.push({ without, withAll });
  console.log(JSON.stringify(pairs.at(-1)));
}
const middle = (figures) => quantile(figures, 0.5);
const figure = (of) => ({
  without: round(middle(pairs.map(({ without }) => without[of]))),
  with: round(middle(pairs.map(({ withAll }) => withAll[of]))),
  'with / without, median of pairs': round(
    middle(pairs.map(({ without, withAll }) => withAll[of] / without[of])),
  ),
});
console.table({ 'ops a second': figure('perSec'), 'CPU of replicas, ms per op': figure('cpuMs') });
