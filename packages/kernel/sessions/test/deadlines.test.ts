// Tests of due times.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Deadlines } from '../src/deadlines.ts';

test('takes what is due, each key once, at its last time', () => {
  const step = fc.record({
    key: fc.integer({ min: 0, max: 8 }).map(String),
    time: fc.option(fc.integer({ min: 1, max: 30 })),
    advance: fc.integer({ min: 0, max: 2 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const deadlines = new Deadlines();
      const model = new Map<string, number>();
      let now = 0;
      for (const { key, time, advance } of steps) {
        if (time === null) {
          deadlines.delete(key);
          model.delete(key);
        } else {
          deadlines.set(key, now + time);
          model.set(key, now + time);
        }
        now += advance;
        const due = [...model].filter(([, at]) => at <= now).map(([one]) => one);
        for (const one of due) model.delete(one);
        expect(deadlines.take(now).sort()).toEqual(due.sort());
        expect(deadlines.size).toBe(model.size);
        expect(deadlines.entries).toBeLessThanOrEqual(2 * model.size + 33);
      }
    }),
  );
});

test('a portion is the first of what is due, by time and key, whatever moved meanwhile', () => {
  const step = fc.record({
    key: fc.integer({ min: 0, max: 8 }).map(String),
    time: fc.option(fc.integer({ min: 1, max: 6 })),
    max: fc.constantFrom(0, 1, 2),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const deadlines = new Deadlines();
      const model = new Map<string, number>();
      steps.forEach(({ key, time, max }, now) => {
        if (time === null) deadlines.delete(key);
        else deadlines.set(key, now + time);
        if (time === null) model.delete(key);
        else model.set(key, now + time);
        const due = [...model].filter(([, at]) => at <= now);
        due.sort(([one, a], [two, b]) => a - b || (one < two ? -1 : 1));
        const first = due.slice(0, max).map(([one]) => one);
        for (const one of first) model.delete(one);
        expect(deadlines.take(now, max)).toEqual(first);
      });
    }),
  );
});

test('waits that are cancelled, and times that move earlier, leave nothing behind', () => {
  const deadlines = new Deadlines();
  for (let i = 0; i < 100; i++) deadlines.set(`kept ${i}`, 2_000_000);
  let most = 0;
  for (let i = 0; i < 100_000; i++) {
    deadlines.set(`wait ${i}`, 1_000_000 + i);
    deadlines.delete(`wait ${i}`);
    deadlines.set('earlier', 900_000 - i);
    most = Math.max(most, deadlines.entries);
  }
  expect(most).toBeLessThan(300);
  expect(deadlines.take(1_100_000)).toEqual(['earlier']);
  expect(deadlines.take(2_000_000)).toHaveLength(100);
  expect(deadlines.entries).toBe(0);
});
