// How a worker keeps a lease: pace, losses, ends, missing answers.
import { fail } from '@fatty/codec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clientError } from '../src/index.ts';
import { Pacing } from '../src/worker/index.ts';
import { BOB, programOf } from './worker-fake.ts';
import { PERIOD_MS, unanswered, World } from './worker-world.ts';

const COUNTER = programOf('counter');

describe('a worker', () => {
  it('keeps its lease and its schedule, however long proofs take and answers need', async () => {
    const noise = fc.infiniteStream(fc.double({ min: 0.8, max: 1.2, noNaN: true }));
    const speed = fc.integer({ min: 1, max: 6 });
    const latency = fc.integer({ min: 2, max: 400 });
    const everyMs = fc.integer({ min: 100, max: 4_000 });
    await fc.assert(
      fc.asyncProperty(noise, speed, latency, everyMs, async (jitter, msPerStep, ms, every) => {
        const world = new World();
        world.machine.latencyMs = ms;
        world.prover.msOf = (n) => (100 + msPerStep * n) * (jitter.next().value ?? 1);
        const end = await world.run(30 * PERIOD_MS, { transitions: { everyMs: every } });
        expect(end.reason).toBe('stopped');
        expect(world.held().filter((one) => one.how !== 'renewed')).toHaveLength(1);
        expect(Math.min(...world.held().map((one) => one.spareMs))).toBeGreaterThan(0);
        // Never more than two periods behind what has fallen due, never a whole proof ahead of it.
        const due = (30 * PERIOD_MS) / every;
        expect(Number(end.t)).toBeGreaterThan(due - (2 * PERIOD_MS) / every - 2);
        expect(Number(end.t)).toBeLessThanOrEqual(Math.max(due, world.held().length) + 1);
      }),
      { numRuns: 25 },
    );
  });

  it('proves late in its period, and earlier once its proofs turn out slow', async () => {
    const spare = async (ms: number): Promise<number> => {
      const world = new World();
      world.prover.msOf = () => ms;
      await world.run(20 * PERIOD_MS);
      return world.held().at(-1)?.spareMs ?? 0;
    };
    const [fast, slow] = [await spare(20), await spare(1_000)];
    expect(fast).toBeLessThan(PERIOD_MS / 3);
    expect(slow).toBeGreaterThan(fast + 400);
  });

  it('catches up with what fell due meanwhile by proving more and more at once', async () => {
    const world = new World();
    Object.assign(world.machine, { lessee: BOB, expiryMs: 6 * PERIOD_MS });
    const end = await world.run(16 * PERIOD_MS, { transitions: { everyMs: 100 } });
    const runs = world.events.filter((event) => event.kind === 'run').map((event) => event.n);
    expect(end.reason).toBe('stopped');
    expect(runs[1]).toBeGreaterThan(1);
    expect(Math.max(...runs)).toBeGreaterThan(PERIOD_MS / 100);
    expect(Number(end.t)).toBeGreaterThan((14 * PERIOD_MS) / 100);
  });

  it('sends several proofs at once when one may not say more', async () => {
    const world = new World();
    world.prover.msOf = () => 20;
    await world.run(6 * PERIOD_MS, { transitions: { everyMs: 1_000, max: 1 } });
    expect(Math.max(...world.machine.applied)).toBeGreaterThan(1);
    expect(Number(world.machine.t)).toBeGreaterThan(16);
  });

  it('publishes where it is once it holds the machine, until that is heard, and again with each take', async () => {
    const world = new World();
    world.machine.publishFaults.push(unanswered());
    world.clock.at(5 * PERIOD_MS, () => world.machine.lose());
    const publish = { address: 'here:1' };
    const end = await world.run(20 * PERIOD_MS, { publish });
    expect([end.reason, world.machine.published]).toEqual(['lost', ['here:1']]);
    const kinds = world.events.map(({ kind }) => kind);
    expect(kinds.indexOf('published')).toBeGreaterThan(kinds.indexOf('held'));
    expect(kinds.indexOf('retry')).toBeLessThan(kinds.indexOf('published'));
    await world.run(3 * PERIOD_MS, { publish });
    expect(world.machine.published).toEqual(['here:1', 'here:1']);
    const wrong = { publish: { address: 1 } } as never;
    await expect(world.run(PERIOD_MS, wrong)).rejects.toMatchObject({ code: 'bad_argument' });
  });

  it('gives further cells to programs that have them', async () => {
    const world = new World(COUNTER);
    world.machine.outputs = 1;
    world.machine.s = 0n;
    const asked: bigint[] = [];
    await world.run(8 * PERIOD_MS, {
      inputs: ({ t }) => {
        asked.push(t);
        return { by: t % 2n };
      },
      transitions: { max: 1 },
    });
    expect(world.machine.t).toBeGreaterThan(4n);
    expect(world.machine.s).toBe(world.machine.t / 2n);
    expect(new Set(asked).has(world.machine.t - 1n)).toBe(true);
    await expect(new World(COUNTER).run(1_000, { inputs: { be: 1n } })).rejects.toMatchObject({
      code: 'unknown_input',
    });
  });
});

