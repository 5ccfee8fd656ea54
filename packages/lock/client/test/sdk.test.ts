// The SDK against a live fake cell: connecting, calls, locks.

import { ed25519, toHex } from '@fatty/codec';
import { writeCell } from '@fatty/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { CLIENT_ERRORS, clientError, isFattyError } from '../src/index.ts';
import { connectOn } from '../src/sdk/connect.ts';
import { codeOf } from './code-of.ts';
import { LiveCell } from './live-cell.ts';

let live: LiveCell | undefined;

function begin(): LiveCell {
  live = new LiveCell();
  return live;
}

afterEach(() => live?.stop());

describe('connecting', () => {
  it('refuses what it cannot trust or reach, each with its code', async () => {
    const cell = begin();
    expect(await codeOf(connectOn(cell.platform, 'http://x/cell.json', {}))).toBe('bad_argument');
    expect(await codeOf(connectOn(cell.platform, 'gone', {}))).toBe('cell_unreadable');
    const broken = { ...cell.platform, scheme: { ...ed25519(), verify: () => true } };
    expect(await codeOf(connectOn(broken, cell.cell, {}))).toBe('bad_ed25519');
    expect(await codeOf(connectOn(cell.platform, 'file', {}))).toBe('bad_cell_file');
    expect(await codeOf(cell.connect({ cellId: '00'.repeat(32) }))).toBe('wrong_cell_id');
    cell.greet = 1006;
    expect(await codeOf(cell.connect({ timeoutMs: 50 }))).toBe('unreachable');
    const signal = AbortSignal.abort('enough');
    expect(await codeOf(cell.connect({ signal }))).toBe('aborted');
    expect(writeCell(cell.cell)).toContain(toHex(cell.cell.cellId));
  });

  it.each([4401, 4404, 4426])(
    'says at once that n − f replicas refuse it with %i, and which',
    async (code) => {
      const cell = begin();
      cell.greet = code;
      // Two more that would take it are enough.
      cell.greeters = 2;
      await (await cell.connect({ timeoutMs: 600_000 })).close();
      cell.greeters = 3;
      const error = await cell.connect({ timeoutMs: 600_000 }).catch((thrown) => thrown);
      expect(error).toMatchObject({ code: 'not_authenticated', outcome: 'not_applied' });
      expect(error.actual).toContain('3 of 4 refuse it');
      expect(error.actual).toContain(`2: refuses us (${code})`);
    },
  );

  it('resolves at f+1 links and tells its state to iterators and listeners', async () => {
    const cell = begin();
    const client = await cell.connect({ cellId: toHex(cell.cell.cellId) });
    const heard: string[] = [];
    client.on('connected', ({ state }) => heard.push(state));
    const states = client.status();
    await client.submit([{ kind: 'cancel', seq: 9, index: 0 }]);
    await client.close();
    const seen: string[] = [];
    for await (const { state } of states) if (seen.at(-1) !== state) seen.push(state);
    expect(seen).toEqual(['none', 'opening', 'connected', 'expired']);
    expect(heard).toEqual(['connected']);
  });
});

