// T5 and T6 of TIME.md: signal, deadline and held are one truth, whatever clocks and processes do.
import { comparePositions } from '@fatty/api';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { type Behaviour, FakeCell, kindOf } from '../../core/test/fake-cell.ts';
import { CLIENT_ERRORS } from '../src/index.ts';
import type { Lock } from '../src/sdk/lock.ts';
import { SdkClient } from './sdk-client.ts';

/** What is said of a lock in one turn, however it is asked. */
function truth(client: SdkClient, lock: Lock): boolean {
  const { held } = lock;
  expect(lock.signal.aborted).toBe(!held);
  expect(lock.deadlineMs > client.monotonicMs).toBe(held);
  return held;
}

function holding(): { cell: FakeCell; client: SdkClient; lock: Lock } {
  const cell = new FakeCell(4);
  const client = new SdkClient(cell);
  const answer = client.acquire();
  cell.run(1_000);
  const { lock } = answer;
  if (lock === undefined) throw new Error('a lock');
  expect(truth(client, lock)).toBe(true);
  return { cell, client, lock };
}

describe('one truth about a lock', () => {
  it('its signal aborts at its deadline, by a timer of its own', () => {
    const { cell, client, lock } = holding();
    const aborted = vi.fn();
    lock.signal.addEventListener('abort', aborted);
    cell.stopped = true;
    while (lock.deadlineMs > client.monotonicMs) {
      expect(aborted).not.toHaveBeenCalled();
      cell.run(cell.nowMs + 1);
    }
    expect(aborted).toHaveBeenCalledOnce();
    expect(cell.nowMs).toBeLessThan(20_000);
    expect(lock.signal.reason).toMatchObject({ code: 'in_jeopardy' });
  });

  it('a process that stood still hears of it at its first look, before anything else', () => {
    const { cell, client, lock } = holding();
    const { signal } = lock;
    client.freeze(30_000);
    cell.run(30_999);
    expect(signal.aborted).toBe(false);
    expect(truth(client, lock)).toBe(false);
    expect(signal.aborted).toBe(true);
  });

  it('a host that slept does not go on believing because its monotonic clock stood still', () => {
    const { cell, client, lock } = holding();
    const { signal } = lock;
    const waiter = new SdkClient(cell);
    const next = waiter.acquire();
    client.sleep(30_000);
    cell.run(30_999);
    expect(next.lock?.held).toBe(true);
    // The first timer after it, at the latest.
    cell.run(31_300);
    expect(signal.aborted).toBe(true);
    expect(truth(client, lock)).toBe(false);
  });

  it('a wall clock that is set costs a question, not the lock', () => {
    const { cell, client, lock } = holding();
    for (const setMs of [5_000, -3_600_000, 4_000]) {
      client.setMs += setMs;
      cell.run(cell.nowMs + 5_000);
      expect(truth(client, lock)).toBe(true);
    }
    expect(client.states).toEqual(['none', 'opening', 'connected']);
  });

  it('close ends it before anything is sent', () => {
    const { cell, client, lock } = holding();
    cell.stopped = true;
    void client.driver.close();
    expect(truth(client, lock)).toBe(false);
    expect(lock.signal.reason).toMatchObject({ code: 'lock_released' });
    expect(CLIENT_ERRORS.lock_released.retryable).toBe(false);
  });

  it('holds in every turn, through stalls, sleeps, freezes and clocks that are set', () => {
    const trouble = fc.record({
      atMs: fc.integer({ min: 500, max: 60_000 }),
      kind: fc.constantFrom(
        'stall',
        'freeze',
        'sleep',
        'set',
        'evict',
        'deafen',
        'eclipse',
        'eclipse',
      ),
      ms: fc.integer({ min: 50, max: 20_000 }),
    });
    const reached = { handovers: 0, losses: 0 };
    fc.assert(
      fc.property(fc.array(trouble, { maxLength: 8 }), (troubles) => {
        const cell = new FakeCell(4);
        const clients = [0, 1, 2].map(() => new SdkClient(cell));
        for (const { atMs, kind, ms } of troubles) {
          cell.at(atMs, () => vex(cell, clients[ms % 3], kind, ms));
        }
        const asked = (client: SdkClient) => ({ client, answer: client.acquire() });
        const answers = clients.map(asked);
        // One that had given up comes back, so that somebody always waits.
        for (const atMs of [20_000, 40_000, 60_000]) {
          cell.at(atMs, () => {
            answers.push(...clients.filter(({ isFrozen }) => !isFrozen).map(asked));
          });
        }
        const signals = new Map<Lock, AbortSignal>();
        for (let at = 0; at < 90_000; at += 100) {
          cell.run(at);
          for (const { client, answer } of answers) {
            const { lock } = answer;
            if (lock === undefined || client.isFrozen) continue;
            // As the user has it: taken once, and listened to.
            if (!signals.has(lock)) signals.set(lock, lock.signal);
            const aborted = signals.get(lock)?.aborted ?? true;
            const own = cell.tenures.findIndex(
              ({ lockGen }) => comparePositions(lockGen, lock.generation) === 0,
            );
            expect(own).toBeGreaterThanOrEqual(0);
            // S13: nobody was given it after us while our signal is silent.
            if (!aborted) expect(cell.tenures.slice(own + 1)).toEqual([]);
            if (aborted) reached.losses += 1;
          }
        }
        reached.handovers += cell.tenures.length > 1 ? 1 : 0;
      }),
      { numRuns: 60 },
    );
    expect(reached.handovers).toBeGreaterThan(10);
    expect(reached.losses).toBeGreaterThan(10);
  });
});

function vex(cell: FakeCell, client: SdkClient | undefined, kind: string, ms: number): void {
  if (kind === 'freeze') client?.freeze(ms);
  if (kind === 'sleep') client?.sleep(ms);
  if (kind === 'set' && client !== undefined) client.setMs += ms % 2 === 0 ? ms : -ms;
  if (kind === 'evict') cell.evict('/lock');
  if (kind === 'eclipse') eclipse(cell, client);
  if (kind === 'deafen') {
    // No loss is heard of; the numbers of renewals tell.
    const lie: Behaviour['lie'] = (message) => (kindOf(message) === 'lost' ? undefined : message);
    for (const replica of cell.behaviours.keys()) cell.behaviours[replica] = { lie };
  }
  if (kind === 'stall' && !cell.stopped) {
    cell.stopped = true;
    cell.at(ms, () => {
      cell.stalledMs += Math.max(0, ms - 2_000);
      cell.stopped = false;
    });
  }
}

/**
 * Nothing is committed for longer than a lease, so everybody is in jeopardy. When commits go on, this
 * client hears of a grant and of no quorum of clocks; then it is cut off.
 */
function eclipse(cell: FakeCell, client: SdkClient | undefined): void {
  if (client === undefined || cell.stopped) return;
  vex(cell, client, 'stall', 14_000);
  client.isUnproved = true;
  cell.at(17_000, () => {
    client.isCut = true;
  });
  cell.at(50_000, () => {
    client.isCut = false;
    client.isUnproved = false;
  });
}
