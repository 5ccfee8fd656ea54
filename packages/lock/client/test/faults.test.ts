// What is thrown where nobody catches: steps, listeners, work under a lock.
import { asDigest } from '@fatty/codec';
import type {
  CallOutcome,
  ClientEffect,
  ClientEvent,
  SessionState,
  SessionStatus,
} from '@fatty/core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { scheme } from '../../core/test/fake-cell.ts';
import { Driver } from '../src/sdk/driver.ts';
import { StateListeners } from '../src/sdk/states.ts';
import { LiveCell } from './live-cell.ts';

const OP = { kind: 'cancel', seq: 1, index: 0 } as const;
const OPS = { kind: 'ops', ops: [OP] } as const;

let live: LiveCell;
beforeEach(() => {
  live = new LiveCell();
});
afterEach(() => live.stop());

describe('what is thrown where nobody catches', () => {
  /**
   * A driver whose core throws at the events that `when` picks, before or after it has handled them,
   * or after those whose effects `spoils` picks.
   */
  function faulty(
    when: (event: ClientEvent) => 'before' | 'after' | 'never',
    spoils: (effects: readonly ClientEffect[]) => boolean = () => false,
  ): {
    driver: Driver;
    faults: unknown[];
  } {
    const faults: unknown[] = [];
    const driver = new Driver({
      cell: live.cell,
      signer: scheme.signer(new Uint8Array(32).fill(9)),
      scheme,
      dial: live.platform.dial,
      onFault: (fault) => faults.push(fault),
    });
    const step = driver.core.step.bind(driver.core);
    vi.spyOn(driver.core, 'step').mockImplementation((event) => {
      const place = when(event);
      if (place === 'before') throw new Error('fault');
      const effects = step(event);
      if (place === 'after' || spoils(effects)) throw new Error('fault');
      return effects;
    });
    return { driver, faults };
  }

  const ended = (driver: Driver): Promise<CallOutcome> =>
    driver.call(OPS, { timeoutMs: 30_000 }).outcome;

  it.each(['before', 'after'] as const)(
    'at a call, %s it was taken: it alone fails',
    async (place) => {
      let isFirst = true;
      const { driver, faults } = faulty((event) => {
        if (event.kind !== 'call' || !isFirst) return 'never';
        isFirst = false;
        return place;
      });
      expect(await ended(driver)).toMatchObject({
        failure: { code: 'sdk_fault', actual: 'Error: fault' },
        outcome: 'unknown',
        retryable: false,
      });
      expect(faults).toHaveLength(1);
      expect(await ended(driver)).toMatchObject({ kind: 'results' });
      await driver.close();
    },
  );

  it('at wakes and messages: reported, and what was decided before is done', async () => {
    let left = 3;
    const { driver, faults } = faulty((event) => {
      if ((event.kind !== 'wake' && event.kind !== 'message') || left === 0) return 'never';
      left -= 1;
      return 'after';
    });
    expect(await ended(driver)).toMatchObject({ kind: 'results' });
    expect(faults).toHaveLength(3);
    await driver.close();
  });

  it('in the step that answers a call: it is answered all the same', async () => {
    let isFirst = true;
    const { driver, faults } = faulty(
      () => 'never',
      (effects) => {
        if (!isFirst || !effects.some(({ kind }) => kind === 'settled')) return false;
        isFirst = false;
        return true;
      },
    );
    expect(await ended(driver)).toMatchObject({ kind: 'results' });
    expect(faults).toHaveLength(1);
    await driver.close();
  });

  it('by those who listen: reported, and nobody else is harmed', async () => {
    const faults: unknown[] = [];
    const [listener, suspicious] = [new Error('a listener'), new Error('a suspicion')];
    const onFault = (fault: unknown): void => {
      faults.push(fault);
      throw new Error('who is told of faults');
    };
    const onSuspect = (): void => {
      throw suspicious;
    };
    const client = await live.connect({ onFault, onSuspect });
    const heard: string[] = [];
    client.on('connected', () => {
      throw listener;
    });
    client.on('connected', ({ state }) => heard.push(state));
    let isFirst = true;
    live.rewrite = (message) => {
      if (message.kind !== 'receipt' || !isFirst) return message;
      isFirst = false;
      return { ...message, batch: asDigest(new Uint8Array(32)) };
    };
    await client.submit([OP]);
    await client.submit([OP]);
    expect(heard).toEqual(['connected']);
    expect(faults).toEqual(expect.arrayContaining([listener, suspicious]));
    await client.close();
  });
});

