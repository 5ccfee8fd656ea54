// Tests that a hundred thousand sessions take no more memory than is said.
import { utf8 } from '@fatty/codec';
import { expect, test } from 'vitest';
import { DEFAULT_SESSION_LIMITS } from '../src/index.ts';
import { Client, member, World } from './world.ts';

const SESSIONS = 100_000;
const PER_COMMIT = 100;
const limits = { ...DEFAULT_SESSION_LIMITS, sessionsMax: 512, gravesMax: 4_096 };

/**
 * What a machine may hold at most, bytes: a live session with the receipts of one batch takes less than 480,
 * a grave or a floor less than 112. One gateway may have as many live sessions again as graves when they end.
 */
const BYTES_MAX = limits.sessionsMax * 480 + (limits.gravesMax + limits.sessionsMax) * 112 + 1_000;

/** Sessions that ended in time; every commit opens and ends `PER_COMMIT`. */
function comeAndGo(keyOf: (n: number) => number, end: 'closed' | 'expired') {
  const world = new World({ limits, basisCommitsMax: 30 });
  let [opened, bytesMax] = [0, 0];
  for (let n = 0; n < SESSIONS; n += PER_COMMIT) {
    const batches = Array.from({ length: PER_COMMIT }, (_, i) => {
      const client = new Client(keyOf(n + i), n + i, world.commit, 0);
      const close = end === 'closed' ? [{ kind: 'closeSession' as const }] : [];
      return { ...client.open(4_000, 'x', ...close), author: member(i % 4) };
    });
    const { receipts } = world.run(batches);
    opened += receipts.filter(({ results }) => (results[0]?.[1] ?? 0) === 1).length;
    world.leaseClock += 2_000;
    if (world.commit % 20 === 0) bytesMax = Math.max(bytesMax, world.machine.snapshot().length);
  }
  return { world, opened, bytesMax };
}

test.each([
  ['one key that closes them', () => 1, 'closed'],
  ['a new key each, left to expire', (n: number) => n, 'expired'],
] as const)(
  '100,000 sessions of %s leave a bounded state',
  (_, keyOf, end) => {
    const { world, opened, bytesMax } = comeAndGo(keyOf, end);
    expect(bytesMax).toBeLessThan(BYTES_MAX);
    expect(opened).toBeGreaterThan(SESSIONS / 4);
    // Nobody is shut out for long, and in the end nothing is left.
    for (let i = 0; i < 40; i++) world.run([]);
    world.leaseClock += 5_000;
    for (let i = 0; i < 40; i++) world.run([]);
    const empty = new World({ limits, basisCommitsMax: 30 });
    expect(world.machine.snapshot().length).toBeLessThan(empty.machine.snapshot().length + 40);
    expect(world.say(new Client(2, 7, world.commit).open())).toEqual(['sessionOpened']);
    expect(world.machine.query(utf8('?'))).toMatchObject({ ok: true });
  },
  300_000,
);