describe('calls', () => {
  it('reads what it wrote, and says not_found for what is not there', async () => {
    const cell = begin();
    await using client = await cell.connect();
    const content = new TextEncoder().encode('hello');
    await client.submit([{ kind: 'write', path: '/a', content, observed: [] }]);
    expect((await client.get('/a', { level: 'linearizable' })).text()).toBe('hello');
    const missing = await client.get('/b').catch((error: unknown) => error);
    expect(isFattyError(missing, 'not_found')).toBe(true);
    expect(missing).toMatchObject({ outcome: 'not_applied', retryable: false });
  });

  it('answers aborted with the reason as cause, timeout, and closed', async () => {
    const cell = begin();
    const client = await cell.connect();
    cell.fake.stopped = true;
    const controller = new AbortController();
    const op = { kind: 'cancel', seq: 1, index: 0 } as const;
    const waiting = client.submit([op], { signal: controller.signal });
    controller.abort('why not');
    const aborted = await waiting.catch((error: unknown) => error);
    expect(aborted).toMatchObject({ code: 'aborted', name: 'AbortError', cause: 'why not' });
    const late = await client.submit([op], { timeoutMs: 30 }).catch((error: unknown) => error);
    expect(late).toMatchObject({ code: 'timeout', name: 'TimeoutError' });
    await client.close();
    expect(await codeOf(client.submit([op]))).toBe('closed');
  });

  it('says bad_answer, applied, when f+1 agree on unreadable results', async () => {
    const cell = begin();
    await using client = await cell.connect();
    await client.submit([{ kind: 'cancel', seq: 1, index: 0 }]);
    cell.rewrite = (message) =>
      message.kind === 'receipt' ? { ...message, results: [Uint8Array.of(0xff)] } : message;
    const failed = await client
      .submit([{ kind: 'cancel', seq: 1, index: 0 }])
      .catch((e: unknown) => e);
    expect(failed).toMatchObject({ code: 'bad_answer', outcome: 'applied' });
    cell.rewrite = (message) => message;
  });
});

describe('locks', () => {
  it('is held until the end of the block; its signal then says lock_released', async () => {
    const cell = begin();
    await using client = await cell.connect();
    let signal: AbortSignal;
    {
      await using lock = await client.acquire('/lock');
      signal = lock.signal;
      expect(lock.held).toBe(true);
      expect(lock.token).toMatch(/^\d{16}\.\d{10}$/);
      expect(cell.fake.holderOf('/lock')).toBeDefined();
    }
    expect(isFattyError(signal.reason, 'lock_released')).toBe(true);
    expect(cell.fake.holderOf('/lock')).toBeUndefined();
  });

  it('aborts its signal when the cell takes the lock away; put under it then refuses', async () => {
    const cell = begin();
    await using client = await cell.connect();
    const lock = await client.acquire('/lock');
    cell.fake.seize('/lock');
    expect(isFattyError(await lock.lost, 'lock_lost')).toBe(true);
    expect(lock.signal.aborted).toBe(true);
    expect(await codeOf(client.put('/file', 'x', { lock }))).toBe('lock_lost');
    await lock.release();
  });

  it('tries without waiting, and an aborted wait leaves the queue', async () => {
    const cell = begin();
    await using one = await cell.connect();
    await using two = await cell.connect();
    const lock = await one.acquire('/lock');
    expect(await codeOf(two.tryAcquire('/lock'))).toBe('lock_held');
    const controller = new AbortController();
    const waiting = two.acquire('/lock', { signal: controller.signal });
    await two.submit([{ kind: 'cancel', seq: 99, index: 0 }]);
    controller.abort();
    const aborted = await waiting.catch((error: unknown) => error);
    expect(aborted).toMatchObject({ code: 'aborted', path: '/lock' });
    expect((aborted as Error).message).toMatch(/; \d waited when it came \(\/lock\)$/);
    await two.submit([{ kind: 'cancel', seq: 99, index: 0 }]);
    await lock.release();
    expect(cell.fake.holderOf('/lock')).toBeUndefined();
    const result = await two.withLock('/lock', async ({ held }) => held);
    expect(result).toBe(true);
  });
});

it('brands its errors so that another copy of the package knows them', () => {
  const error = clientError('timeout', 'a', 'b', { outcome: 'unknown' });
  const foreign = Object.defineProperty({ code: 'closed' }, Symbol.for('fatty.error'), {
    value: true,
  });
  expect(isFattyError(error, 'timeout')).toBe(true);
  expect(isFattyError(error, 'closed')).toBe(false);
  expect(isFattyError(foreign, 'closed')).toBe(true);
  expect(isFattyError(new Error('timeout'))).toBe(false);
  for (const [code, { text }] of Object.entries(CLIENT_ERRORS)) {
    expect(text.endsWith('.'), code).toBe(true);
  }
});