describe('listeners of states', () => {
  const status = (state: SessionState, links = 4): SessionStatus => {
    return { state, session: undefined, deadlineMs: 0, epoch: 0, links, commit: 0 };
  };
  const all: readonly SessionState[] = ['connected', 'jeopardy', 'safe', 'expired'];

  function listening(): { states: StateListeners; heard: SessionState[] } {
    const heard: SessionState[] = [];
    const states = new StateListeners(() => undefined);
    for (const state of all) states.add(state, (now) => heard.push(now.state));
    return { states, heard };
  }

  it('hear of changes, not of every link that comes and goes', async () => {
    const { states, heard } = listening();
    for (const links of [1, 2, 3]) states.heard(status('none', links));
    for (const links of [2, 3, 4]) states.heard(status('connected', links));
    for (const state of ['jeopardy', 'jeopardy', 'safe', 'safe'] as const)
      states.heard(status(state));
    await Promise.resolve();
    expect(heard).toEqual(['connected', 'jeopardy', 'safe']);
  });

  it('hear of an end that nobody wished, and not of the one that close() makes', async () => {
    const { states, heard } = listening();
    for (const state of ['connected', 'expired', 'none', 'connected'] as const) {
      states.heard(status(state));
    }
    states.close();
    for (const state of ['jeopardy', 'expired'] as const) states.heard(status(state));
    await Promise.resolve();
    expect(heard).toEqual(['connected', 'expired', 'connected']);
  });

  it('hear nothing more once they have stopped, not even of the present turn', async () => {
    const states = new StateListeners(() => undefined);
    const heard: SessionState[] = [];
    const listener = (now: SessionStatus): void => void heard.push(now.state);
    const stop = states.add('connected', listener);
    states.add('connected', listener);
    states.heard(status('connected'));
    stop();
    await Promise.resolve();
    expect(heard).toEqual(['connected']);
  });

  it('of a client: one connected, nothing when it is closed', async () => {
    const client = await live.connect();
    const heard: SessionState[] = [];
    for (const state of all) client.on(state, (now) => heard.push(now.state));
    await client.submit([OP]);
    await client.linked(4);
    await client.close();
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(heard).toEqual(['connected']);
  });
});

it('what the work under a lock throws is what withLock throws, also when the release fails', async () => {
  const client = await live.connect({ timeoutMs: 50 });
  const mine = new Error('mine');
  const work = (): Promise<never> => {
    live.fake.stopped = true;
    return Promise.reject(mine);
  };
  await client.linked(4, { timeoutMs: 5_000 });
  const options = { timeoutMs: 30_000 };
  await expect(client.withLock('/lock', work, options)).rejects.toBe(mine);
  live.fake.stopped = false;
  await client.close();
});

describe('a hold that is no more', () => {
  it('is nothing to give back: neither release nor the end of the block throws', async () => {
    const client = await live.connect();
    {
      await using lock = await client.acquire('/lock');
      // The cell has thrown it out, and we have not heard of it.
      live.fake.lock('/lock').holder = undefined;
      expect(lock.held).toBe(true);
    }
    const again = await client.acquire('/lock');
    live.fake.lock('/lock').holder = undefined;
    await again.release();
    expect(again.held).toBe(false);
    await client.close();
  });
});
