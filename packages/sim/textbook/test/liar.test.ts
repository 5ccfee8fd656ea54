// Tests of the shows of one liar.
import { describe, expect, it } from 'vitest';
import { HONEST, isSplit, LIAR_SHOWS, tellShow } from '../src/index.ts';

describe.each(Object.entries(LIAR_SHOWS))('%s', (name, play) => {
  const show = play();

  it('is the same every time', () => {
    expect(play().recording.events).toEqual(show.recording.events);
  });

  it('tells r0 and r1 what it tells r2 otherwise', () => {
    const { events } = show.recording;
    const told = (to: string): string | undefined => {
      const sent = events.filter(({ kind, who, peer }) => {
        return kind === 'send' && who === 'r3' && peer === to;
      });
      // Blocks do not show contents; their clients are known by what they want.
      const wishes = sent.flatMap(({ label, ops = [] }) => {
        const op = ops.find(({ path }) => path === '/decision');
        const value = op?.client === 'c0' ? 'blue' : 'red';
        return op ? [value] : (/blue|red/u.exec(label) ?? []);
      });
      return wishes[0];
    };
    expect(['r0', 'r1', 'r2'].map(told)).toEqual(['blue', 'blue', 'red']);
  });

  it('ends with a value at every honest member', () => {
    expect(show.beliefs).toHaveLength(HONEST.length);
    expect(show.beliefs.filter(({ value }) => value === undefined)).toEqual([]);
  });

  it('breaks in its chart exactly where it breaks', () => {
    const broken = show.recording.events.filter(({ kind }) => kind === 'broken');
    expect(broken.length > 0).toBe(name !== 'fatty');
    expect(isSplit(show)).toBe(name !== 'fatty');
    expect(show.convicted).toEqual(name === 'fatty' ? ['r3'] : []);
  });

  it('is told as it went', () => {
    const words = tellShow(show).join('\n');
    for (const { who, value } of show.beliefs)
      expect(words).toContain(`${who} believes that ${value}`);
    expect(words.includes('two different values')).toBe(name !== 'fatty');
  });
});
