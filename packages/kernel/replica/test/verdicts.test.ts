// The one cache of verdicts: a job is checked again only when its verdict was forgotten.
import type { Verdict } from '@fatty/interface';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Outbox, Timers } from '../src/boundary/outbox.ts';
import { OwnClock } from '../src/cell/clock.ts';
import { Verdicts } from '../src/checks/verdicts.ts';
import { DEFAULT_TUNING } from '../src/index.ts';

const jobOf = (one: number): Uint8Array => Uint8Array.of(9, one);
const truth = (one: number): Verdict =>
  one % 2 === 0
    ? { kind: 'accept' }
    : { kind: 'reject', code: 'odd', expected: 'even', actual: `${one}` };

function verdicts(verdictsMax: number): { out: Outbox; cache: Verdicts } {
  const out = new Outbox();
  const clock = new OwnClock(4, 1, 250);
  const tuning = { ...DEFAULT_TUNING, verdictsMax };
  return { out, cache: new Verdicts({ clock, out, timers: new Timers(out), tuning }) };
}

/** Jobs that the host was asked to check since the last call. */
function asked(out: Outbox): readonly number[] {
  return out.take().flatMap((effect) => (effect.kind === 'verify' ? effect.job[1] : []) ?? []);
}

describe('verdicts', () => {
  it('are those of the check, which is made again only for what was forgotten', () => {
    const jobs = fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 60 });
    fc.assert(
      fc.property(jobs, fc.integer({ min: 1, max: 5 }), (order, verdictsMax) => {
        const { out, cache } = verdicts(verdictsMax);
        let recent: number[] = [];
        for (const one of order) {
          const known = recent.includes(one);
          const said = cache.ask([{ kind: 'ask', job: jobOf(one) }], undefined);
          expect(asked(out)).toEqual(known ? [] : [one]);
          if (!known) expect(cache.answered(jobOf(one), truth(one))).toBeDefined();
          else if (said.kind === 'asked')
            expect([said.open.size, truth(one).kind]).toEqual([0, 'accept']);
          else expect(said).toEqual(truth(one));
          recent = [...recent.filter((other) => other !== one), one].slice(-verdictsMax);
        }
      }),
    );
  });

  it('are kept when they come after everybody has stopped waiting', () => {
    const { out, cache } = verdicts(4);
    cache.ask([{ kind: 'ask', job: jobOf(1) }], undefined);
    expect(asked(out)).toEqual([1]);
    cache.retry(() => false);
    expect(cache.answered(jobOf(1), truth(1))).toBeUndefined();
    expect(cache.ask([{ kind: 'ask', job: jobOf(1) }], undefined)).toEqual(truth(1));
    expect(asked(out)).toEqual([]);
  });

  it('that say nothing of the job are not kept', () => {
    const { out, cache } = verdicts(4);
    for (const _ of [1, 2]) {
      cache.ask([{ kind: 'ask', job: jobOf(3) }], undefined);
      expect(asked(out)).toEqual([3]);
      const later: Verdict = { kind: 'ignore', code: 'busy', expected: 'time', actual: 'none' };
      cache.answered(jobOf(3), later);
    }
  });
});
