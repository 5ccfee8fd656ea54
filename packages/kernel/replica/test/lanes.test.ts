// Tests of whose slow checks go first.
import { Dag } from '@fatty/broadcast';
import { describe, expect, it } from 'vitest';
import type { Tuning } from '../src/index.ts';
import { carried, forge, onTop, push } from './forge.ts';
import { ASKED, Client, makeCell, opOf, World } from './world.ts';

/** A cell in which no slow check ever gets its verdict. */
function gateway(tuning: Partial<Tuning> = {}): {
  world: World;
  client: Client;
  codes: () => readonly string[];
} {
  const cell = makeCell(4);
  const world = new World({ cell, tuning, verify: () => undefined });
  world.start();
  world.run(5);
  const codes = (): readonly string[] =>
    world.host(0).refused.map(({ tag, failure }) => `${tag} ${failure.code}`);
  return { world, client: new Client(cell, 'c'), codes };
}

describe('slow checks for clients', () => {
  it('lets one client fill the slow checks no further than its share', () => {
    const tuning = { checkingMax: 6, checkingPerClientMax: 4 };
    const { world, client, codes } = gateway(tuning);
    const other = new Client(world.options.cell, 'other');
    const send = (from: Client, k: number): void =>
      world.submit(0, from.batch([opOf(ASKED, `${from.name} ${k}`)], k), k);
    for (let k = 0; k < 6; k++) send(client, k);
    expect(codes()).toEqual(['4 overloaded', '5 overloaded']);
    for (let k = 10; k < 13; k++) send(other, k);
    expect(codes().slice(2)).toEqual(['12 overloaded']);
    world.submit(0, other.op('no slow check'), 20);
    expect(codes()).toHaveLength(3);
  });

  it('asks on behalf of a client, and again as soon as a block needs the same job', () => {
    const jobs: { readonly client: unknown; readonly job: Uint8Array }[] = [];
    const { world, client } = gateway();
    const { replica } = world.host(0);
    const step = replica.step.bind(replica);
    replica.step = (event) => {
      const effects = step(event);
      for (const effect of effects) if (effect.kind === 'verify') jobs.push(effect);
      return effects;
    };
    const bytes = client.batch([opOf(ASKED, 'a')]);
    world.submit(0, bytes, 1);
    expect(jobs).toMatchObject([{ client: client.signer.publicKey }]);
    const { cell } = world.options;
    const virtual = new Dag(cell.committee, cell.cellId).virtual.map((ref) => ({ ref }));
    const block = forge(cell, 3, 1, onTop(3, virtual), { content: { batches: [carried(bytes)] } });
    world.inject(3, 0, push(block));
    world.run(3);
    expect(jobs.slice(0, 2)).toMatchObject([{}, { client: undefined }]);
    expect(jobs[1]?.job, 'hashed once').toBe(jobs[0]?.job);
  });
});
