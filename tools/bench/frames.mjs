// `node tools/bench/frames.mjs [--commits N] [--whole]`: bytes on disk and CPU of a restart against
// commits, with small windows, segments and frames, in virtual time (`steady.mjs`). `--whole` restarts
// from the whole log too, as without frames.
import { parseArgs } from 'node:util';
import { DEFAULT_PARAMS } from '../../packages/kernel/protocol/dist/index.js';
import { freshReplica, SteadyWorld } from './steady.mjs';

const { values } = parseArgs({
  options: { commits: { type: 'string', default: '10000' }, whole: { type: 'boolean' } },
});
const commitsMax = Number(values.commits);
if (!Number.isSafeInteger(commitsMax) || commitsMax < 1_000) {
  console.error('--commits takes a whole number from 1000');
  process.exit(2);
}

const SEGMENT_BYTES = 64 * 1024;
const PARAMS = { ...DEFAULT_PARAMS, supportRoundsMax: 20, horizonRounds: 40 };
const TUNING = { frameLogBytesMin: 256 * 1024, logKeptBytesMin: 0 };

/** The disk of a replica: what is on it, and with `isWhole` all that ever was. */
class Disk {
  records = [];
  whole = [];
  frames = [];
  mark = undefined;
  segment = 1;
  inSegment = 0;
  logBytes = 0;
  wholeBytes = 0;

  constructor(isWhole) {
    this.isWhole = isWhole;
  }

  append(records, mark) {
    if (this.inSegment >= SEGMENT_BYTES) {
      this.segment++;
      this.inSegment = 0;
    }
    for (const record of records) {
      const placed = { ...record, segment: this.segment };
      this.records.push(placed);
      if (this.isWhole) this.whole.push(placed);
      this.inSegment += record.body.length;
      this.logBytes += record.body.length;
      this.wholeBytes += record.body.length;
    }
    this.mark = mark ?? this.mark;
    return this.segment;
  }

  keep(frame) {
    this.frames = [...this.frames, frame].slice(-2);
  }

  drop(below) {
    const gone = this.records.filter(({ segment }) => segment < below);
    for (const { body } of gone) this.logBytes -= body.length;
    this.records = this.records.filter(({ segment }) => segment >= below);
  }

  get frameBytes() {
    return this.frames.reduce((sum, { head, state }) => sum + head.length + state.length, 0);
  }
}

/** CPU of a restart, ms, and the commit it leads to. */
function restart(world, records, { frames, mark }) {
  const replica = freshReplica(world, 0);
  const before = process.cpuUsage();
  const newest = frames.at(-1);
  if (newest && !replica.resume(newest.head, newest.state).ok) throw new Error('a bad frame');
  for (let at = 0; at < records.length; at += 1_000) {
    replica.restore(records.slice(at, at + 1_000));
  }
  replica.restore([], mark);
  const { user, system } = process.cpuUsage(before);
  return { ms: Math.round((user + system) / 100) / 10, commit: replica.status().commitIndex };
}

const mib = (bytes) => Math.round((bytes / 2 ** 20) * 100) / 100;
const disks = [0, 1, 2, 3].map((me) => new Disk(values.whole === true && me === 0));
const [disk] = disks;
const STEPS = [1, 2, 5].flatMap((digit) => [1e3, 1e4, 1e5, 1e6].map((ten) => digit * ten));
const world = new SteadyWorld({ params: PARAMS, tuning: TUNING, diskOf: (me) => disks[me] });
for (const commits of STEPS.sort((a, b) => a - b).filter((one) => one <= commitsMax)) {
  world.run(commits);
  const now = restart(world, disk.records, disk);
  const row = {
    commits,
    writtenMiB: mib(disk.wholeBytes),
    logMiB: mib(disk.logBytes),
    framesMiB: mib(disk.frameBytes),
    restartMs: now.ms,
    replayed: now.commit - (disk.frames.at(-1)?.index ?? 0),
  };
  const whole = values.whole
    ? restart(world, disk.whole, { mark: disk.mark, frames: [] })
    : undefined;
  console.log(JSON.stringify(whole ? { ...row, wholeRestartMs: whole.ms } : row));
}
