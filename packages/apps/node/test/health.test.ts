// Tests of health over HTTP.
import { readFileSync } from 'node:fs';
import { get as getHttp } from 'node:http';
import { connect } from 'node:net';
import { refuseHost } from '@fatty/network';
import type { ReplicaStatus } from '@fatty/replica';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HttpServer, serveHttp } from '../src/http.ts';
import { loadConfig } from '../src/index.ts';
import { Telemetry } from '../src/telemetry.ts';
import { HEALTHY } from './healthy.ts';

const WRONG = { code: 'log_behind_mark', expected: 'round 9', actual: 'round 0' };

let status: ReplicaStatus;
let reachable: number;
let unlinked: readonly string[];
let replaying: number | undefined;
let telemetry: Telemetry;
let http: HttpServer;

beforeEach(async () => {
  status = HEALTHY;
  reachable = 4;
  unlinked = [];
  replaying = undefined;
  const config = loadConfig({ dir: '/nowhere', logLevel: 'silent' }, {});
  if (!config.ok) throw new Error(config.failure.code);
  const clock = { nowMs: () => 0, monotonicMs: () => 0 };
  telemetry = new Telemetry({ config: config.value, me: () => 0, clock });
  http = await serveHttp(0, {
    refuse: (request) => refuseHost(request, { allowHosts: ['r0.example'] }),
    registry: telemetry.metrics.registry,
    live: () => telemetry.live(),
    ready: () => [
      ...telemetry.ready(status, { reachable, needed: 3, unlinked }),
      telemetry.replayed(replaying),
    ],
    status: () => ({ replica: 0, ...status }),
    rounds: () => ({ replica: 0, ...telemetry.rounds.shown(0, 4) }),
    page: () => undefined,
  });
});
afterEach(() => http.close());

async function get(path: string): Promise<{ code: number; text: string }> {
  const response = await fetch(`http://127.0.0.1:${http.port}${path}`);
  return { code: response.status, text: await response.text() };
}

const readiness = async (change: Partial<ReplicaStatus>): Promise<string | undefined> => {
  status = { ...HEALTHY, ...change };
  const { code, text } = await get('/readyz');
  expect(code).toBe(text.includes('[-]') ? 503 : 200);
  return text.split('\n').find((line) => line.startsWith('[-]'));
};

