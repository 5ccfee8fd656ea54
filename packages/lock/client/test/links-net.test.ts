// Real dialers and links in virtual time: one replica at a time in trouble costs nothing.
import type { Op } from '@fatty/api';
import { dialClient } from '@fatty/network/client';
import type { Cell } from '@fatty/protocol';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { FakeCell, scheme } from '../../core/test/fake-cell.ts';
import { Client, FattyError, type Lock } from '../src/index.ts';
import { Wires } from './wires.ts';

const KINDS = ['drop', 'stop', 'slow', 'gone'] as const;
const CLIENTS = 2;
const STEP_MS = 10;
const CALL_EVERY_MS = 350;
const TIMEOUT_MS = 10_000;
/** Of a call while one replica of four is in trouble: two tries, and the usual latency. */
const CALL_MS_MAX = 2_500;
/** Of a call when all is well. */
const QUICK_MS_MAX = 500;
/** A handshake's time-out and twice the longest wait between two tries, with room. */
const HEAL_MS = 15_000;

interface Fault {
  readonly replica: number;
  readonly kind: (typeof KINDS)[number];
  readonly forMs: number;
  readonly pauseMs: number;
}

interface Told {
  readonly what: string;
  readonly tookMs: number;
  readonly error: string | undefined;
}

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance', 'Date'],
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Bytes from a seed, for everything that draws: a failing world can be played again. */
function seeded(seed: number): (size: number) => Uint8Array {
  let state = seed >>> 0;
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  };
  return (size) => Uint8Array.from({ length: size }, next);
}

/** Real clients with real dialers and links at a fake cell, in virtual time. */
class World {
  readonly fake = new FakeCell(4);
  readonly wires: Wires;
  readonly clients: Client[];
  readonly told: Told[] = [];
  readonly #locks: Lock[] = [];
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(seed: number) {
    const random = seeded(seed);
    vi.spyOn(crypto, 'getRandomValues').mockImplementation((array) => {
      if (array instanceof Uint8Array) array.set(random(array.length));
      return array;
    });
    this.wires = new Wires(this.fake, random);
    const beganMs = performance.now();
    this.#timer = setInterval(
      () => this.fake.run(Math.floor(performance.now() - beganMs)),
      STEP_MS,
    );
    const { cellId, committee } = this.fake.cell;
    const addresses = committee.members.map((key, i) => {
      return {
        key,
        peer: '',
        client: `ws://fake.localhost/${i}`,
        http: '',
        version: 0,
        sig: new Uint8Array(64),
      };
    });
    const cell: Cell = { cellId, committee, addresses };
    const environment = { random, monotonicMs: () => performance.now() };
    const { webSocket } = this.wires;
    this.clients = Array.from({ length: CLIENTS }, () => {
      const signer = scheme.signer(random(32));
      const dial = (options: Parameters<typeof dialClient>[0]) =>
        dialClient({ ...options, webSocket, environment });
      return new Client({
        cell,
        signer,
        scheme,
        timeoutMs: TIMEOUT_MS,
        dial: (options) => dial({ ...options, webSocket }),
      });
    });
  }

  get links(): number[] {
    return this.clients.map((client) => client.session.links);
  }

  async call(client: Client, what: 'write' | 'read'): Promise<void> {
    const atMs = performance.now();
    const op: Op = { kind: 'write', path: '/a', content: new Uint8Array(3), observed: [] };
    let error: string | undefined;
    try {
      if (what === 'write') await client.submit([op]);
      else await client.get('/a');
    } catch (thrown) {
      error = thrown instanceof FattyError ? thrown.message : String(thrown);
    }
    this.told.push({ what, tookMs: performance.now() - atMs, error });
  }

  /** A busy start, as every client has one; each holds a lock from then on. */
  async begin(): Promise<void> {
    this.fake.commitDelayMs = 900;
    await this.work(4_000);
    this.fake.commitDelayMs = 20;
    await this.work(6_000);
    const locks = this.clients.map((client, i) => client.acquire(`/lock-${i}`));
    await vi.advanceTimersByTimeAsync(1_000);
    this.#locks.push(...(await Promise.all(locks)));
    this.told.splice(0);
  }

  /** Why locks were lost, of those that were. */
  get lost(): unknown[] {
    return this.#locks.flatMap(({ signal }) => (signal.aborted ? [signal.reason] : []));
  }

  /** Links that came up after the first of each client and replica. */
  get relinked(): number {
    return this.wires.links.reduce((sum, count) => sum + count, 0) - 4 * CLIENTS;
  }

  /** Time passes while everybody reads and writes. */
  async work(forMs: number): Promise<void> {
    for (let leftMs = forMs; leftMs > 0; leftMs -= CALL_EVERY_MS) {
      for (const client of this.clients) {
        void this.call(client, 'write');
        void this.call(client, 'read');
      }
      await vi.advanceTimersByTimeAsync(Math.min(leftMs, CALL_EVERY_MS));
    }
  }

  async trouble({ replica, kind, forMs, pauseMs }: Fault): Promise<void> {
    const host = this.wires.hosts[replica];
    if (host === undefined) throw new RangeError(`no replica ${replica}`);
    if (kind === 'slow') {
      // Its links break, and handshakes take longer than anybody waits.
      host.cut();
      host.heal();
      host.handshakeDelayMs = 2_600;
    } else if (kind === 'stop') host.stop();
    else host.cut();
    if (kind === 'drop') host.heal();
    await this.work(forMs);
    host.heal();
    await this.work(pauseMs);
  }

  close(): void {
    clearInterval(this.#timer);
    vi.clearAllTimers();
  }
}