describe('a machine that is not free', () => {
  it('is waited for, and taken from its stored state', async () => {
    const world = new World();
    Object.assign(world.machine, { lessee: BOB, expiryMs: 7_000, t: 40n, s: 5n });
    const end = await world.run(5 * PERIOD_MS);
    expect(world.kinds('waiting')).toBeGreaterThan(5);
    expect(world.held()[0]).toMatchObject({ how: 'taken', t: 41n });
    expect(end.t).toBeGreaterThan(41n);
  });

  it('is refused without wait; a lock-delay is waited for as long as it lasts', async () => {
    const held = new World();
    Object.assign(held.machine, { lessee: BOB, expiryMs: 7_000 });
    await expect(held.run(1_000, { wait: false })).rejects.toMatchObject({ code: 'held' });
    const delayed = new World();
    delayed.machine.notBeforeMs = 9_000;
    await delayed.run(5 * PERIOD_MS);
    expect(delayed.kinds('waiting')).toBe(1);
    expect(delayed.held()[0]?.how).toBe('taken');
  });

  it('is resumed where this key holds it already: a worker that crashed and is back', async () => {
    const world = new World();
    const { machine } = world;
    Object.assign(machine, { lessee: machine.key, expiryMs: 4_000, t: 40n, s: 5n });
    await world.run(5 * PERIOD_MS);
    expect(world.held()[0]).toMatchObject({ how: 'resumed', t: 41n });
    expect(world.held().length).toBeGreaterThan(3);
  });

  it('is tried again when it moved while its first proof was made', async () => {
    const world = new World();
    world.clock.at(1_050, () => {
      world.machine.nonce = { commit: 77, index: 0 };
    });
    await world.run(3 * PERIOD_MS);
    expect(world.kinds('retry')).toBe(1);
    expect(world.held()[0]?.how).toBe('taken');
  });
});

describe('the end', () => {
  it('by the caller gives the lease back and cancels the proof in hand', async () => {
    const world = new World();
    world.prover.msOf = () => 1_000;
    const end = await world.run(2_000);
    expect(end).toMatchObject({ reason: 'stopped', error: undefined, t: world.machine.t });
    expect(world.machine.releases).toBe(1);
    expect(world.prover.cancelled).toBe(1);
    expect(world.prover.closed).toBe(false);
  });

  it('by loss: no further proof, nothing given back, the reason told', async () => {
    const world = new World();
    world.prover.msOf = () => 1_000;
    world.clock.at(3_000, () => world.machine.lose(BOB));
    const end = await world.run(9 * PERIOD_MS);
    expect(end).toMatchObject({ reason: 'lost', error: { code: 'lock_lost' } });
    expect([world.prover.steps.length, world.prover.cancelled]).toEqual([2, 1]);
    expect(world.machine.releases).toBe(0);
  });

  it('by loss of which the cell tells first, in answer to a renewal', async () => {
    const world = new World();
    world.clock.at(3_000, () => Object.assign(world.machine, { lessee: BOB, expiryMs: 99_000 }));
    const end = await world.run(9 * PERIOD_MS);
    expect(end).toMatchObject({ reason: 'lost', error: { code: 'not_lessee' }, renewals: 0 });
    expect([world.machine.releases, world.machine.lessee]).toEqual([0, BOB]);
  });

  it('by a prover too slow for the period: the lease is lost, not kept by luck', async () => {
    const world = new World();
    world.prover.msOf = () => (world.prover.steps.length > 3 ? 9_000 : 100);
    const end = await world.run(9 * PERIOD_MS);
    expect(end.reason).toBe('lost');
  });

  it('by failure: of the prover, the program, the cell; the lease is given back', async () => {
    const world = new World();
    world.clock.at(6_000, () => {
      world.prover.failure = fail('no_memory', 'enough', 'little');
    });
    await expect(world.run(9 * PERIOD_MS)).rejects.toMatchObject({ code: 'no_memory' });
    expect(world.machine.releases).toBe(1);
    const other = new World();
    const program = { program: COUNTER };
    await expect(other.run(1_000, program)).rejects.toMatchObject({ code: 'wrong_program' });
    const refused = new World();
    refused.machine.faults.push({
      error: clientError('bad_argument', 'a', 'b'),
      applied: false,
    });
    await expect(refused.run(PERIOD_MS)).rejects.toMatchObject({ code: 'bad_argument' });
  });
});

