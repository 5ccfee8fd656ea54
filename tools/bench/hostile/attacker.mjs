// A process of hostile.mjs that attacks: `attacker.mjs CELL NAME`. Prepares, says `ready`, attacks from `go` to `stop`, and
// reports what it sent, what it was answered, and the CPU it took.
import { loadCell } from '../../../packages/apps/node/dist/settings.js';
import { ATTACKS } from './attacks.mjs';
import { Target } from './target.mjs';

/** Nobody forgets it here. */
const LIFE_MS_MAX = 150_000;
const [, , cellPath, name] = process.argv;

process.on('disconnect', () => process.exit());
setTimeout(() => process.exit(1), LIFE_MS_MAX).unref();

const loaded = loadCell(cellPath);
if (!loaded.ok) throw new Error(loaded.failure.code);
const target = new Target(loaded.value, cellPath);
const attack = await ATTACKS[name](target);
let beganMs = 0;
let cpu = process.cpuUsage();
process.on('message', ({ kind }) => {
  if (kind === 'go') {
    beganMs = performance.now();
    cpu = process.cpuUsage();
    target.begin();
    attack();
    return;
  }
  target.isOn = false;
  const { user, system } = process.cpuUsage(cpu);
  const tookMs = performance.now() - beganMs;
  const { sent, tally } = target;
  process.send({ kind: 'report', sent, tally, tookMs, cpuMs: (user + system) / 1_000 }, () =>
    process.exit(),
  );
});
process.send({ kind: 'ready' });
