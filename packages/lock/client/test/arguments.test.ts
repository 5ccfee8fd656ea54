// Every argument of every method, wrong in every way: one call rejects, with a code.
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Client, isFattyError } from '../src/index.ts';
import { connectOn } from '../src/sdk/connect.ts';
import { commandProver, proverPool, runMachine } from '../src/worker/index.ts';
import { LiveCell } from './live-cell.ts';

/** A client as plain JavaScript sees it. */
type Untyped = Readonly<Record<string, (...args: readonly unknown[]) => unknown>>;

let live: LiveCell;
let client: Client;
let faults: unknown[];

beforeEach(async () => {
  live = new LiveCell();
  faults = [];
  const onFault = (fault: unknown): void => void faults.push(fault);
  client = await live.connect({ timeoutMs: 5_000, onFault });
});

afterEach(async () => {
  await client.close();
  live.stop();
});

const plain = (value: object): Untyped => value as unknown as Untyped;

async function codeOf(act: () => unknown): Promise<string> {
  try {
    await act();
    return 'none';
  } catch (error) {
    return isFattyError(error) ? `${error.code}` : `not ours: ${String(error)}`;
  }
}

const LONG = `/${'x'.repeat(70_000)}`;
const LONE = '/\ud800';
const MARK = '\uFEFF/x';
const PATHS = [undefined, null, 5, {}, '', 'a', LONE, MARK, LONG, '/a'.repeat(33)];

/** Methods whose first argument is a path. */
const BY_PATH = [
  'get',
  'stat',
  'ls',
  'lockState',
  'create',
  'put',
  'remove',
  'acquire',
  'tryAcquire',
] as const;

const throwing = {
  get timeoutMs(): number {
    throw new Error('mine');
  },
};

/** Bad in every method that takes options. */
const OPTIONS: readonly [string, unknown][] = [
  ['null', null],
  ['text', '5s'],
  ['a time-out that is no number', { timeoutMs: Number.NaN }],
  ['a time-out as text', { timeoutMs: '5s' }],
  ['a time-out below 0', { timeoutMs: -1 }],
  ['a signal that is none', { signal: 'stop' }],
  ['no signal', { signal: null }],
  ['options that throw', throwing],
  ['a name that no option has', { timeOutMs: 5 }],
];

const CALLS: readonly [string, (c: Untyped) => unknown, string][] = [
  ['content null', (c) => c.create?.('/x', { content: null }), 'bad_argument'],
  ['content of a number', (c) => c.put?.('/x', 5), 'bad_argument'],
  ['content of half a character', (c) => c.put?.('/x', 'a\ud800'), 'bad_argument'],
  ['much content', (c) => c.put?.('/x', new Uint8Array(300_000)), 'content_too_large'],
  ['a node kind there is not', (c) => c.create?.('/x', { node: 'dir' }), 'bad_argument'],
  ['a mode there is not', (c) => c.create?.('/x', { mode: 'GUARDED' }), 'bad_argument'],
  ['a flag that is none', (c) => c.create?.('/x', { exclusive: 'no' }), 'bad_argument'],
  ['parents of a bad path', (c) => c.create?.(LONE, { parents: true }), 'bad_path'],
  ['parents of the root', (c) => c.create?.('/', { parents: true }), 'bad_path'],
  ['a generation as text', (c) => c.put?.('/x', 'y', { generation: '1.0' }), 'bad_argument'],
  [
    'half a generation',
    (c) => c.put?.('/x', 'y', { generation: { commit: 1.5, index: 0 } }),
    'bad_argument',
  ],
  [
    'a generation below 0',
    (c) => c.put?.('/x', 'y', { generation: { commit: -1, index: 0 } }),
    'bad_argument',
  ],
  ['a lock that is none', (c) => c.put?.('/x', 'y', { lock: 'mine' }), 'bad_argument'],
  ['a path below the cell’s own', (c) => c.remove?.('/.sys/x'), 'reserved_path'],
  ['a lock mode there is not', (c) => c.acquire?.('/x', { mode: 'EXCLUSIVE' }), 'bad_argument'],
  ['half a ms of waiting', (c) => c.acquire?.('/x', { maxWaitMs: 1.5 }), 'bad_argument'],
  ['half a ms of delay', (c) => c.tryAcquire?.('/x', { lockDelayMs: 0.5 }), 'bad_argument'],
  ['a delay too long', (c) => c.acquire?.('/x', { lockDelayMs: 60_001 }), 'bad_lock_delay'],
  ['no work', (c) => c.withLock?.('/x'), 'bad_argument'],
  ['a level there is not', (c) => c.get?.('/x', { level: 'strong' }), 'bad_argument'],
  ['an unknown op', (c) => c.submit?.([{ kind: 'nonsense' }]), 'bad_argument'],
  ['an op without fields', (c) => c.submit?.([{ kind: 'create', path: '/x' }]), 'bad_argument'],
  ['no ops', (c) => c.submit?.([]), 'empty_batch'],
  ['ops that are none', (c) => c.submit?.(undefined), 'bad_argument'],
  ['a replica there is not', (c) => c.replicaStatus?.(9), 'bad_argument'],
  ['half a replica', (c) => c.replicaStatus?.(1.5), 'bad_argument'],
  ['no replica', (c) => c.askReplica?.(undefined, { kind: 'members' }, 'members'), 'bad_argument'],
  [
    'an empty page',
    (c) => c.read?.({ kind: 'list', path: '/', after: undefined, limit: 0 }, 'list'),
    'bad_limit',
  ],
  [
    'a page below 0',
    (c) => c.read?.({ kind: 'list', path: '/', after: undefined, limit: -1 }, 'list'),
    'bad_limit',
  ],
  [
    'three bytes of a session',
    (c) => c.read?.({ kind: 'session', id: new Uint8Array(3) }, 'session'),
    'bad_argument',
  ],
  ['an answer of another kind', (c) => c.read?.({ kind: 'members' }, 'value'), 'bad_argument'],
  ['no query', (c) => c.read?.(undefined, 'value'), 'bad_argument'],
  [
    'a bad query after a barrier',
    (c) => c.read?.({ kind: 'get', path: LONE }, 'value', { level: 'linearizable' }),
    'bad_path',
  ],
  ['more links than replicas', (c) => c.linked?.(5), 'bad_argument'],
  ['no number of links', (c) => c.linked?.('all'), 'bad_argument'],
  ['a state there is not', (c) => c.on?.('lost', () => undefined), 'bad_argument'],
  ['no listener', (c) => c.on?.('expired', null), 'bad_argument'],
  ['a status without options', (c) => c.status?.(null), 'bad_argument'],
];