describe('an answer that never came', () => {
  it('is looked up: an applied renewal counts, another is sent again', async () => {
    for (const applied of [true, false]) {
      const world = new World();
      world.clock.at(1_300, () => world.machine.faults.push({ error: unanswered(), applied }));
      const end = await world.run(4 * PERIOD_MS);
      expect(end.reason).toBe('stopped');
      expect(world.kinds('retry')).toBe(applied ? 0 : 1);
      expect(end.t).toBe(world.machine.t);
      expect(world.machine.applied.length).toBe(world.held().length);
      expect(world.prover.steps.length - world.prover.cancelled).toBe(world.held().length);
    }
  });
});

describe('a cell that does not answer for a while', () => {
  it('costs every look, take and renewal its own time-out, never more', async () => {
    const world = new World();
    const { machine, clock } = world;
    const stat = machine.stat.bind(machine);
    const take = machine.take.bind(machine);
    const asked: (number | undefined)[] = [];
    const mute = async (timeoutMs: number | undefined): Promise<never> => {
      asked.push(timeoutMs);
      await clock.pass(timeoutMs ?? 1e9);
      throw unanswered();
    };
    let isMute = false;
    machine.stat = (options?: { readonly timeoutMs?: number }) =>
      isMute ? mute(options?.timeoutMs) : stat();
    machine.take = (proofs, options) => (isMute ? mute(options.timeoutMs) : take(proofs, options));
    clock.at(1_050, () => {
      isMute = true;
    });
    clock.at(11_000, () => {
      isMute = false;
    });
    const end = await world.run(8 * PERIOD_MS);
    expect(end.reason).toBe('stopped');
    expect(asked.length).toBeGreaterThan(2);
    for (const timeoutMs of asked) expect(timeoutMs).toBeLessThanOrEqual(PERIOD_MS);
    expect(world.held()[0]).toMatchObject({ how: 'taken' });
    expect(world.held().length).toBeGreaterThan(3);
  });
});

describe('pacing', () => {
  const options = { periodMs: PERIOD_MS, everyMs: 500, transitionsMax: 20 };

  it('owes what has fallen due, at least one, and no more than a proof may hold', () => {
    const pacing = new Pacing(options, 1_000, 7n);
    expect(pacing.owed(1_000, 7n)).toBe(1);
    expect(pacing.owed(3_600, 7n)).toBe(5);
    expect(pacing.owed(3_600, 30n)).toBe(1);
    expect(pacing.batch(pacing.owed(101_000, 7n))).toBe(20);
  });

  it('leaves a margin that grows with what renewals took, and shrinks when they get faster', () => {
    const pacing = new Pacing(options, 0, 0n);
    pacing.learnRenewal(10);
    const fast = pacing.marginMs;
    pacing.learnRenewal(600);
    expect(pacing.marginMs).toBeGreaterThan(600 + fast - 15);
    for (let i = 0; i < 6; i++) pacing.learnRenewal(10);
    expect(pacing.marginMs).toBe(fast);
  });

  it('starts a proof so that it is done before the margin, and at once when behind', () => {
    const pacing = new Pacing(options, 0, 0n);
    pacing.learnProof(64, 256);
    expect(pacing.provingMs(128)).toBe(2 * pacing.provingMs(64));
    expect(pacing.provingMs(16)).toBe(pacing.provingMs(64));
    const startMs = pacing.startAtMs(64, 0, PERIOD_MS, 0n);
    expect(startMs + pacing.provingMs(128)).toBe(PERIOD_MS - pacing.marginMs);
    expect(pacing.fits(128, startMs, PERIOD_MS)).toBe(true);
    expect(pacing.fits(128, startMs + 1, PERIOD_MS)).toBe(false);
    expect(pacing.startAtMs(64, 5_000, 9_000, 0n)).toBe(5_000);
    expect(pacing.startAtMs(64, 3_999, 4_000, 7n)).toBe(3_999);
  });
});
