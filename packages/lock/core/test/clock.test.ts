// T2 and T3 of TIME.md as properties, and S13 over skewed and lying clocks; the keep-alive chain.
import { keepAliveLink } from '@fatty/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { leaseDeadline, proveClock, type Reading } from '../src/clock.ts';
import { Tally } from '../src/f-plus-one.ts';
import { KeepAliveChain } from '../src/keep-alive-chain.ts';
import { Latencies, retryDelay } from '../src/timing.ts';
import { type Behaviour, FakeCell } from './fake-cell.ts';
import { SimClient } from './sim-client.ts';

const lie = fc.record({
  ts: fc.oneof(fc.nat(), fc.constant(Number.MAX_SAFE_INTEGER), fc.constant(0)),
  index: fc.oneof(fc.nat(), fc.constant(Number.MAX_SAFE_INTEGER)),
  offset: fc.oneof(fc.nat(), fc.constant(Number.MAX_SAFE_INTEGER)),
});

describe('the clock proof (TIME.md, T2 and T3)', () => {
  it('is bounded by honest readings, whatever f of q say', () => {
    const cells = fc.constantFrom(
      { faults: 1, quorum: 3 },
      { faults: 2, quorum: 5 },
      { faults: 3, quorum: 7 },
    );
    fc.assert(
      fc.property(
        cells,
        fc.infiniteStream(fc.nat(1_000)),
        fc.infiniteStream(lie),
        (cell, noise, lies) => {
          const honest: Reading[] = [];
          const readings: Reading[] = [];
          for (let replica = 0; replica < cell.quorum; replica++) {
            const wave = noise.next().value;
            if (replica < cell.faults) readings.push({ replica, ...lies.next().value });
            else {
              const one = { replica, ts: 10_000 + wave, index: 50 + wave, offset: 100 + wave };
              honest.push(one);
              readings.push(one);
            }
          }
          const proof = proveClock(readings, 0, cell);
          if (proof === undefined) throw new Error('a quorum proves');
          expect(proof.signedNow).toBeGreaterThanOrEqual(Math.min(...honest.map((one) => one.ts)));
          expect(proof.offset).toBeLessThanOrEqual(Math.max(...honest.map((one) => one.offset)));
          expect(proof.commit).toBeLessThanOrEqual(Math.max(...honest.map((one) => one.index)));
          expect(proveClock(readings.slice(1), 0, cell)).toBeUndefined();
        },
      ),
    );
  });

  it('never proves a lease longer than it can be: ε, ρ and the age of the reading all shorten it', () => {
    fc.assert(
      fc.property(
        fc.nat(100_000),
        fc.nat(60_000),
        fc.nat(500),
        fc.nat(1_000),
        (sent, lease, eps, rho) => {
          const proof = { sentAtMs: sent, signedNow: 1_000_000, offset: 5, commit: 1 };
          const bounds = { epsilonMs: eps, rhoPpm: rho };
          const deadline = leaseDeadline(1_000_000 - 5 + lease, proof, bounds);
          expect(deadline).toBeLessThanOrEqual(sent + lease - 2 * eps);
          expect(leaseDeadline(0, proof, bounds)).toBeLessThan(sent);
          if (lease > 2 * eps) {
            const inTime = ((deadline - sent) * (1e6 + rho)) / 1e6;
            expect(inTime).toBeLessThanOrEqual(lease - 2 * eps);
          }
        },
      ),
    );
  });
});

describe('S13: no belief overlaps a later holder', () => {
  /** Clocks within ε of real time, liars with any clock and any offset, our rate within ρ. */
  it('holds over skewed clocks, lying clocks, stalls and partitions', () => {
    const worlds = fc.record({
      skews: fc.array(fc.integer({ min: -250, max: 250 }), { minLength: 4, maxLength: 4 }),
      liar: fc.constantFrom('slow', 'fast', 'silent', 'honest'),
      ratePpm: fc.integer({ min: -200, max: 200 }),
      cutAtMs: fc.integer({ min: 200, max: 9_000 }),
      healAfterMs: fc.integer({ min: 1_000, max: 40_000 }),
      stallMs: fc.integer({ min: 0, max: 8_000 }),
    });
    let handovers = 0;
    fc.assert(
      fc.property(worlds, ({ skews, liar, ratePpm, cutAtMs, healAfterMs, stallMs }) => {
        const cell = new FakeCell(4, { 3: clockLiar(liar) }, skews);
        const one = new SimClient(cell, { ratePpm }).connect();
        const two = new SimClient(cell).connect();
        one.acquire();
        cell.run(100);
        two.acquire();
        cell.run(cutAtMs);
        for (const replica of [0, 1, 2, 3]) one.disconnect(replica);
        cell.stopped = stallMs > 0;
        const until = cutAtMs + healAfterMs;
        for (let at = cutAtMs; at < until; at += 50) {
          cell.run(at);
          if (cell.stopped && at >= cutAtMs + stallMs) {
            cell.stalledMs += Math.max(0, stallMs - 2_000);
            cell.stopped = false;
          }
          checkBeliefs(cell, [one, two]);
        }
        one.connect();
        for (let at = until; at < until + 5_000; at += 50) {
          cell.run(at);
          checkBeliefs(cell, [one, two]);
        }
        handovers += cell.tenures.length > 1 ? 1 : 0;
      }),
      { numRuns: 100 },
    );
    expect(handovers).toBeGreaterThan(20);
  });
});

