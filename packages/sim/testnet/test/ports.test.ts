// Tests of the simulator's ports by the suite that real ones pass.
import type { HostPorts } from '@fatty/host';
import { type PortCase, portConformance } from '@fatty/host/conformance';
import { expect, test } from 'vitest';
import { Disk } from '../src/world/disk.ts';
import { EventHeap } from '../src/world/heap.ts';
import { virtualPorts } from '../src/world/ports.ts';
import { SeededRng } from '../src/world/rng.ts';

/** Runs a case to rest, over ports that `bend` may break. */
function run(
  { begin }: PortCase,
  seed: number,
  bend: (ports: HostPorts) => Partial<HostPorts> = () => ({}),
): readonly string[] {
  const heap = new EventHeap();
  let nowMs = 0;
  const after = (delayMs: number, act: () => void): (() => void) => {
    let isDue = true;
    heap.push(nowMs + delayMs, () => isDue && act());
    return () => {
      isDue = false;
    };
  };
  const ports = virtualPorts({
    clock: { nowMs: () => nowMs, monotonicMs: () => nowMs },
    disk: new Disk({ syncMsMin: 1, syncMsMax: 9 }, new SeededRng(seed), after),
    after,
    verify: (_job, answer) => void after(seed, () => answer(undefined)),
    synced: () => undefined,
    awake: (act) => act(),
  });
  const end = begin({ ...ports, ...bend(ports) });
  for (let event = heap.pop(); event !== undefined; event = heap.pop()) {
    nowMs = event.atMs;
    event.run();
  }
  return end();
}

test.each(portConformance)('in virtual time: $name', (one) => {
  for (let seed = 1; seed <= 20; seed++) expect(run(one, seed)).toEqual([]);
});

test.each<[string, (ports: HostPorts) => Partial<HostPorts>]>([
  [
    'written within the call',
    ({ log }) => ({ log: { ...log, append: (_, written) => written(undefined, 1) } }),
  ],
  [
    'a mark told twice',
    ({ mark }) => ({
      mark: {
        write: (bytes, written) =>
          mark.write(bytes, () => {
            written(undefined);
            written(undefined);
          }),
      },
    }),
  ],
  [
    'a timer that is never called off',
    ({ timers }) => ({
      timers: {
        after: (delayMs, act) => {
          timers.after(delayMs, act);
          return () => undefined;
        },
      },
    }),
  ],
  [
    'timers that are early',
    ({ timers }) => ({
      timers: { after: (delayMs, act) => timers.after(Math.floor(delayMs / 2), act) },
    }),
  ],
  ['a job without an answer', () => ({ verifier: { verify: () => undefined } })],
  [
    'a range out of order',
    ({ kv }) => ({
      kv: {
        get: (key) => kv.get(key),
        range: (from, to, most) => [...kv.range(from, to, most)].reverse(),
        write: (entries, written) => kv.write(entries, written),
      },
    }),
  ],
])('finds %s', (_what, bend) => {
  expect(portConformance.flatMap((one) => run(one, 3, bend))).not.toEqual([]);
});
