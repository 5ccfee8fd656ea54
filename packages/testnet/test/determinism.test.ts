import { expect, test } from 'vitest';
import { recordedRun, SCENARIOS } from '../src/index.ts';

test('the same seed gives the same trace bytes, another seed another trace', () => {
  const first = JSON.stringify(recordedRun('orswot', 3));
  expect(JSON.stringify(recordedRun('orswot', 3))).toBe(first);
  expect(JSON.stringify(recordedRun('orswot', 4))).not.toBe(first);
});

for (const [name, play] of Object.entries(SCENARIOS)) {
  test(`scenario ${name} plays twice the same, through a commit`, () => {
    const events = play();
    expect(events.some((event) => event.kind === 'commit')).toBe(true);
    expect(play()).toEqual(events);
  });
}
