// Tests of the own clock (R12a).
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OwnClock } from '../src/index.ts';

const T = 1_700_000_000_000;
const HOUR_MS = 3_600_000;

/** A clock of member 0 of four, f = 1, that has been read at T. */
function begun(): OwnClock {
  const clock = new OwnClock(4, 1, 250);
  clock.sample({ nowMs: T, monotonicMs: 0 });
  return clock;
}

describe('the own clock (R12a)', () => {
  it('follows the wall, and runs on when that is set back', () => {
    const clock = begun();
    clock.sample({ nowMs: T + 1_000, monotonicMs: 1_000 });
    expect([clock.nowMs, clock.runningMs]).toEqual([T + 1_000, T + 1_000]);
    clock.sample({ nowMs: T - HOUR_MS, monotonicMs: 2_000 });
    expect([clock.nowMs, clock.runningMs]).toEqual([T + 1_980, T + 2_000]);
    expect(clock.aheadOfWallMs).toBe(HOUR_MS + 1_980);
  });

  it('is back at the wall when the wall has caught up', () => {
    const clock = begun();
    for (let ms = 100; ms <= 60_000; ms += 100) {
      clock.sample({ nowMs: T - 1_000 + ms, monotonicMs: ms });
    }
    expect(clock.nowMs).toBe(T + 59_000);
  });

  it('measures durations by the wall alone where nothing else is told: steps back count nothing', () => {
    const clock = new OwnClock(4, 1, 250);
    for (const nowMs of [T, T + 10, T - HOUR_MS, T - HOUR_MS + 5]) clock.sample({ nowMs });
    expect(clock.runningMs).toBe(T + 15);
    expect(clock.nowMs).toBe(T + 14);
  });

  it('never leaves its own stamps, whatever their time was', () => {
    const clock = new OwnClock(4, 1, 250);
    clock.stamped(T + HOUR_MS);
    clock.sample({ nowMs: T, monotonicMs: 5 });
    expect(clock.nowMs).toBe(T + HOUR_MS);
    clock.sample({ nowMs: T, monotonicMs: 1_005 });
    expect(clock.nowMs).toBe(T + HOUR_MS + 980);
  });

  it('goes along when f + 1 others are ahead, and no liar alone takes it there', () => {
    const clock = begun();
    expect(clock.signed(1, T + HOUR_MS)).toBe(false);
    expect(clock.nowMs).toBe(T);
    expect(clock.signed(2, T + 60_000)).toBe(true);
    expect(clock.nowMs).toBe(T + 60_000);
  });

  it('waits for the others when all but f are behind, and goes with what they say next', () => {
    const clock = begun();
    clock.told(1, T);
    clock.told(2, T);
    clock.told(3, T - HOUR_MS);
    clock.sample({ nowMs: T + HOUR_MS, monotonicMs: 100 });
    expect(clock.nowMs).toBe(T - HOUR_MS + HOUR_MS + 100);
    expect(clock.freeMs).toBe(T + HOUR_MS);
    expect(clock.offsetMs(1)).toBe(100 - HOUR_MS);
    clock.told(1, T + HOUR_MS);
    clock.told(2, T + HOUR_MS);
    expect(clock.nowMs).toBe(T + HOUR_MS);
  });

  it('an old word pulls nobody forward', () => {
    const clock = begun();
    clock.told(1, T + HOUR_MS);
    clock.sample({ nowMs: T + 60_000, monotonicMs: 60_000 });
    clock.told(2, T + HOUR_MS);
    expect(clock.nowMs).toBe(T + 60_000);
  });

  it('asks the others now and then, and more often while it doubts itself', () => {
    const clock = begun();
    const asked = (fromMs: number, toMs: number, wallMs: number): number => {
      let times = 0;
      for (let ms = fromMs; ms < toMs; ms += 100) {
        clock.sample({ nowMs: T + wallMs + ms, monotonicMs: ms });
        if (clock.isAskDue) {
          clock.asked();
          times++;
        }
      }
      return times;
    };
    expect(asked(0, 60_000, 0)).toBe(6);
    for (const member of [1, 2, 3]) clock.told(member, T + 60_000);
    expect(asked(60_000, 120_000, HOUR_MS)).toBe(60);
  });

  it('with honest clocks near one time and one liar, no history takes it out of their range', () => {
    const step = fc.record({
      kind: fc.constantFrom('sample', 'told', 'signed', 'lie', 'set'),
      passedMs: fc.nat(5_000),
      member: fc.constantFrom(1, 2),
      skewMs: fc.integer({ min: -100, max: 100 }),
      byMs: fc.integer({ min: -2 * HOUR_MS, max: 2 * HOUR_MS }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const clock = begun();
        for (const member of [1, 2]) clock.told(member, T);
        let realMs = 0;
        let setMs = 0;
        for (const { kind, passedMs, member, skewMs, byMs } of steps) {
          realMs += passedMs;
          if (kind === 'set') setMs = byMs;
          clock.sample({ nowMs: T + realMs + setMs, monotonicMs: realMs });
          if (kind === 'told') clock.told(member, T + realMs + skewMs);
          if (kind === 'signed') clock.signed(member, T + realMs + skewMs);
          if (kind === 'lie') clock.told(3, T + realMs + byMs);
          clock.stamped(clock.nowMs);
          // 100 of the others, 250 that are its own affair.
          expect(clock.nowMs - T - realMs).toBeLessThanOrEqual(350);
          expect(clock.nowMs - T - realMs).toBeGreaterThanOrEqual(-100 - realMs / 50 - 1);
        }
      }),
    );
  });
});
