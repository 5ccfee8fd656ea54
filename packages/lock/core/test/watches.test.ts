// Tests of watches: what is believed of what gateways say, some of which lie, crash or have forgotten.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LIES, type Lie, type Script, Stage, startOf, TOPIC } from './watch-stage.ts';

const act = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('commit' as const), count: fc.nat(4) }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('apply' as const), who: fc.nat(6) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('link' as const), who: fc.nat(6), up: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('forget' as const), who: fc.nat(6), keep: fc.nat(6) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('restart' as const), keep: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('takes' as const), takes: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('pass' as const),
      ms: fc.constantFrom(10, 1_000, 9_000),
    }),
  },
);
const script = fc.record({
  n: fc.constantFrom(4, 7),
  liars: fc.nat(2),
  lie: fc.constantFrom(...LIES),
  second: fc.constantFrom(...LIES),
  together: fc.boolean(),
  from: fc.constantFrom('start' as const, 'now' as const, 'later' as const),
  acts: fc.array(act, { minLength: 10, maxLength: 80, size: 'max' }),
});

test('f liars, crashes and short memories: no gap, no double, no lie, and everything in the end', () => {
  const reached = { told: 0, gaps: 0, suspects: 0, relinked: 0, whole: 0 };
  const lied = new Map<Lie, number>();
  fc.assert(
    fc.property(script, ({ n, liars, lie, second, together, from, acts }) => {
      const faults = (n - 1) / 3;
      const lies: (Lie | undefined)[] = [];
      for (let i = 0; i < Math.min(liars, faults); i++)
        lies.push(i === 0 || together ? lie : second);
      for (const one of lies) if (one) lied.set(one, 1 + (lied.get(one) ?? 0));
      const stage = new Stage({ n, lies, from });
      for (let i = 0; i < n; i++) stage.link(i, true);
      for (const one of acts) {
        if (one.kind === 'commit') stage.commits(one.count);
        if (one.kind === 'apply') stage.apply(one.who);
        if (one.kind === 'forget') stage.forget(one.who, one.keep);
        // All come again, with a short memory.
        for (let who = 0; one.kind === 'restart' && who < n; who++) {
          stage.link(who, false);
          stage.commits(1);
          stage.apply(who);
          stage.forget(who, one.keep);
          stage.link(who, true);
        }
        if (one.kind === 'takes') stage.takes = one.takes;
        if (one.kind === 'pass') stage.pass(one.ms);
        if (one.kind === 'link') {
          stage.link(one.who, one.up);
          reached.relinked++;
        }
        stage.check();
      }
      stage.takes = true;
      for (let i = 0; i < n; i++) stage.link(i, true);
      for (let i = 0; i < 4; i++) stage.commits(1);
      for (let round = 0; round < 6; round++) {
        for (let i = 0; i < n; i++) stage.apply(i);
        stage.settle();
        stage.pass(11_000);
      }
      stage.check();
      expect(stage.failed).toBeUndefined();
      expect(stage.until).toEqual(startOf(stage.commit + 1));
      reached.told += stage.told.length;
      reached.gaps += stage.gaps.length;
      reached.suspects += stage.suspects.size;
      if (stage.gaps.length === 0 && stage.told.length > 0) reached.whole++;
    }),
    { numRuns: 150 },
  );
  expect(reached.told).toBeGreaterThan(2_000);
  expect(reached.gaps).toBeGreaterThan(40);
  expect(reached.suspects).toBeGreaterThan(10);
  expect(reached.relinked).toBeGreaterThan(200);
  expect(reached.whole).toBeGreaterThan(30);
  expect(LIES.filter((one) => (lied.get(one) ?? 0) < 1)).toEqual([]);
});

function all(
  n = 4,
  lies: readonly (Lie | undefined)[] = [],
  from: Script['from'] = 'start',
): Stage {
  const stage = new Stage({ n, lies, from });
  for (let i = 0; i < n; i++) stage.link(i, true);
  return stage;
}

describe('a watch', () => {
  test('believes f + 1, not f, and hears of silence as well', () => {
    const stage = all();
    stage.commits(1);
    stage.apply(0);
    expect(stage.told.length).toBe(0);
    stage.apply(1);
    expect(stage.told.length).toBe(1);
    stage.commits(0);
    stage.apply(2);
    expect(stage.until).toEqual(startOf(2));
    stage.apply(3);
    expect(stage.until).toEqual(startOf(3));
  });

  test('whose caller takes nothing is told a bounded number, and the rest when it does', () => {
    const stage = all();
    stage.takes = false;
    for (let i = 0; i < 200; i++) {
      stage.commits(10);
      for (let who = 0; who < 4; who++) stage.apply(who);
    }
    expect(stage.told.length).toBeLessThanOrEqual(256);
    stage.takes = true;
    stage.settle();
    stage.pass(1_000);
    for (let who = 0; who < 4; who++) stage.apply(who);
    expect(stage.told.length).toBe(2_000);
    stage.check();
  });

  test('is told where events are gone, once, and goes on there', () => {
    const stage = new Stage({ n: 4, lies: [], from: 'start' });
    for (let i = 0; i < 9; i++) stage.commits(1);
    for (let who = 0; who < 4; who++) {
      stage.apply(who);
      stage.forget(who, 4);
    }
    for (let who = 0; who < 4; who++) stage.link(who, true);
    stage.pass(2_000);
    expect(stage.gaps).toEqual([{ code: 'compacted', from: startOf(6), after: 0 }]);
    expect(stage.told.map(({ position }) => position.commit)).toEqual([6, 7, 8, 9]);
  });

  test('no liar says alone that events are gone, or where to go on', () => {
    const stage = all(4, ['compacted']);
    stage.commits(3);
    for (let who = 0; who < 4; who++) stage.apply(who);
    stage.pass(20_000);
    expect(stage.gaps).toEqual([]);
    expect(stage.told.length).toBe(3);
  });

  test('fails where f + 1 say that there is nothing to watch', () => {
    const one = all(4, ['refuse']);
    one.pass(20_000);
    expect(one.failed).toBeUndefined();
    expect(all(4, ['refuse', 'refuse']).failed).toBe('no_events');
  });

  test('there are as many as a gateway allows', () => {
    const stage = all();
    const failures = Array.from({ length: 64 }, (_, i) =>
      stage.core.step({ kind: 'watch', watch: 2 + i, topic: TOPIC, from: undefined, atMs: 0 }),
    ).flatMap((effects) => effects.filter((one) => one.kind === 'watchFailed'));
    expect(failures.map((one) => one.kind === 'watchFailed' && one.failure.code)).toEqual([
      'too_many_watches',
    ]);
  });
});
