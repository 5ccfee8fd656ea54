// `node tools/bench/frames.mjs [--commits N] [--whole] [--keep DIR]`: bytes on a real disk and time of a restart
// from it against commits, with small windows, segments and frames. The commits are made in virtual time
// (`steady.mjs`); what replica 0 has on its disk after so many is written to a folder by package storage, and
// read back by the path of a restart. `--whole` restarts from the whole log too, as without frames.
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openFrames, openLog, openMark } from '../../packages/edge/storage/dist/index.js';
import { DEFAULT_PARAMS } from '../../packages/kernel/protocol/dist/index.js';
import { freshReplica, SteadyWorld } from './steady.mjs';

const { values } = parseArgs({
  options: {
    commits: { type: 'string', default: '10000' },
    whole: { type: 'boolean' },
    keep: { type: 'string' },
  },
});
const commitsMax = Number(values.commits);
if (!Number.isSafeInteger(commitsMax) || commitsMax < 1_000) {
  console.error('--commits takes a whole number from 1000');
  process.exit(2);
}

const SEGMENT_BYTES = 64 * 1024;
const PARAMS = { ...DEFAULT_PARAMS, supportRoundsMax: 20, horizonRounds: 40 };
const TUNING = { logKeptBytesMin: 0 };
const COPYING = { bytesMin: 256 * 1024, chunkBytes: 64 * 1024 };

/** The disk of a replica: what is on it, and with `isWhole` all that ever was. */
class Disk {
  records = [];
  whole = [];
  frames = [];
  mark = undefined;
  segment = 1;
  inSegment = 0;
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
      this.wholeBytes += record.body.length;
    }
    this.mark = mark ?? this.mark;
    return this.segment;
  }

  keep({ index, head, payload }) {
    this.frames = [...this.frames, { index, head, payload }].slice(-2);
  }

  drop(below) {
    this.records = this.records.filter(({ segment }) => segment >= below);
  }
}

const GROUP = 64;
const LIMITS = { segmentBytesMax: SEGMENT_BYTES, groupBytesMax: SEGMENT_BYTES };

/** Writes what a disk holds to a folder, as a replica does. */
async function write(dir, records, { frames, mark }) {
  const log = await openLog(join(dir, 'log'), LIMITS);
  const appends = [];
  for (let at = 0; at < records.length; at += GROUP) {
    appends.push(log.append(records.slice(at, at + GROUP)));
  }
  await Promise.all(appends);
  await log.close();
  const store = await openFrames(join(dir, 'frames'));
  for (const { index, ...frame } of frames) await store.write(index, frame);
  await store.close();
  const signer = await openMark(join(dir, 'signer'));
  await signer.write(mark);
  await signer.close();
}

function bytesIn(dir) {
  return readdirSync(dir, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(dir, entry.name);
    return sum + (entry.isDirectory() ? bytesIn(path) : statSync(path).size);
  }, 0);
}

/** A restart from a folder: wall and CPU, ms, and the commit it leads to. */
async function restart(world, dir) {
  const [beganMs, began] = [performance.now(), process.cpuUsage()];
  const log = await openLog(join(dir, 'log'), LIMITS);
  const frames = await openFrames(join(dir, 'frames'));
  const signer = await openMark(join(dir, 'signer'));
  const replica = freshReplica(world, 0);
  const [newest] = await frames.read();
  if (newest && !replica.resume(newest.head, newest.payload).ok) throw new Error('a bad frame');
  let part = [];
  for await (const record of log.replay()) {
    if (part.push(record) < 1_000) continue;
    replica.restore(part);
    part = [];
  }
  replica.restore(part, await signer.read());
  const { user, system } = process.cpuUsage(began);
  const wallMs = performance.now() - beganMs;
  await Promise.all([log.close(), frames.close(), signer.close()]);
  return { cpuMs: (user + system) / 1_000, wallMs, commit: replica.status().commitIndex };
}

async function measure(world, name, records, disk) {
  const dir = join(root, name);
  await write(dir, records, disk);
  const found = { ...(await restart(world, dir)), bytes: bytesIn(dir) };
  if (values.keep === undefined) rmSync(dir, { recursive: true });
  return found;
}

const mib = (bytes) => Math.round((bytes / 2 ** 20) * 100) / 100;
/** 0: it does not grow with commits; 1: twice the commits, twice of it. */
const slope = (a, b, of) => Math.log(b[of] / a[of]) / Math.log(b.commits / a.commits);

const root = values.keep ?? mkdtempSync(join(tmpdir(), 'fatty-frames-'));
const disks = [0, 1, 2, 3].map((me) => new Disk(values.whole === true && me === 0));
const [disk] = disks;
const STEPS = [1, 2, 5].flatMap((digit) => [1e3, 1e4, 1e5, 1e6].map((ten) => digit * ten));
const options = { params: PARAMS, tuning: TUNING, copying: COPYING };
const world = new SteadyWorld({ ...options, diskOf: (me) => disks[me] });
const rows = [];
for (const commits of STEPS.sort((a, b) => a - b).filter((one) => one <= commitsMax)) {
  world.run(commits);
  // The first restart of a process pays for code that is compiled then.
  if (rows.length === 0) await measure(world, 'warm-up', disk.records, disk);
  const now = await measure(world, `${commits}`, disk.records, disk);
  const row = {
    commits,
    writtenMiB: mib(disk.wholeBytes),
    diskMiB: mib(now.bytes),
    restartCpuMs: Math.round(now.cpuMs),
    restartMs: Math.round(now.wallMs),
    replayed: now.commit - (disk.frames.at(-1)?.index ?? 0),
  };
  if (values.whole) {
    const whole = await measure(world, `${commits}-whole`, disk.whole, {
      frames: [],
      mark: disk.mark,
    });
    row.wholeCpuMs = Math.round(whole.cpuMs);
  }
  rows.push(row);
  console.log(JSON.stringify(row));
}
if (values.keep === undefined) rmSync(root, { recursive: true });
const [first, last] = [rows[0], rows.at(-1)];
const named = ['diskMiB', 'restartCpuMs', ...(values.whole ? ['wholeCpuMs'] : [])];
for (const of of named) {
  console.log(
    `slope of ${of}: ${slope(first, last, of).toFixed(2)} (0: flat, 1: grows as commits)`,
  );
}
