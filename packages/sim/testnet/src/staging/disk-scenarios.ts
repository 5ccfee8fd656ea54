// Scripts of disks that have lost something, for charts.
import { falseChunks } from '../liars/false-chunks.ts';
import {
  committedOps,
  file,
  isMishap,
  isPacket,
  isTold,
  ofClient,
  type Recording,
  record,
  SETTLED_MS,
  touches,
  writer,
} from './script.ts';
import { SessionClient } from './session.ts';

/** The disk of r2 is as it was a second before: it is shown what its key has signed since, and only follows. */
export function amnesia(): Recording {
  const about = /^status|^asks for|^sends|block \d+\/r2/;
  const backMs = SETTLED_MS + 1_200;
  return record({
    seed: 8,
    fromMs: backMs - 20,
    toMs: backMs + 700,
    faults: [{ kind: 'putBack', atMs: SETTLED_MS + 200, forMs: 1_000, replica: 2 }],
    shows: (event) =>
      isMishap(event) ||
      ofClient(event) ||
      (event.who === 'r2' && (isTold(event) || committedOps(event))) ||
      (touches(event, 'r2') && isPacket(event) && about.test(event.label)),
    play(world) {
      writer(world, 0, 100, 20);
      const bob = new SessionClient(world, 'c1', 2, 30_000);
      world.after(200, () => bob.send([file('/by-r2')]));
      world.after(1_350, () => bob.send([file('/later')]));
    },
  });
}

/** One that slept past what the others keep comes back by a frame; who serves false chunks is asked for no more. */
export function syncFromALiar(): Recording {
  const about = /^asks for a frame|^frame of commit|^no newer frame|^asks for chunk|^chunk /;
  const sleptMs = 6_000;
  return record({
    seed: 7,
    fromMs: SETTLED_MS + 200 + sleptMs,
    toMs: SETTLED_MS + sleptMs + 1_500,
    programs: new Map([[1, falseChunks]]),
    faults: [{ kind: 'crash', atMs: SETTLED_MS + 200, forMs: sleptMs, replica: 3, power: true }],
    frames: {
      copying: { bytesMin: 40_000, chunkBytes: 2_048 },
      tuning: { logKeptBytesMin: 0, logKeptBytesMax: 0, syncLagRounds: 2 },
    },
    shows: (event) => {
      if (isMishap(event) || (event.who === 'r3' && isTold(event))) return true;
      if (event.who === 'r3' && committedOps(event)) return true;
      return touches(event, 'r3') && isPacket(event) && about.test(event.label);
    },
    play: (world) => writer(world, 0, 60, 120),
  });
}
