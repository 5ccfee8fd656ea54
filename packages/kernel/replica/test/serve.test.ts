// Tests of what peers are served.
import { describe, expect, it } from 'vitest';
import { encodeMessage } from '../src/index.ts';
import { read } from './forge.ts';
import { Client, makeCell, World } from './world.ts';

/** Four honest replicas with a history; then member 3 turns, and what goes to it is counted. */
function turned(): { world: World; sent: Map<string, number>; ask: (bytes: Uint8Array) => void } {
  const cell = makeCell(4);
  const world = new World({ cell, tuning: { rangeBytesMax: 4_000 } });
  world.start();
  const client = new Client(cell, 'c');
  for (let k = 0; k < 8; k++) {
    world.submit(0, client.op(`${k}`));
    world.run(100);
  }
  world.run(1_000);
  world.liars.set(3, () => undefined);
  const sent = new Map<string, number>();
  world.onSend = (from, to, bytes) => {
    const { kind } = read(bytes);
    if (from === 0 && to === 3) sent.set(kind, (sent.get(kind) ?? 0) + 1);
    return true;
  };
  const ask = (bytes: Uint8Array): void => {
    world.event(world.host(0), { kind: 'message', peer: 3, bytes });
  };
  return { world, sent, ask };
}

const STATUS = encodeMessage({
  kind: 'status',
  epoch: 0,
  lastOwnRound: 0,
  highestRound: 0,
  commitIndex: 0,
  yourRound: 0,
  ask: false,
});

describe('short questions with long answers', () => {
  it('a peer that says without end that it has nothing gets own blocks now and then', () => {
    const { world, sent, ask } = turned();
    for (let k = 0; k < 1_000; k++) ask(STATUS);
    const once = sent.get('push') ?? 0;
    expect(once).toBeGreaterThan(5);
    expect(once).toBeLessThanOrEqual(16);
    world.idle(250);
    ask(STATUS);
    expect(sent.get('push')).toBe(2 * once);
    world.event(world.host(0), { kind: 'peerDown', peer: 3 });
    world.event(world.host(0), { kind: 'peerUp', peer: 3 });
    ask(STATUS);
    expect(sent.get('push'), 'nobody has vouched since (R26)').toBe(2 * once);
    world.idle(10);
    expect(sent.get('push'), 'a new link has carried nothing').toBe(3 * once);
  });

  it('a peer that asks for rounds without end is answered at a bounded rate', () => {
    const { world, sent, ask } = turned();
    const question = encodeMessage({ kind: 'getRounds', from: 1, to: 200 });
    for (let k = 0; k < 1_000; k++) {
      ask(question);
      // Now and then the disk answers.
      if (k % 100 === 99) world.idle(2);
    }
    const once = sent.get('rounds') ?? 0;
    expect(once).toBeGreaterThanOrEqual(4);
    expect(once).toBeLessThan(20);
    world.idle(100);
    ask(question);
    world.idle(2);
    expect(sent.get('rounds')).toBeGreaterThan(once);
  });
});
