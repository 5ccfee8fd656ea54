// Who may do what, through the SDK and real gateways.
import { toHex } from '@fatty/codec';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Client, isFattyError } from '../src/index.ts';
import { startTestCell, type TestCell } from '../src/testing/index.ts';

let cell: TestCell;
let boss: Client;
let other: Client;

beforeAll(async () => {
  cell = await startTestCell();
  boss = await cell.connect({ signer: cell.signer('boss') });
  other = await cell.connect({ signer: cell.signer('other') });
});
afterAll(async () => {
  await cell[Symbol.asyncDispose]();
});

const nameOf = (client: Client): string => toHex(client.key);
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: unknown) => (isFattyError(error) ? error.code : String(error)),
  );

describe('acl', () => {
  it('grants and revokes, and the cell holds to it', async () => {
    await boss.put('/app/config', 'one', { parents: true });
    const acl = boss.acl('/app/config');
    expect(await acl.get()).toMatchObject({ read: ['anyone'], write: ['anyone'] });
    await acl.set({ read: [], write: [nameOf(boss)], change: [nameOf(boss)] });
    expect(await codeOf(other.get('/app/config'))).toBe('access_denied');
    expect(await codeOf(other.get('/app/config', { level: 'delivered' }))).toBe('access_denied');
    expect(await codeOf(other.get('/app/config', { level: 'linearizable' }))).toBe('access_denied');
    expect(await codeOf(other.tryAcquire('/app/config'))).toBe('access_denied');
    expect(await codeOf(other.acl('/app/config').grant('write', nameOf(other)))).toBe(
      'access_denied',
    );
    const granted = await acl.grant('read', [nameOf(other), 'group:ops']);
    expect(granted.read).toEqual([nameOf(other), 'group:ops']);
    const error = await other.put('/app/config', 'two').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'access_denied', path: '/app/config', retryable: false });
    expect(String(error)).toContain('write list of /app/config');
    await acl.revoke('read', nameOf(other));
    expect(await codeOf(other.stat('/app/config'))).toBe('access_denied');
  });

  it('keeps grants that come at the same time', async () => {
    await boss.put('/both', 'x');
    await boss.acl('/both').set({ write: [nameOf(boss)], change: [nameOf(boss), nameOf(other)] });
    const keys = Array.from({ length: 4 }, (_, i) => `${i}`.repeat(64));
    await Promise.all(
      keys.map((key, i) => (i % 2 === 0 ? boss : other).acl('/both').grant('write', key)),
    );
    const { write } = await boss.acl('/both').get();
    expect(new Set(write)).toEqual(new Set([nameOf(boss), ...keys]));
  });

  it('is bound to the generation that is given', async () => {
    await boss.put('/bound', 'x');
    const { generation } = await boss.acl('/bound').get();
    await boss.acl('/bound').set({ read: ['anyone'] }, { generation });
    expect(await codeOf(boss.acl('/bound').set({ read: [] }, { generation }))).toBe(
      'generation_mismatch',
    );
  });

  it('says what is no principal before anything is sent', async () => {
    const acl = boss.acl('/bound');
    expect(await codeOf(acl.grant('read', 'nobody'))).toBe('bad_acl');
    expect(await codeOf(acl.set({ read: [5] as never }))).toBe('bad_argument');
    expect(await codeOf(acl.grant('own' as never, 'anyone'))).toBe('bad_argument');
    expect(await codeOf(boss.acl('/').set({ change: [] }))).toBe('bad_acl');
    expect(await codeOf(boss.acl('/none').get())).toBe('not_found');
  });
});
