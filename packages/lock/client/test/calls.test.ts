// Every call of the SDK: its signal, its time-out, and what its errors say.
import { ERRORS } from '@fatty/api';
import { sha256 } from '@fatty/codec';
import { afterEach, describe, expect, it } from 'vitest';
import {
  CLIENT_ERRORS,
  type Client,
  FattyError,
  isFattyError,
  isRetryable,
  type OpOutcome,
} from '../src/index.ts';
import { LiveCell } from './live-cell.ts';

interface Terms {
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}
type Call = (client: Client, terms: Terms) => Promise<unknown>;

const PROOFS = [new Uint8Array(8)];
const NONCE = { nonce: { commit: 1, index: 0 } };
const DECLARED = { programId: sha256(new Uint8Array(1)), t: 0n, s: 0n };

/** Each public method that asks something of a cell. */
const CALLS: Readonly<Record<string, Call>> = {
  linked: (client, terms) => client.linked(4, terms),
  submit: (client, terms) =>
    client.submit([{ kind: 'cancel', seq: Number.MAX_SAFE_INTEGER, index: 0 }], terms),
  create: (client, terms) => client.create('/a', terms),
  put: (client, terms) => client.put('/a', 'x', terms),
  remove: (client, terms) => client.remove('/a', terms),
  'remove, recursive': (client, terms) => client.remove('/a', { ...terms, recursive: true }),
  read: (client, terms) => client.read({ kind: 'stat', path: '/a' }, 'stat', terms),
  get: (client, terms) => client.get('/a', terms),
  stat: (client, terms) => client.stat('/a', terms),
  ls: (client, terms) => client.ls('/', terms),
  lockState: (client, terms) => client.lockState('/a', terms),
  members: (client, terms) => client.members(terms),
  replicaStatus: (client, terms) => client.replicaStatus(0, terms),
  askReplica: (client, terms) => client.askReplica(0, { kind: 'members' }, 'members', terms),
  submitBytes: (client, terms) => client.submitBytes(new Uint8Array(1), terms),
  query: (client, terms) => client.query(new Uint8Array(1), terms),
  acquire: (client, terms) => client.acquire('/a', terms),
  tryAcquire: (client, terms) => client.tryAcquire('/a', terms),
  withLock: (client, terms) => client.withLock('/a', async () => undefined, terms),
  'machine.declare': (client, terms) => client.machine('/m').declare({ ...DECLARED, ...terms }),
  'machine.stat': (client, terms) => client.machine('/m').stat(terms),
  'machine.post': (client, terms) => client.machine('/m').post(1n, terms),
  'machine.take': (client, terms) => client.machine('/m').take(PROOFS, { ...NONCE, ...terms }),
  'machine.resume': (client, terms) => client.machine('/m').resume(PROOFS, { ...NONCE, ...terms }),
};

let live: LiveCell | undefined;
afterEach(() => live?.stop());

async function begin(): Promise<{ readonly cell: LiveCell; readonly client: Client }> {
  live = new LiveCell();
  return { cell: live, client: await live.connect() };
}

async function errorOf(work: Promise<unknown>): Promise<FattyError> {
  const error = await work.then(
    () => new Error('it was answered'),
    (reason: unknown) => reason,
  );
  if (isFattyError(error)) return error;
  throw error;
}

const SENTENCE = /^[A-Z].*\.$/;

describe.each(Object.entries(CALLS))('%s', (_, call) => {
  it('ends at once when its signal is aborted before, and nothing is sent', async () => {
    const { client } = await begin();
    const reason = new Error('enough');
    const error = await errorOf(call(client, { signal: AbortSignal.abort(reason) }));
    expect(error).toMatchObject({ code: 'aborted', outcome: 'not_applied', name: 'AbortError' });
    expect(error.cause).toBe(reason);
    expect(error.advice).toMatch(SENTENCE);
  });

  it('ends when its time or its signal does, while nobody answers', async () => {
    const { cell, client } = await begin();
    cell.fake.behaviours.fill({ lie: () => undefined, swallows: true });
    cell.greet = 1006;
    const late = await errorOf(call(client, { timeoutMs: 40 }));
    expect(late.code).toMatch(/^(timeout|unreachable)$/);
    expect(late.advice).toMatch(SENTENCE);
    const controller = new AbortController();
    const aborted = errorOf(call(client, { signal: controller.signal, timeoutMs: 60_000 }));
    controller.abort('now');
    expect((await aborted).code).toBe('aborted');
  });

  it('refuses options that are none', async () => {
    const { client } = await begin();
    const wrong = { signal: 'soon', timeoutMs: -1 } as unknown as Terms;
    const error = await errorOf(call(client, wrong));
    expect(error).toMatchObject({ code: 'bad_argument', outcome: 'not_applied' });
    expect(error.advice).toMatch(SENTENCE);
  });
});

describe('what to do', () => {
  const codes = [...ERRORS.keys(), ...Object.keys(CLIENT_ERRORS), 'of_a_newer_cell'];
  const outcomes: readonly OpOutcome[] = ['not_applied', 'applied', 'unknown'];

  it.each(codes)('is said of %s, whatever became of it', (code) => {
    const failure = { code, expected: 'x', actual: 'y' };
    for (const outcome of outcomes) {
      const error = new FattyError(failure, { outcome, retryable: isRetryable(code) });
      expect(error.advice).toMatch(SENTENCE);
      expect(error.advice.includes('may have happened')).toBe(outcome === 'unknown');
      expect(JSON.stringify(error.message)).toContain(code);
    }
  });

  it.each([
    'access_denied',
    'already_held',
    'key_rotated',
    'key_revoked',
    'cell_unreadable',
    'bad_cell_file',
    'bad_path',
  ])('of %s: more than that the call is wrong', (code) => {
    const failure = { code, expected: 'x', actual: 'y' };
    const { advice } = new FattyError(failure, { outcome: 'not_applied', retryable: false });
    expect(advice).not.toContain('Mend the call');
  });

  it('counts the milliseconds that a lock-delay lasts', () => {
    const failure = { code: 'lock_delay', expected: 'x', actual: 'y' };
    const error = new FattyError(failure, {
      outcome: 'not_applied',
      retryable: true,
      waitMs: 1_500,
    });
    expect(error.advice).toBe('Call again in 1500 ms.');
  });
});