const MACHINES: readonly [string, (m: Untyped) => unknown, string][] = [
  ['nothing declared', (m) => m.declare?.(), 'bad_argument'],
  ['an id of text', (m) => m.declare?.({ programId: 'x', t: 1n, s: 2n }), 'bad_argument'],
  [
    't as a number',
    (m) => m.declare?.({ programId: new Uint8Array(32), t: 1, s: 2n }),
    'bad_argument',
  ],
  [
    'a policy of text',
    (m) => m.declare?.({ programId: new Uint8Array(32), t: 1n, s: 2n, policy: 'all' }),
    'bad_argument',
  ],
  [
    'an inbox of text',
    (m) => m.declare?.({ programId: new Uint8Array(32), t: 1n, s: 2n, inbox: 'big' }),
    'bad_argument',
  ],
  ['no proofs', (m) => m.take?.(), 'bad_argument'],
  ['an empty list of proofs', (m) => m.take?.([]), 'no_proof'],
  ['proofs of text', (m) => m.resume?.(['proof']), 'bad_argument'],
  ['a nonce of text', (m) => m.take?.([new Uint8Array(1)], { nonce: '1.0' }), 'bad_argument'],
  ['an entry of a number', (m) => m.post?.(5), 'bad_argument'],
  ['the entry 0', (m) => m.post?.(0n), 'bad_entry'],
];

async function expectCode(act: () => unknown, code: string): Promise<void> {
  expect(await codeOf(act)).toBe(code);
}

async function goesOn(): Promise<void> {
  await client.linked(4);
  await client.submit([{ kind: 'cancel', seq: 1, index: 0 }]);
  expect(await codeOf(() => client.get('/missing'))).toBe('not_found');
  expect(client.session.links).toBe(4);
  expect(faults).toEqual([]);
}

describe('a bad argument rejects that one call', () => {
  it.each(BY_PATH)('%s: whatever is no path', async (method) => {
    for (const path of PATHS) {
      await expectCode(
        () => plain(client)[method]?.(path, method === 'put' ? 'x' : undefined),
        'bad_path',
      );
    }
    await goesOn();
  });

  it('names the path and what is wrong with it', async () => {
    const error = await client.get('/db/\ud800').catch((caught: unknown) => caught);
    expect(error).toMatchObject({
      code: 'bad_path',
      path: '/db/\ud800',
      actual: 'a lone surrogate in /db/\uFFFD',
      outcome: 'not_applied',
      retryable: false,
    });
  });

  it.each(OPTIONS)('%s where options are wanted', async (_, options) => {
    const calls: readonly ((c: Untyped) => unknown)[] = [
      ...BY_PATH.map(
        (method) => (c: Untyped) =>
          method === 'put' ? c.put?.('/x', 'y', options) : c[method]?.('/x', options),
      ),
      (c) => c.submit?.([{ kind: 'cancel', seq: 1, index: 0 }], options),
      (c) => c.read?.({ kind: 'members' }, 'members', options),
      (c) => c.members?.(options),
      (c) => c.replicaStatus?.(1, options),
      (c) => c.linked?.(1, options),
      (c) => c.withLock?.('/x', () => undefined, options),
      () => plain(client.machine('/m')).stat?.(options),
      () => plain(client.machine('/m')).post?.(1n, options),
      () => plain(client.machine('/m')).take?.([new Uint8Array(1)], options),
      () => plain(client.machine('/m')).declare?.(options),
    ];
    for (const call of calls) await expectCode(() => call(plain(client)), 'bad_argument');
    await goesOn();
  });

  it.each(CALLS)('%s', async (_, call, code) => {
    await expectCode(() => call(plain(client)), code);
    await goesOn();
  });

  it.each(MACHINES)('machines: %s', async (_, call, code) => {
    await expectCode(() => call(plain(client.machine('/m'))), code);
    await goesOn();
  });

  it('a lock that is held stays held, and its release looks at its options too', async () => {
    const lock = await client.acquire('/lock');
    for (const path of PATHS) await codeOf(() => client.get(path as string));
    expect(lock.held).toBe(true);
    expect(await codeOf(() => lock.release({ timeoutMs: Number.NaN }))).toBe('bad_argument');
    expect(lock.held).toBe(true);
    await lock.release();
  });
});

