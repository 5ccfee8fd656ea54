// Tests of what no replica may ever do.
import { toHex } from '@fatty/codec';
import { describe, expect, it } from 'vitest';
import { decodeMark, type SignerMark } from '../src/index.ts';
import { watch } from './watch.ts';
import { batchesOf, Client, commitsAgree, type Host, makeCell, World } from './world.ts';

function markOf(bytes: Uint8Array): SignerMark {
  const mark = decodeMark(bytes);
  if (!mark.ok) throw new Error(mark.failure.code);
  return mark.value;
}

describe('persist before send (R24)', () => {
  it('sends nothing before it and what it references are durable (S17)', () => {
    const cell = makeCell(4);
    const world = new World({ cell, seed: 5, syncMs: (random) => 1 + random.below(6) });
    const seen = watch(world);
    world.start();
    const client = new Client(cell, 'c');
    for (let k = 0; k < 20; k++) {
      world.submit(k % 4, client.op(`${k}`));
      world.run(40);
    }
    world.run(5_000);
    expect(seen.broken).toEqual([]);
    expect(seen.sent).toBeGreaterThan(100);
  });

  it('keeps one persist in flight', () => {
    const cell = makeCell(4);
    const world = new World({ cell, syncMs: () => 7 });
    let most = 0;
    world.onPersist = (host) => {
      most = Math.max(most, host.writes.length);
    };
    world.start();
    const client = new Client(cell, 'c');
    for (let k = 0; k < 30; k++) {
      world.submit(0, client.op(`${k}`));
      world.run(3);
    }
    world.run(5_000);
    expect(batchesOf(world.host(2))).toHaveLength(30);
    expect(most).toBe(1);
  });
});