/** Whoever believes in a lock must be its holder in the cell, right now. */
function checkBeliefs(cell: FakeCell, clients: readonly SimClient[]): void {
  for (const client of clients) {
    for (const belief of client.core.beliefs(client.nowMs())) {
      const tenure = cell.tenures.find(
        ({ lockGen }) =>
          lockGen.commit === belief.lockGen.commit && lockGen.index === belief.lockGen.index,
      );
      expect(tenure?.toMs).toBeGreaterThanOrEqual(cell.nowMs);
    }
  }
}

function clockLiar(kind: 'slow' | 'fast' | 'silent' | 'honest'): Behaviour {
  if (kind === 'honest') return {};
  return {
    delayMs: 0,
    lie(message, cell) {
      if (message.kind !== 'nowReading') return message;
      if (kind === 'silent') return undefined;
      const ts = kind === 'slow' ? 1 : 2 ** 50;
      const offset = kind === 'slow' ? 2 ** 40 : 0;
      return cell.resign(3, { ...message.reading, ts, offset, commit: 2 ** 40 });
    },
  };
}

describe('the parts', () => {
  it('shows a chain link by link back to its anchor', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.integer({ min: 1, max: 200 }),
        (secret, length) => {
          const chain = new KeepAliveChain(secret, length);
          let value: Uint8Array = chain.anchor;
          for (let i = 1; i <= length; i++) {
            const preimage = chain.preimage(i);
            expect(keepAliveLink(preimage)).toEqual(value);
            value = preimage;
          }
          const again = chain.preimage(1 + Math.floor(length / 2));
          expect(again).toEqual(
            new KeepAliveChain(secret, length).preimage(1 + Math.floor(length / 2)),
          );
        },
      ),
      { numRuns: 30 },
    );
  });

  it('counts a replica once and answers once', () => {
    const tally = new Tally<string>(2);
    expect(tally.vote(0, 'a', 'A')).toBeUndefined();
    expect(tally.vote(0, 'a', 'A')).toBeUndefined();
    expect(tally.vote(1, 'b', 'B')).toBeUndefined();
    expect(tally.vote(1, 'a', 'A')).toBeUndefined();
    expect(tally.vote(2, 'a', 'A')).toBe('A');
    expect(tally.vote(3, 'a', 'A')).toBeUndefined();
    expect(tally.voters).toBe(4);
  });

  it('retries no sooner than 2Δ, later with every attempt, never sooner than 4 × typical, and spreads', () => {
    fc.assert(
      fc.property(
        fc.nat(1_000),
        fc.nat(1_000),
        fc.nat(10),
        fc.nat(999),
        (delta, typical, attempt, chance) => {
          const floor = Math.max(2 * delta * 2 ** Math.min(attempt, 4), 4 * typical);
          const delay = retryDelay(delta, typical, attempt, (below) =>
            Math.floor((below * chance) / 1_000),
          );
          expect(delay).toBeGreaterThanOrEqual(floor);
          expect(delay).toBeLessThanOrEqual(1.5 * floor + 1);
        },
      ),
    );
  });

  it('knows its typical latency, whatever the slowest of a start was', () => {
    const latencies = new Latencies();
    expect(latencies.typicalMs).toBe(0);
    for (const ms of [1_500, 1_200, 900]) latencies.add(ms);
    expect(latencies.typicalMs).toBe(1_200);
    for (let i = 0; i < 5; i++) latencies.add(30 + i);
    expect(latencies.typicalMs).toBe(34);
    for (let i = 0; i < 40; i++) latencies.add(2_000);
    expect(latencies.typicalMs).toBe(2_000);
  });
});
