// Tests of liars that somebody picks by hand.
import { describe, expect, it } from 'vitest';
import { LIES, misbehaving, netByName, planOf, readLiars, runNet } from '../src/index.ts';

describe('who lies how', () => {
  it('is read from text', () => {
    const liars = [
      { replica: 2, lie: 'equivocate' },
      { replica: 3, lie: 'withhold' },
    ];
    expect(readLiars('r2=equivocate,r3=withhold')).toEqual({ ok: true, value: liars });
    for (const lie of LIES) expect(readLiars(`r0=${lie}`).ok, lie).toBe(true);
  });

  it.each([
    ['', 'bad_pick'],
    ['r2', 'bad_pick'],
    ['2=late', 'bad_pick'],
    ['r-1=late', 'bad_pick'],
    ['r2=late,', 'bad_pick'],
    ['r2=lies', 'unknown_lie'],
    ['r2=stuff', 'unknown_lie'],
    ['r2=toString', 'unknown_lie'],
    ['r2=late,r2=silent', 'picked_twice'],
  ])('%s: %s', (text, code) => {
    expect(readLiars(text)).toMatchObject({ ok: false, failure: { code } });
  });

  it('names the choices when there is no such lie', () => {
    const read = readLiars('r2=lies');
    for (const lie of LIES) expect(read.ok ? '' : read.failure.expected).toContain(lie);
  });
});

describe('a net with picked liars', () => {
  const orswot = netByName('orswot');
  const pick = (text: string) => {
    const liars = readLiars(text);
    return liars.ok ? misbehaving(orswot, liars.value) : liars;
  };

  it('has them in every world, and only worlds with room for them', () => {
    const net = pick('r2=equivocate,r3=withhold');
    expect(net.ok).toBe(true);
    if (!net.ok) return;
    for (let seed = 0; seed < 20; seed++) {
      const { replicas, liars, faults } = planOf(net.value, seed);
      expect(replicas).toBe(7);
      expect(liars.map(({ replica }) => replica)).toEqual([2, 3]);
      const hurt = faults.flatMap((fault) => (fault.kind === 'crash' ? fault.replica : []));
      expect(hurt.filter((replica) => replica === 2 || replica === 3)).toEqual([]);
    }
  });

  it('runs, and meets what was picked', () => {
    const net = pick('r1=late');
    if (!net.ok) throw new Error(net.failure.code);
    const { failure, reached } = runNet(net.value, { seed: 1, runs: 3 });
    expect(failure).toBeUndefined();
    expect(reached['lie.late']).toBeGreaterThan(0);
  });

  it.each([
    ['r7=late', 'no_such_replica'],
    ['r0=late,r1=late,r2=late', 'too_many_liars'],
  ])('%s: %s', (text, code) => {
    expect(pick(text)).toMatchObject({ ok: false, failure: { code } });
  });
});