describe('crash and restart', () => {
  /** Crashes replica 1 at its k-th persist; what was in flight is lost, or only the mark survives. */
  function crashAt(k: number, survives: 'nothing' | 'mark' | 'log'): World {
    const cell = makeCell(4);
    const world = new World({ cell, seed: k });
    const seen = watch(world);
    world.onPersist = (host, effect) => {
      if (host.index !== 1 || host.persists !== k) return;
      world.after(0, () => {
        if (survives === 'mark') host.mark = effect.mark ?? host.mark;
        world.kill(1, survives === 'log' ? 1 : 0);
        world.after(15, () => world.restart(1));
      });
    };
    world.start();
    const clients = [0, 1, 2].map((i) => new Client(cell, `c${i}`));
    for (let i = 0; i < 5; i++) {
      for (const [to, client] of clients.entries()) {
        if (world.host(to).up) world.submit(to, client.op(`${i}`));
      }
      world.run(9);
    }
    expect(world.run(60_000), `rest after a crash at ${k}`).toBe(true);
    const name = `crash at ${k}, ${survives} survives`;
    expect(seen.broken, name).toEqual([]);
    expect(commitsAgree(world.hosts), name).toBe(true);
    expect(world.host(1).replica.status().observer, name).toBeUndefined();
    const roots = world.hosts.map((host) => toHex(host.replica.machine.root()));
    expect(new Set(roots).size, name).toBe(1);
    return world;
  }

  it('never equivocates, whatever of the last write survives (S1)', () => {
    for (let k = 1; k <= 12; k++) {
      for (const survives of ['nothing', 'mark', 'log'] as const) {
        const world = crashAt(k, survives);
        expect(world.host(1).life, 'the crash happened').toBe(1);
      }
    }
  });

  it('survives the loss of power everywhere at once', () => {
    const cell = makeCell(4);
    const world = new World({ cell, seed: 3 });
    const seen = watch(world);
    world.start();
    const client = new Client(cell, 'c');
    let k = 0;
    for (let crash = 0; crash < 10; crash++) {
      for (let i = 0; i < 5; i++) {
        world.submit(0, client.op(`${k++}`));
        world.run(3 + world.random.below(8));
      }
      const before = batchesOf(world.host(0)).length;
      for (const host of world.hosts) {
        // Mark and log are synced in parallel: any of them may have made it.
        const mark = host.writes[0]?.effect.mark;
        if (mark && world.random.below(2) === 0) host.mark = mark;
        world.kill(host.index, world.random.below(2));
      }
      for (const host of world.hosts) world.restart(host.index);
      client.seq = k = before;
      const committed = world.host(0).committed.length;
      world.run(2_000);
      // The client goes on where the answers stop; repeated commits of a new life are not counted.
      const seqs = batchesOf(world.host(0)).map(({ seq }) => seq);
      client.seq = k = Math.max(-1, ...seqs) + 1;
      expect(world.host(0).committed.length).toBeGreaterThanOrEqual(committed);
    }
    expect(world.run(10_000)).toBe(true);
    expect(seen.broken).toEqual([]);
    expect(commitsAgree(world.hosts)).toBe(true);
    expect(world.hosts.map((host) => host.replica.status().observer)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect(k).toBeGreaterThan(20);
  });

  it('replays a log twice as once (S23)', () => {
    const cell = makeCell(4);
    const world = new World({ cell });
    world.start();
    const client = new Client(cell, 'c');
    for (let k = 0; k < 5; k++) {
      world.submit(0, client.op(`${k}`));
      world.run(100);
    }
    const host = world.host(0);
    host.log = [...host.log, ...host.log];
    world.kill(0);
    world.restart(0);
    world.run(1_000);
    expect(host.replica.status().observer).toBeUndefined();
    expect(host.replica.machine.root()).toEqual(world.host(1).replica.machine.root());
  });
});

describe('amnesia (R26)', () => {
  function oneOf(prepare: (host: Host, world: World) => void): { host: Host; world: World } {
    const cell = makeCell(4);
    const world = new World({ cell });
    world.start();
    const client = new Client(cell, 'c');
    for (let k = 0; k < 6; k++) {
      world.submit(0, client.op(`${k}`));
      world.run(50);
    }
    world.kill(3);
    const host = world.host(3);
    prepare(host, world);
    const proposed = host.count('proposed');
    world.restart(3);
    world.submit(0, client.op('after'));
    world.run(5_000);
    expect(host.count('proposed'), 'an observer makes no block').toBe(proposed);
    expect(batchesOf(world.host(0)).length).toBe(7);
    return { host, world };
  }

  it('a mark ahead of the log makes an observer that follows and refuses clients', () => {
    const { host, world } = oneOf((one) => {
      one.log = one.log.slice(0, 5);
    });
    expect(host.replica.status().observer?.code).toBe('log_behind_mark');
    expect(host.replica.machine.root()).toEqual(world.host(0).replica.machine.root());
    world.submit(3, new Client(world.options.cell, 'x').op('y'), 9);
    expect(host.refused.at(-1)).toMatchObject({ tag: 9, failure: { code: 'log_behind_mark' } });
  });

  it('a lost log and mark are noticed when the own key is heard', () => {
    const { host } = oneOf((one) => {
      one.log = [];
      one.mark = undefined;
    });
    expect(host.replica.status().observer?.code).toBe('own_key_heard');
  });

  it('a foreign log, a gap and a broken record make an observer', () => {
    const foreign = oneOf((one, world) => {
      one.log = world.host(2).log.slice();
    });
    expect(foreign.host.replica.status().observer?.code).toBe('foreign_log');
    const gap = oneOf((one) => {
      one.log.splice(3, 1);
    });
    expect(gap.host.replica.status().observer?.code).toBe('log_gap');
    const broken = oneOf((one) => {
      one.log[2] = { type: 1, body: Uint8Array.of(0x80) };
    });
    expect(broken.host.replica.status().observer?.code).toBe('wrong_shape');
    const mark = oneOf((one) => {
      one.mark = Uint8Array.of(1);
    });
    expect(mark.host.replica.status().observer?.code).toBe('wrong_shape');
  });

  it('the mark names what is about to be signed and what was durable; at rest both are one', () => {
    const cell = makeCell(4);
    const world = new World({ cell });
    const marks: SignerMark[] = [];
    world.onPersist = (host, { mark }) => {
      if (host.index === 0 && mark) marks.push(markOf(mark));
    };
    world.start();
    world.submit(0, new Client(cell, 'c').op('1'));
    world.run(1_000);
    const last = world.host(0).replica.status().round;
    expect(last).toBeGreaterThan(3);
    expect(marks.slice(0, -1).map(({ round, durable }) => [round, durable])).toEqual(
      Array.from({ length: last }, (_, k) => [k + 1, k]),
    );
    expect(marks.at(-1)).toMatchObject({ round: last, durable: last });
    expect(markOf(world.host(0).mark as Uint8Array)).toEqual(marks.at(-1));
  });
});
