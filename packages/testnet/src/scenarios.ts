import type { Op } from '@fatty/api';
import { standIn } from '@fatty/codec';
import type { TraceEvent } from '@fatty/interface';
import { makeCell, smallWindows } from './cell.ts';
import { HoldChecker } from './checkers/holds.ts';
import { watch } from './checkers/index.ts';
import { CALM_NETWORK, type Fault, QUICK_DISK, QUICK_VERIFIER } from './faults.ts';
import type { Lie } from './liars/index.ts';
import { lockService } from './nets/service.ts';
import { SessionClient } from './nets/session.ts';
import { stage } from './stage.ts';
import type { World } from './world.ts';

interface Script {
  readonly seed: number;
  readonly forMs: number;
  readonly liars?: ReadonlyMap<number, Lie>;
  readonly faults?: readonly Fault[];
  play(world: World): void;
}

const acquire = (path: string): Op => ({
  kind: 'acquire',
  path,
  mode: 'exclusive',
  maxWaitMs: undefined,
  lockDelayMs: 0,
});
const release = (path: string): Op => ({ kind: 'release', path, lockGen: undefined });
const file = (path: string): Op => ({
  kind: 'create',
  path,
  node: 'file',
  mode: 'shared',
  ephemeral: false,
  exclusive: false,
  content: new Uint8Array(),
});

/** Plays a script with every checker on; a scenario that breaks an invariant has no chart. */
function record(script: Script): readonly TraceEvent[] {
  const cell = makeCell(4, standIn(), smallWindows(4));
  const liars = script.liars ?? new Map<number, Lie>();
  const events: TraceEvent[] = [];
  const seen = watch({ cell, liars: new Set(liars.keys()), skewMsMax: 0 });
  const { world } = stage({
    cell,
    liars,
    seed: script.seed,
    network: CALM_NETWORK,
    disk: QUICK_DISK,
    machine: (context) => ({ machine: lockService(context) }),
    verifier: QUICK_VERIFIER,
    checkers: [...seen.checkers, new HoldChecker(() => undefined)],
    tracer: { trace: (event) => void events.push(event) },
  });
  world.start(script.faults ?? []);
  script.play(world);
  world.run(script.forMs);
  const [broken] = world.violations;
  if (broken !== undefined) throw new Error(`${broken.rule}: ${broken.expected}, ${broken.actual}`);
  return events;
}

function happyLock(world: World): void {
  const alice = new SessionClient(world, 'c0', 0, 30_000);
  alice.send([file('/master')]);
  alice.send([acquire('/master')]);
  world.after(400, () => alice.send([release('/master')]));
  world.after(600, () => alice.send([{ kind: 'closeSession' }]));
}

function contendedLock(world: World): void {
  const alice = new SessionClient(world, 'c0', 0, 30_000);
  const bob = new SessionClient(world, 'c1', 1, 30_000);
  alice.send([file('/master'), acquire('/master')]);
  world.after(250, () => bob.send([acquire('/master')]));
  world.after(500, () => alice.send([release('/master')]));
  bob.onNotice = (notice) => {
    if (notice.kind === 'granted') world.after(100, () => bob.send([release('/master')]));
  };
  world.after(1000, () => {
    for (const client of [alice, bob]) client.send([{ kind: 'closeSession' }]);
  });
}

function writes(world: World): void {
  const alice = new SessionClient(world, 'c0', 0, 30_000);
  for (let i = 0; i < 8; i++) world.after(150 * i, () => alice.send([file(`/f${i}`)]));
  world.after(1500, () => alice.send([{ kind: 'closeSession' }]));
}

/** Scripted runs for the committed charts; each is deterministic. */
export const SCENARIOS: Readonly<Record<string, () => readonly TraceEvent[]>> = {
  'happy-lock': () => record({ seed: 1, forMs: 1200, play: happyLock }),
  'contended-lock': () => record({ seed: 2, forMs: 1600, play: contendedLock }),
  'equivocating-replica': () =>
    record({ seed: 3, forMs: 2000, liars: new Map([[3, 'equivocate']]), play: writes }),
  'crash-and-catch-up': () =>
    record({
      seed: 4,
      forMs: 3e3,
      play: writes,
      faults: [
        {
          kind: 'crash',
          atMs: 300,
          forMs: 900,
          replica: 2,
          power: true,
        },
      ],
    }),
  'partition-and-heal': () =>
    record({
      seed: 5,
      forMs: 4e3,
      play: writes,
      faults: [
        {
          kind: 'partition',
          atMs: 300,
          forMs: 800,
          side: [0, 1],
        },
      ],
    }),
};
