// `npm run soak -- [--minutes N] [--kills N [--replace-every M]] [--seed S] [--liar]`: real processes under faults, and
// a judge. The victim of every M-th kill never comes back: another member takes its place.
import { parseArgs } from 'node:util';
import { quantile, runChaos } from '@fatty/chaos';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    kills: { type: 'string' },
    'replace-every': { type: 'string' },
    seed: { type: 'string' },
    liar: { type: 'boolean', default: false },
  },
});
const number = (name, text) => {
  const value = Number(text);
  if (Number.isFinite(value) && value >= 0) return value;
  console.error(`--${name}: a number, not ${text}`);
  process.exit(2);
};
const seed = number('seed', values.seed ?? String(Math.floor(Date.now() / 1000) % 1_000_000));
const kills = values.kills === undefined ? undefined : number('kills', values.kills);
const every = values['replace-every'];
const replaceEvery = every === undefined ? undefined : number('replace-every', every);
const forMs = number('minutes', values.minutes) * 60_000;

const ending = new AbortController();
process.once('SIGINT', () => ending.abort());
console.log(`seed ${seed}: again with --seed ${seed}; Ctrl-C ends it early, with a verdict`);
const report = await runChaos({
  seed,
  forMs,
  liar: values.liar,
  signal: ending.signal,
  ...(kills === undefined ? {} : { kills }),
  ...(replaceEvery === undefined ? {} : { replaceEvery }),
  onSpell: ({ kind, victim, forMs: ms }, count) =>
    console.log(
      `${count}: ${kind} ${kind === 'blackout' ? 'all' : victim}${ms > 0 ? ` for ${ms} ms` : ''}`,
    ),
});
const pauses = report.pausesMs;
const ms = (value) => (value === undefined ? '-' : Math.round(value));
console.table(report.calls);
console.table({
  seed: report.seed,
  seconds: Math.round(report.tookMs / 1000),
  ...report.spells,
  ...(report.liar === undefined ? {} : { liar: report.liar }),
  'paths judged': report.paths,
  'kills (SIGKILL)': report.kills,
  'to the next commit, p50 ms': ms(quantile(pauses, 0.5)),
  'to the next commit, p99 ms': ms(quantile(pauses, 0.99)),
  'to the next commit, longest ms': ms(pauses.at(-1)),
});
if (report.epochs.length > 0) {
  console.table(
    report.epochs.map(({ epoch, tookMs, pauseMs }) => ({
      epoch,
      'from the motion until all are in it, ms': ms(tookMs),
      'no write acknowledged for, ms': ms(pauseMs),
    })),
  );
}
for (const failure of report.failures) console.log(failure);
if (report.failures.length > 0) console.log(`histories and logs: ${report.dir}`);
console.log(report.failures.length === 0 ? 'good' : 'FAILED');
process.exitCode = report.failures.length === 0 ? 0 : 1;
