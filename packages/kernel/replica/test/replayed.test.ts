// Tests of a log that is replayed.
import { toHex } from '@fatty/codec';
import type { StateMachine } from '@fatty/interface';
import { expect, it } from 'vitest';
import { Replica } from '../src/index.ts';
import { bareMachine } from './bare-machine.ts';
import { Client, listAlgorithm, makeCell, scheme, World } from './world.ts';

it('a replay judges no signature, key or op again, and ends where the log ends', () => {
  const world = new World({ cell: makeCell(4) });
  world.start();
  const client = new Client(world.options.cell, 'c');
  for (let i = 0; i < 20; i++) {
    world.submit(0, client.op(`${i}`));
    world.run(200);
  }
  const { cell } = world.options;
  const { committee, cellId, signers } = cell;
  const host = world.host(0);
  const signer = signers[0];
  if (signer === undefined) throw new Error('four signers');
  const judged: string[] = [];
  const machine = bareMachine(listAlgorithm, { cellId, epoch: 0, members: committee.members });
  const through = new Proxy<StateMachine>(machine, {
    get: (_, name) => {
      if (name === 'validate') return () => judged.push('validate');
      const value: unknown = Reflect.get(machine, name, machine);
      return typeof value === 'function' ? value.bind(machine) : value;
    },
  });
  const replica = new Replica({
    committee,
    cellId,
    me: 0,
    signer,
    machine: through,
    scheme: {
      ...scheme,
      verify: () => {
        judged.push('verify');
        return true;
      },
      admit: (key) => {
        judged.push('admit');
        return scheme.admit(key);
      },
    },
  });
  replica.restore(host.log, host.mark);
  expect(judged).toEqual([]);
  const lived = host.replica.status().commitIndex;
  // What was accepted after the last own block is not in the log yet.
  expect(replica.status().commitIndex).toBeGreaterThan(lived - 4);
  expect(replica.status().observer).toBeUndefined();
  const again = new Replica({
    committee,
    cellId,
    me: 0,
    signer,
    scheme,
    machine: bareMachine(listAlgorithm, { cellId, epoch: 0, members: committee.members }),
  });
  for (const record of host.log) again.restore([record]);
  again.restore([], host.mark);
  expect(again.status()).toEqual(replica.status());
  expect(toHex(again.machine.root())).toBe(toHex(replica.machine.root()));
});
