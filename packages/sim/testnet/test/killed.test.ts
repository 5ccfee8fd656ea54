// Tests of a replica that is killed in mid-write and then loses its power.
import type { Op } from '@fatty/api';
import { standIn } from '@fatty/codec';
import { expect, test } from 'vitest';
import { watch } from '../src/checkers/index.ts';
import { lockService } from '../src/staging/service.ts';
import { SessionClient } from '../src/staging/session.ts';
import { stage } from '../src/staging/stage.ts';
import { makeCell, smallWindows } from '../src/world/cell.ts';
import { CALM_NETWORK, type Fault, QUICK_VERIFIER, SLOW_DISK } from '../src/world/faults.ts';

const put = (i: number): Op => ({
  kind: 'create',
  path: `/f${i}`,
  node: 'file',
  mode: 'shared',
  ephemeral: false,
  exclusive: false,
  content: new Uint8Array(),
});

/** Rules that are broken when replica 2 is killed in mid-write, restarted, and loses its power. */
function broken(syncsAtOpen: boolean, seed: number): readonly string[] {
  const cell = makeCell(4, standIn(), smallWindows(4));
  const { checkers } = watch({ cell, liars: new Set(), skewMsMax: 0 });
  const { world } = stage({
    cell,
    liars: new Map(),
    seed,
    network: CALM_NETWORK,
    disk: { ...SLOW_DISK, syncsAtOpen },
    machine: (context) => ({ machine: lockService(context) }),
    verifier: { ...QUICK_VERIFIER, silentPerMille: 0 },
    checkers,
  });
  const cut: Fault = { kind: 'cut', atMs: 2_000 + seed, forMs: 60, replica: 2, afterMs: 20 };
  world.start([cut]);
  world.after(500, () => {
    const client = new SessionClient(world, 'c0', 0, 30_000);
    for (let i = 0; i < 30; i++) world.after(100 * i, () => client.send([put(i)]));
  });
  world.run(6_000);
  return world.violations.map(({ rule }) => rule);
}

test('a log that is synced when it is opened survives a kill in mid-write and then the power', () => {
  for (let seed = 0; seed < 5; seed++) expect(broken(true, seed)).toEqual([]);
});

test('one that is not lets a replica send what is not on disk (S17)', () => {
  const rules = Array.from({ length: 5 }, (_, seed) => broken(false, seed)).flat();
  expect(rules).toContain('S17');
});