describe('connecting', () => {
  it.each<[string, object]>([
    ['a lease too short', { leaseMs: 10 }],
    ['half a lease', { leaseMs: 4_000.5 }],
    ['a grace that is no time', { graceMs: 'long' }],
    ['no delay', { deltaMs: 0 }],
    ['a chain of 0', { chainLength: 0 }],
    ['a chain that takes an hour to hash', { chainLength: 2 ** 40 }],
    ['nothing in flight', { batchesInFlightMax: 0 }],
    ['no bounds', { bounds: {} }],
    ['a time-out that is no number', { timeoutMs: Number.NaN }],
    ['a signer that cannot sign', { signer: { publicKey: new Uint8Array(32) } }],
    ['an id of a number', { cellId: 5 }],
    ['an id that lacks its end', { cellId: 'ab'.repeat(31) }],
    ['an id that is no hex', { cellId: 'xy'.repeat(32) }],
    ['an id of 31 bytes', { cellId: new Uint8Array(31) }],
    ['no WebSocket', { webSocket: 'ws' }],
    ['a listener that is none', { onSuspect: true }],
    ['a name that no option has', { leaseMS: 4_000 }],
  ])('with %s', async (_, options) => {
    expect(await codeOf(() => live.connect(options))).toBe('bad_argument');
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a number', 7],
    ['an empty object', {}],
    ['numbers for URLs', [1, 2]],
  ])('to %s', async (_, source) => {
    expect(await codeOf(() => connectOn(live.platform, source as string, {}))).toBe('bad_argument');
  });
});

describe('workers', () => {
  it.each<[string, object]>([
    ['no program', {}],
    ['no path', { path: undefined }],
    ['a pace of 0', { transitions: { everyMs: 0 } }],
    ['half a transition', { transitions: { max: 0.5 } }],
    ['a prover that is none', { prover: {} }],
    ['a listener that is none', { onProgress: 'log' }],
  ])('%s', async (_, wrong) => {
    const program = { builtins: [], words: [1n], cells: [], hints: [], main: 0 };
    const options = { path: '/m', ...(Object.keys(wrong).length > 0 ? { program } : {}), ...wrong };
    expect(await codeOf(() => runMachine(client, options as never))).toMatch(/^bad_argument$/);
  });

  it('provers', async () => {
    expect(await codeOf(() => proverPool({ proofs: Number.NaN }))).toBe('bad_argument');
    expect(await codeOf(() => proverPool({ threads: 0 }))).toBe('bad_argument');
    expect(await codeOf(() => commandProver({ command: '' }))).toBe('bad_argument');
    expect(await codeOf(() => commandProver({ command: 'x', timeoutMs: Number.NaN }))).toBe(
      'bad_argument',
    );
  });
});

it('whatever is handed over, every method rejects with a code or does what it is for', async () => {
  const odd = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.anything({ withBigInt: true, withMap: true, withTypedArray: true }),
    },
    fc.constantFrom(
      ...PATHS,
      '/ok',
      { timeoutMs: Number.NaN },
      throwing,
      new Proxy(
        {},
        {
          get: () => {
            throw new Error('trap');
          },
        },
      ),
    ),
    fc.string({ unit: 'binary' }).map((name) => `/${name}`),
    fc.record({
      kind: fc.constantFrom('get', 'list', 'create', 'acquire', 'x'),
      path: fc.anything(),
      limit: fc.anything(),
    }),
  );
  const methods = [
    ...BY_PATH,
    'submit',
    'read',
    'askReplica',
    'replicaStatus',
    'linked',
    'withLock',
  ];
  const onMachine = ['declare', 'take', 'resume', 'post', 'stat'];
  const call = fc.tuple(fc.constantFrom(...methods, ...onMachine), fc.array(odd, { maxLength: 3 }));
  await fc.assert(
    fc.asyncProperty(call, async ([method, args]) => {
      const on = onMachine.includes(method) ? client.machine(args[0] as string) : client;
      const ended = codeOf(() => plain(on)[method]?.(...args));
      const patience = new Promise<string>((resolve) => setTimeout(resolve, 1_500, 'patience'));
      expect(await Promise.race([ended, patience])).toMatch(/^(none|patience|[a-z_]+)$/);
    }),
    { numRuns: 400 },
  );
  await goesOn();
});
