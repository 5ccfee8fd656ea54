// Workers of machines with an inbox.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FattyError } from '../src/index.ts';
import type { WorkerEvent } from '../src/worker/index.ts';
import { programOf } from './worker-fake.ts';
import { PERIOD_MS, unanswered, World } from './worker-world.ts';

const TILL = programOf('till');

describe('an inbox', () => {
  /** A till whose machine is held by nobody. */
  function till(): World {
    const world = new World(TILL);
    Object.assign(world.machine, { s: 0n, window: 4, outputs: 2 });
    return world;
  }

  it('is consumed in order, each entry once, whenever entries come', async () => {
    let consumed = 0;
    const posts = fc.array(fc.tuple(fc.integer({ min: 0, max: 6 * PERIOD_MS }), fc.nat(12)));
    await fc.assert(
      fc.asyncProperty(posts, fc.integer({ min: 2, max: 400 }), async (all, latencyMs) => {
        const world = till();
        const { machine, clock } = world;
        machine.latencyMs = latencyMs;
        const posted: bigint[] = [];
        for (const [atMs, count] of all) {
          clock.at(1_000 + atMs, () => {
            for (let i = 0; i < count; i++) {
              posted.push(BigInt(posted.length + 1));
              machine.pending.push(BigInt(posted.length));
            }
          });
        }
        const end = await world.run(10 * PERIOD_MS);
        expect(end.reason).toBe('stopped');
        expect(machine.consumed).toEqual(posted);
        expect(end.s).toBe(posted.reduce((a, b) => a + b, 0n));
        expect(world.held().reduce((sum, one) => sum + one.entries, 0)).toBe(posted.length);
        expect(world.kinds('retry')).toBe(0);
        consumed += posted.length;
      }),
      { numRuns: 20 },
    );
    expect(consumed).toBeGreaterThan(100);
  });

  it('is looked at while the worker rests: an entry does not wait for the end of a period', async () => {
    const world = till();
    world.machine.periodMs = 60_000;
    let tookMs = Number.POSITIVE_INFINITY;
    world.clock.at(10_000, () => void world.machine.pending.push(7n));
    const onProgress = (event: WorkerEvent): void => {
      if (event.kind === 'held' && event.entries === 1) tookMs = world.clock.nowMs() - 10_000;
    };
    await world.run(50_000, { onProgress });
    expect(tookMs).toBeLessThan(60_000 / 8 + 1_000);
  });

  it('that is long takes several proofs in one op, and inputs see what they consume', async () => {
    const world = till();
    world.machine.pending.push(...Array.from({ length: 10 }, (_, i) => BigInt(i + 1)));
    const asked: bigint[] = [];
    const inputs = ({ entries }: { readonly entries: readonly bigint[] }) => {
      asked.push(...entries);
      return {};
    };
    await world.run(PERIOD_MS, { inputs });
    expect(world.machine.applied[0]).toBe(3);
    expect(asked).toEqual(world.machine.consumed);
    await expect(till().run(1_000, { inputs: { e1: 1n } })).rejects.toMatchObject({
      code: 'unknown_input',
    });
  });

  it('goes on after a crash from what was consumed', async () => {
    const world = till();
    const { machine } = world;
    machine.pending.push(1n, 2n, 3n);
    Object.assign(machine, { lessee: machine.key, expiryMs: 4_000, t: 40n, s: 5n, in: 77n });
    const end = await world.run(2 * PERIOD_MS);
    expect(world.held()[0]).toMatchObject({ how: 'resumed', t: 41n, entries: 3 });
    expect(end.s).toBe(11n);
  });

  it('that turns out otherwise costs another proof, not the lease', async () => {
    const world = till();
    const refused = (): unknown =>
      world.machine.faults.push({
        error: new FattyError(
          { code: 'inbox_neglected', expected: 'none', actual: 'one' },
          { outcome: 'not_applied', retryable: false },
        ),
        applied: false,
      });
    world.clock.at(1_500, refused);
    world.clock.at(9_000, () => void world.machine.pending.push(9n));
    const end = await world.run(6 * PERIOD_MS);
    expect(end).toMatchObject({ reason: 'stopped', s: 9n });
    expect(world.kinds('retry')).toBe(1);
  });

  it('as it was before the last renewal is not believed', async () => {
    const world = till();
    const { machine } = world;
    machine.pending.push(5n);
    const old = await machine.stat();
    const stat = machine.stat.bind(machine);
    let looks = 0;
    machine.stat = () => (++looks % 2 === 0 ? Promise.resolve(old) : stat());
    const end = await world.run(4 * PERIOD_MS);
    expect([end.reason, end.s, world.kinds('retry')]).toEqual(['stopped', 5n, 0]);
    expect(looks).toBeGreaterThan(4);
  });

  it('that cannot be read is left for the next proof', async () => {
    const world = till();
    const { machine } = world;
    const stat = machine.stat.bind(machine);
    world.clock.at(1_500, () => {
      machine.pending.push(9n);
      machine.stat = () => Promise.reject(unanswered());
    });
    world.clock.at(2 * PERIOD_MS, () => {
      machine.stat = stat;
    });
    const end = await world.run(4 * PERIOD_MS);
    expect(end).toMatchObject({ reason: 'stopped', s: 9n });
    expect(world.held().length).toBeGreaterThan(3);
  });
});
