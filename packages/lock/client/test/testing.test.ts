// The cell for tests of applications: every switch does what it says, and what the SDK says of it.
import { nodeScheme } from '@fatty/codec/node';
import { afterEach, describe, expect, it } from 'vitest';
import { type Client, isFattyError } from '../src/index.ts';
import { startTestCell, type TestCell, type TestCellOptions } from '../src/testing/index.ts';

const cells: TestCell[] = [];

async function start(options: TestCellOptions = {}): Promise<TestCell> {
  const cell = await startTestCell(options);
  cells.push(cell);
  return cell;
}

afterEach(async () => {
  for (const cell of cells.splice(0)) {
    cell.heal();
    await cell[Symbol.asyncDispose]();
  }
});

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: unknown) => (isFattyError(error) ? `${error.code} ${error.outcome}` : String(error)),
  );

/** The session is open, and the client has said something. */
async function inSession(cell: TestCell): Promise<Client> {
  const client = await cell.connect();
  await client.put('/config', 'one', { parents: true });
  return client;
}

describe('a cell in this process', () => {
  it('runs what the real one runs: files, locks, sessions, refusals', async () => {
    const cell = await start();
    const client = await inSession(cell);
    expect((await client.get('/config', { level: 'linearizable' })).text()).toBe('one');
    expect(await codeOf(client.get('/none'))).toBe('not_found not_applied');
    const other = await cell.connect();
    await client.withLock('/config', async (lock) => {
      expect(lock.held).toBe(true);
      expect(await codeOf(other.tryAcquire('/config'))).toBe('lock_held not_applied');
    });
    expect((await other.tryAcquire('/config')).held).toBe(true);
    expect((await client.members()).members).toHaveLength(4);
  });

  it.each([7, 4])('has real signatures and %i replicas when it is asked to', async (replicas) => {
    const cell = await start({ replicas, scheme: nodeScheme() });
    const client = await inSession(cell);
    expect(cell.replicas).toHaveLength(replicas);
    expect((await client.get('/config')).text()).toBe('one');
  });

  it('keeps a file and a key over a client that comes back', async () => {
    const cell = await start();
    const first = await cell.connect({ signer: cell.signer('me') });
    await first.put('/mine', 'kept');
    await first.close();
    const second = await cell.connect({ signer: cell.signer('me') });
    expect(second.key).toEqual(first.key);
    expect((await second.get('/mine')).text()).toBe('kept');
  });
});

describe('time', () => {
  it('goes with advance alone when the clock is manual: a minute of a lease in less', async () => {
    const cell = await start({ clock: 'manual' });
    const client = await cell.connect();
    const made = client.create('/lock');
    await cell.advance(1_000);
    await made;
    const acquired = client.acquire('/lock');
    await cell.advance(1_000);
    const lock = await acquired;
    await cell.advance(60_000);
    expect(lock.held).toBe(true);
    expect(cell.nowMs).toBeGreaterThanOrEqual(60_000);
    expect(lock.deadlineMs).toBeGreaterThan(cell.nowMs);
  });
});

describe('what goes wrong', () => {
  it('a gateway that is down costs no call and no lock', async () => {
    const cell = await start();
    const client = await inSession(cell);
    const lock = await client.acquire('/config');
    const gateway = cell.gatewayOf(client);
    if (gateway === undefined) throw new Error('nothing was sent');
    cell.crash(gateway);
    await client.put('/config', 'two');
    expect(cell.gatewayOf(client)).not.toBe(gateway);
    expect(lock.held).toBe(true);
    cell.restart(gateway);
    cell.crash((gateway + 1) % 4);
    await client.put('/config', 'three');
    expect((await client.get('/config')).text()).toBe('three');
  });

  it('a gateway that stands still costs no call either', async () => {
    const cell = await start();
    const client = await inSession(cell);
    cell.pause(cell.gatewayOf(client) ?? 0);
    const put = client.put('/config', 'two');
    await cell.advance(20_000);
    expect(await codeOf(put)).toBe('done');
  });

  it('slow links make a call slow', async () => {
    const cell = await start({ clock: 'manual' });
    const client = await cell.connect();
    const opened = client.put('/a', '');
    await cell.advance(2_000);
    await opened;
    cell.slow(500);
    let isDone = false;
    const put = client.put('/a', 'slow').then(() => {
      isDone = true;
    });
    await cell.advance(900);
    expect(isDone).toBe(false);
    await cell.advance(5_000);
    await put;
    expect(isDone).toBe(true);
  });

  it('without a quorum nothing is known of an op in its time, jeopardy is told, and it heals', async () => {
    const cell = await start();
    const client = await inSession(cell);
    const lock = await client.acquire('/config');
    const states: string[] = [];
    client.on('jeopardy', () => states.push('jeopardy'));
    client.on('safe', () => states.push('safe'));
    cell.loseQuorum();
    const put = codeOf(client.put('/config', 'two', { timeoutMs: 5_000 }));
    await cell.advance(5_500);
    expect(await put).toBe('timeout unknown');
    await cell.advance(cell.cell.committee.params.leaseMs);
    expect(states).toEqual(['jeopardy']);
    expect(lock.held).toBe(false);
    expect(isFattyError(lock.signal.reason, 'in_jeopardy')).toBe(true);
    cell.heal();
    await cell.advance(10_000);
    expect(states).toEqual(['jeopardy', 'safe']);
    await client.put('/config', 'three');
  });

  it('a lost session takes its locks along, and the next call opens another', async () => {
    const cell = await start();
    const client = await inSession(cell);
    const { session } = client.session;
    const lock = await client.acquire('/config');
    await cell.loseSession(client);
    expect(lock.held).toBe(false);
    await client.put('/config', 'two');
    expect(client.session.session).not.toEqual(session);
  });

  it('a client that is cut off is unreachable, alone', async () => {
    const cell = await start();
    const client = await inSession(cell);
    const other = await inSession(cell);
    cell.cutOff(client);
    const put = codeOf(client.put('/config', 'two', { timeoutMs: 1_000 }));
    await other.put('/config', 'three');
    await cell.advance(1_500);
    expect(await put).toMatch(/^(timeout|unreachable) /);
    cell.heal();
    await client.put('/config', 'four');
    expect((await other.get('/config', { level: 'linearizable' })).text()).toBe('four');
  });

  it('a replica alone on its side is not missed', async () => {
    const cell = await start();
    const client = await inSession(cell);
    cell.partition([3]);
    await client.put('/config', 'two');
    expect((await client.get('/config')).text()).toBe('two');
  });

  it('says which switch was used wrongly', async () => {
    const cell = await start();
    const stranger = await (await start()).connect();
    expect(() => cell.crash(4)).toThrow('no replica 4');
    expect(() => cell.cutOff(stranger)).toThrow('another cell');
    await expect(cell.loseSession(await cell.connect())).rejects.toThrow('no session yet');
  });
});
