// T6 of TIME.md as properties: clocks that stop, are set, and run apart.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ElapsedClock } from '../src/sdk/elapsed.ts';

/** A host whose clocks the test moves. */
function host(): { monotonicMs: number; wallMs: number; clock: ElapsedClock } {
  const clocks = { monotonicMs: 5_000, wallMs: 1_800_000_000_000 };
  const clock = new ElapsedClock({
    monotonicMs: () => clocks.monotonicMs,
    wallMs: () => Math.floor(clocks.wallMs),
  });
  return Object.assign(clocks, { clock });
}

/** What one step does to real time and to the two clocks, ms. */
const step = fc.oneof(
  { weight: 8, arbitrary: fc.double({ min: 0, max: 400, noNaN: true }).map(runs) },
  {
    weight: 1,
    arbitrary: fc.nat(60_000).map((ms) => ({ real: ms, monotonic: 0, wall: ms, set: 0 })),
  },
  {
    weight: 1,
    arbitrary: fc
      .integer({ min: -60_000, max: 60_000 })
      .map((ms) => ({ real: 0, monotonic: 0, wall: 0, set: ms })),
  },
);

function runs(ms: number): { real: number; monotonic: number; wall: number; set: number } {
  return { real: ms, monotonic: ms, wall: ms, set: 0 };
}

describe('elapsed time (TIME.md, T6)', () => {
  it('is never less than what passed, through sleeps of the host and clocks that are set', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const at = host();
        const began = at.clock.sample().nowMs;
        let real = 0;
        let sleeps = 0;
        let before = began;
        for (const { real: passed, monotonic, wall, set } of steps) {
          real += passed;
          if (passed > monotonic) sleeps += 1;
          at.monotonicMs += monotonic;
          at.wallMs += wall + set;
          const { nowMs } = at.clock.sample();
          expect(nowMs).toBeGreaterThanOrEqual(before);
          // The wall clock shows whole milliseconds, and is what tells of a sleep.
          expect(nowMs - began).toBeGreaterThanOrEqual(real - 1 - sleeps);
          before = nowMs;
        }
      }),
    );
  });

  it('a small step back hides nothing of the sleep after it, however often', () => {
    const at = host();
    for (let i = 1; i <= 100; i++) {
      at.wallMs -= 20;
      at.clock.sample();
      at.wallMs += 15;
      expect(at.clock.sample()).toEqual({ nowMs: 5_000 + 15 * i, jumped: false });
    }
  });

  it('a process that is stopped between the two readings does not run fast by that', () => {
    let monotonicMs = 5_000;
    let stops = 0;
    const clock = new ElapsedClock({
      monotonicMs: () => monotonicMs,
      wallMs: () => {
        const wallMs = 1_800_000_000_000 + Math.floor(monotonicMs);
        // Every third reading is followed by a pause.
        stops += 1;
        if (stops % 3 === 0) monotonicMs += 30;
        return wallMs;
      },
    });
    for (let i = 0; i < 1_000; i++) {
      monotonicMs += 10;
      clock.sample();
    }
    const { nowMs } = clock.sample();
    expect(nowMs).toBeGreaterThanOrEqual(monotonicMs - 1);
    expect(nowMs).toBeLessThanOrEqual(5_000 + (monotonicMs - 5_000) * 1.001 + 2);
  });

  it('a sleep that only the wall clock saw counts, once, and is told', () => {
    const at = host();
    at.wallMs += 20_000;
    expect(at.clock.sample()).toEqual({ nowMs: 25_000, jumped: true });
    expect(at.clock.sample()).toEqual({ nowMs: 25_000, jumped: false });
    expect(at.clock.toMonotonic(26_000)).toBe(6_000);
  });

  it('a wall clock set back hides nothing: the monotonic one counts', () => {
    const at = host();
    at.wallMs -= 3_600_000;
    at.monotonicMs += 10;
    expect(at.clock.sample()).toEqual({ nowMs: 5_010, jumped: true });
    at.monotonicMs += 90;
    at.wallMs += 90;
    expect(at.clock.sample()).toEqual({ nowMs: 5_100, jumped: false });
  });

  it('many samples of a wall clock of whole milliseconds do not add up', () => {
    const at = host();
    let jumps = 0;
    for (let i = 0; i < 100_000; i++) {
      at.monotonicMs += 0.37;
      at.wallMs += 0.37;
      if (at.clock.sample().jumped) jumps += 1;
    }
    expect(jumps).toBe(0);
    const elapsed = at.clock.sample().nowMs - 5_000;
    expect(elapsed).toBeGreaterThanOrEqual(36_999);
    expect(elapsed).toBeLessThanOrEqual(37_000 * 1.001 + 2);
  });
});