describe('health', () => {
  it('is ready with a quorum, caught up, signing and ordering; each alone makes it not ready', async () => {
    expect(await readiness({})).toBeUndefined();
    expect(await readiness({ syncing: true })).toContain('caught up');
    const from = [
      { peer: 0, chunks: 2, bytes: 512 },
      { peer: 2, chunks: 1, bytes: 256 },
    ];
    const fetching = { commit: 640, chunks: 12, chunksHere: 3, bytes: 3_000, bytesHere: 768, from };
    expect(await readiness({ syncing: true, fetching })).toContain(
      'fetches the frame of commit 640: 3 of 12 chunks, 768 of 3000 bytes, from 0, 2',
    );
    expect(await readiness({ observer: WRONG })).toBe('[-] signing: log_behind_mark');
    expect(await readiness({ halted: WRONG })).toBe('[-] ordering: log_behind_mark');
    const lack = { code: 'disk_low', expected: 'room', actual: '5 bytes free' };
    expect(await readiness({ lack })).toBe('[-] disk: disk_low: 5 bytes free');
    expect(await readiness({ vouched: false })).toBe('[-] signing: waits for the others');
    expect(await readiness({ diverged: WRONG })).toContain('[-] state: log_behind_mark');
    replaying = 3_000;
    expect(await readiness({})).toBe('[-] log: 3000 records so far');
    replaying = undefined;
    reachable = 3;
    expect(await readiness({})).toBeUndefined();
    reachable = 2;
    expect(await readiness({})).toBe('[-] quorum: 2 of 3 needed');
    unlinked = ['replica 1: tls_failed: certificate has expired (CERT_HAS_EXPIRED)'];
    expect(await readiness({})).toBe(`[-] quorum: 2 of 3 needed; ${unlinked[0]}`);
  });

  it('is live as long as a restart would cure nothing', async () => {
    status = { ...HEALTHY, syncing: true, observer: WRONG };
    reachable = 1;
    expect((await get('/livez')).code).toBe(200);
    status = { ...HEALTHY, halted: WRONG };
    expect(await get('/livez')).toEqual({ code: 200, text: '[+] process: answers\nok\n' });
    expect((await get('/readyz')).code).toBe(503);
  });

  it('shows the status as JSON, and says where to look when asked for something else', async () => {
    const { code, text } = await get('/status?verbose');
    expect([code, JSON.parse(text)]).toMatchObject([200, { replica: 0, commitIndex: 9 }]);
    expect((await get('/nonsense')).code).toBe(404);
    expect((await get('/')).code).toBe(404);
  });

  it('shows what the replica is doing, one state at a time', async () => {
    const links = { peersUp: 3, clients: 0, sessions: 0 };
    const shown = async (state: ReplicaStatus['state']): Promise<readonly string[]> => {
      telemetry.gauges({ ...HEALTHY, state }, links);
      const lines = (await get('/metrics')).text.split('\n');
      return lines.filter((line) => /^fatty_state\{.* 1$/.test(line));
    };
    expect(await shown('active')).toEqual(['fatty_state{state="active"} 1']);
    expect(await shown('suspended')).toEqual(['fatty_state{state="suspended"} 1']);
    status = { ...HEALTHY, state: 'catchingUp' };
    expect(JSON.parse((await get('/status')).text)).toMatchObject({ state: 'catchingUp' });
  });

  it('shows how far apart the clocks are, and raises an alarm while that is too much', async () => {
    const links = { peersUp: 3, clients: 0, sessions: 0 };
    const metric = async (name: string): Promise<string | undefined> => {
      const lines = (await get('/metrics')).text.split('\n');
      return lines.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1);
    };
    const told = async (change: Partial<ReplicaStatus>): Promise<string | undefined> => {
      telemetry.gauges({ ...HEALTHY, ...change }, links);
      return metric('fatty_clock_alarm');
    };
    expect(await told({})).toBe('0');
    expect(await metric('fatty_clock_offset_seconds{member="2"}')).toBe('-0.004');
    expect(await told({ clockOffsetsMs: [0, 3, -3_600_000, undefined] })).toBe('1');
    expect(await metric('fatty_clock_offset_seconds{member="2"}')).toBe('-3600');
    expect(await told({ clockAheadOfWallMs: 3_600_000 })).toBe('1');
    expect(await metric('fatty_clock_ahead_of_wall_seconds')).toBe('3600');
    expect(await told({})).toBe('0');
  });

  it('listens on loopback and nowhere else', async () => {
    const socket = connect(http.port, '127.0.0.2');
    const outcome = await new Promise((resolve) => {
      socket.once('connect', () => resolve('connected'));
      socket.once('error', (error) => resolve('code' in error && error.code));
    });
    socket.destroy();
    expect(outcome).toBe('ECONNREFUSED');
  });
});

describe('metrics', () => {
  const value = async (name: string): Promise<string | undefined> =>
    (await get('/metrics')).text
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.slice(name.length + 1);

  it('counts what happens', async () => {
    const note = (what: 'leaderTimeout' | 'equivocation' | 'blockRejected' | 'blockIgnored') =>
      telemetry.outward({ kind: 'note', note: { what, failure: WRONG } }, () => status);
    for (const what of ['leaderTimeout', 'equivocation', 'blockRejected'] as const) note(what);
    note('blockIgnored');
    const failure = { ...WRONG, code: 'overloaded' };
    telemetry.outward({ kind: 'refused', tag: 1, failure }, () => status);
    telemetry.gauges(HEALTHY, { peersUp: 3, clients: 2, sessions: 1 });
    expect(await value('fatty_leader_timeouts_total')).toBe('1');
    expect(await value('fatty_equivocations_total')).toBe('1');
    expect(await value('fatty_rejects_total{code="log_behind_mark"}')).toBe('1');
    expect(await value('fatty_refused_total{code="overloaded"}')).toBe('1');
    expect(await value('fatty_commit_index')).toBe('9');
    expect(await value('fatty_sessions')).toBe('1');
  });

  it('has every figure in the README, and the README no other', async () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    const named = [...readme.matchAll(/^\| `(fatty_\w+)` \|/gm)].map((match) => match[1]);
    const { text } = await get('/metrics');
    const shown = [...text.matchAll(/^# TYPE (fatty_\w+) /gm)].map((match) => match[1]);
    expect(new Set(named)).toEqual(new Set(shown));
    expect(shown.length).toBeGreaterThan(10);
  });
});

it('answers no page that has had its own name lead here', async () => {
  const ask = (host: string): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const options = { port: http.port, path: '/status', headers: { host }, agent: false };
      getHttp(options, (response) => resolve(response.resume().statusCode)).on('error', reject);
    });
  expect(await ask('evil.example')).toBe(421);
  for (const host of ['localhost:1', '127.0.0.1', 'r0.example:7440']) {
    expect([host, await ask(host)]).toEqual([host, 200]);
  }
});
