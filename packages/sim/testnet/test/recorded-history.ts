// Test helper: the history of an honest world, for checkers to judge.
import { encode, standIn } from '@fatty/codec';
import { OrswotAlgorithm, setOp } from '@fatty/crdt';
import { type Watch, watch } from '../src/checkers/index.ts';
import { stage } from '../src/staging/stage.ts';
import { staged } from '../src/staging/staged.ts';
import { type Cell, makeCell, smallWindows } from '../src/world/cell.ts';
import { Client } from '../src/world/client.ts';
import { CALM_NETWORK, QUICK_DISK, QUICK_VERIFIER } from '../src/world/faults.ts';
import type { CheckedCell, Checker, Observation } from '../src/world/observation.ts';

/** Four members, small windows, nobody lies. */
export const cell: Cell = makeCell(4, standIn(), smallWindows(4));
export const checked: CheckedCell = { cell, liars: new Set(), skewMsMax: 0 };

/** An honest world with traffic of two clients, as the checkers saw it. */
export function record(): readonly Observation[] {
  const seen: Observation[] = [];
  const recorder: Checker = {
    rules: [],
    see(observation) {
      seen.push(observation);
      return [];
    },
    finish: () => [],
  };
  const { world } = stage({
    cell,
    liars: new Map(),
    seed: 1,
    machine: (context) => staged(() => new OrswotAlgorithm(), context),
    network: CALM_NETWORK,
    disk: QUICK_DISK,
    verifier: QUICK_VERIFIER,
    checkers: [recorder],
  });
  world.start([]);
  for (const name of ['c0', 'c1']) {
    const client = new Client(world, name, name === 'c0' ? 0 : 1);
    for (let i = 0; i < 4; i++) {
      const add = encode(setOp, { kind: 'add', member: Uint8Array.of(i) });
      world.after(300 + 200 * i, () => client.send('add', () => [add]));
    }
  }
  world.run(2_500);
  return seen;
}

/** The rules that the checkers find broken in a history. */
export function rulesBroken(
  told: readonly Observation[],
  by: CheckedCell = checked,
): ReadonlySet<string> {
  const { checkers }: Watch = watch(by);
  const broken = told.flatMap((one) => checkers.flatMap((checker) => checker.see(one)));
  return new Set(broken.map(({ rule }) => rule));
}