const fault: fc.Arbitrary<Fault> = fc.record({
  replica: fc.nat(3),
  kind: fc.constantFrom(...KINDS),
  forMs: fc.integer({ min: 200, max: 16_000 }),
  // Whoever was in trouble is linked again before the next one is: never more than f at a time.
  pauseMs: fc.integer({ min: 8_000, max: 12_000 }),
});

async function check(one: World, faults: readonly Fault[]): Promise<void> {
  await one.begin();
  for (const trouble of faults) await one.trouble(trouble);
  await one.work(HEAL_MS);
  expect(one.links).toEqual([4, 4]);
  await vi.advanceTimersByTimeAsync(TIMEOUT_MS);
  expect(one.told.filter(({ error }) => error !== undefined)).toEqual([]);
  expect(one.told.filter(({ tookMs }) => tookMs > CALL_MS_MAX)).toEqual([]);
  expect(one.lost).toEqual([]);
  one.told.splice(0);
  await one.work(1_000);
  await vi.advanceTimersByTimeAsync(QUICK_MS_MAX);
  expect(one.told.length).toBeGreaterThan(5);
  expect(one.told.filter(({ tookMs }) => tookMs > QUICK_MS_MAX)).toEqual([]);
}

it('one replica at a time in trouble costs no call, no lock and, once healed, no link', async () => {
  const met = new Map<string, number>();
  const faults = fc.array(fault, { minLength: 1, maxLength: 5 });
  const world = fc.asyncProperty(fc.nat(0xffff_ffff), faults, async (seed, list) => {
    const one = new World(seed);
    try {
      await check(one, list);
      const [only, ...more] = list;
      if (only !== undefined && more.length === 0) {
        met.set(only.kind, Math.max(met.get(only.kind) ?? 0, one.relinked));
      }
    } finally {
      one.close();
    }
  });
  const single = (kind: Fault['kind']): [number, Fault[]] => [
    1,
    [{ replica: 1, kind, forMs: 9_000, pauseMs: 8_000 }],
  ];
  // Every kind is there, and each of them broke links.
  await fc.assert(world, { numRuns: 14, endOnFailure: true, examples: KINDS.map(single) });
  for (const kind of KINDS) expect(met.get(kind), kind).toBeGreaterThanOrEqual(CLIENTS);
}, 600_000);
