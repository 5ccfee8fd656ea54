// Tests of recordings.
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeNotice, encodeOp, encodeResult, type NoticeBody, type Op } from '@fatty/api';
import { asCellId, asSessionId, encode, standIn } from '@fatty/codec';
import type { SendEffect } from '@fatty/host';
import type { Clock, TraceEvent } from '@fatty/interface';
import { chart, readTrace } from '@fatty/msc';
import { batchId, signBatch, signedBatchShape } from '@fatty/protocol';
import { encodeMessage, type ReplicaEffect, type ReplicaEvent } from '@fatty/replica';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clientName, Recorder } from '../src/recorder.ts';

let dir: string;
let nowMs: number;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fatty-recorder-'));
  nowMs = 1_000;
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const clock = { nowMs: () => nowMs++, monotonicMs: () => 0 };
const file = (): string => join(dir, 'trace.jsonl');
const record = (me = 0, path = file()): Recorder => new Recorder(path, me, clock);
const read = (path = file()): readonly TraceEvent[] => readTrace(readFileSync(path, 'utf8')).events;
const kinds = (): string[] => read().map(({ kind, label }) => `${kind} ${label}`.trim());

const bytes = encodeMessage({ kind: 'getRounds', from: 1, to: 2 });
const send: SendEffect = { kind: 'send', peer: 1, bytes, priority: 1 };

describe('a recording', () => {
  it('tells the packets that no link took, and joins the others with their arrival', async () => {
    const [here, there] = [record(), record(1, join(dir, 'there.jsonl'))];
    here.sent(send, false);
    here.sent(send, true);
    here.sent(send, false);
    there.event({ kind: 'message', nowMs, peer: 0, bytes });
    await Promise.all([here.close(), there.close()]);
    const events = read();
    const sent = events.filter(({ kind }) => kind === 'send');
    const drops = events.filter(({ kind }) => kind === 'drop');
    expect(new Set(sent.map(({ packet }) => packet)).size).toBe(3);
    expect(drops.map(({ packet }) => packet)).toEqual([sent[0]?.packet, sent[2]?.packet]);
    const arrived = read(join(dir, 'there.jsonl')).find(({ kind }) => kind === 'receive');
    expect(arrived?.packet).toBe(sent[1]?.packet);
    const { mermaid } = chart([...events, ...read(join(dir, 'there.jsonl'))]);
    expect(mermaid.match(/r0-xr1: .*lost asks for rounds 1 to 2/g)).toHaveLength(2);
    expect(mermaid.match(/r0->>r1: .*asks for rounds 1 to 2/g)).toHaveLength(1);
    expect(mermaid).not.toContain('no arrival seen');
  });

  it('has no crash where the process was stopped', async () => {
    for (let life = 0; life < 2; life++) await record().close();
    expect(kinds()).toEqual(['restart started', 'note stopped', 'restart started', 'note stopped']);
  });

  it('has the crash of a process that was not, at its last sign of life', async () => {
    await record().close();
    // What is left when it is killed while it writes a line.
    appendFileSync(file(), `{"atMs":7000,"who":"r0","kind":"note","label":"busy"}\n{"atMs":70`);
    nowMs = 9_000;
    const { length } = read();
    await record().close();
    expect(read().slice(length)).toMatchObject([
      { kind: 'crash', who: 'r0', atMs: 7_000 },
      { kind: 'restart', who: 'r0', atMs: 9_000 },
      { kind: 'note', label: 'stopped' },
    ]);
    expect(chart(read()).mermaid).toMatch(/Note over r0: .*crash/);
  });

  it('tells a crash once, whoever told of it', async () => {
    await record().close();
    appendFileSync(file(), '{"atMs":7000,"who":"r0","kind":"crash","label":"SIGKILL"}\n');
    await record().close();
    expect(read().filter(({ kind }) => kind === 'crash')).toHaveLength(1);
  });

  it('has a clock that only goes forward, and one time for all that comes of an event', async () => {
    let [wallMs, monotonicMs] = [1_000, 50];
    const own: Clock = { nowMs: () => wallMs, monotonicMs: () => monotonicMs };
    const recorder = new Recorder(file(), 0, own);
    wallMs = 5;
    monotonicMs = 60.25;
    recorder.event({ kind: 'peerUp', peer: 1, nowMs: wallMs, monotonicMs });
    monotonicMs = 70;
    recorder.sent(send, true);
    await recorder.close();
    expect(read().map(({ atMs }) => atMs)).toEqual([1_000, 1_010.25, 1_010.25, 1_020]);
  });
});

const scheme = standIn();
const signer = scheme.signer(new Uint8Array(32).fill(7));
const stranger = scheme.signer(new Uint8Array(32).fill(8));
const cellId = asCellId(new Uint8Array(32));
const session = asSessionId(new Uint8Array(32).fill(9));
const alice = clientName(signer.publicKey);

const acquire: Op = { kind: 'tryAcquire', path: '/jobs', mode: 'exclusive', lockDelayMs: 0 };
const batch = signBatch(cellId, signer, {
  client: signer.publicKey,
  session,
  seq: 1,
  basis: { epoch: 0, commit: 0 },
  ops: [encodeOp(acquire)],
});
const submit: ReplicaEvent = {
  kind: 'submit',
  batch: encode(signedBatchShape, batch),
  tag: 4,
  nowMs: 0,
  monotonicMs: 0,
};
const lockGen = { commit: 5, index: 0 };
const notice = (body: NoticeBody, client = signer.publicKey) => ({
  client,
  session,
  body: encodeNotice(body),
});

/** Commit 5 by r2 with the batch of above, and what came of it. */
const committed: ReplicaEffect = {
  kind: 'committed',
  commit: {
    index: 5,
    commitTs: 0,
    leaseClock: 0,
    leader: { author: 2, round: 6, digest: new Uint8Array(32) as never },
    convicted: [3],
  } as never,
  input: {
    batches: [
      {
        id: batchId(batch.core),
        client: signer.publicKey,
        ops: [encodeOp(acquire)],
      },
    ],
    evidence: [],
  } as never,
  applied: {
    receipts: [
      {
        batch: batchId(batch.core),
        client: signer.publicKey,
        session,
        seq: 1,
        commit: 5,
        results: [encodeResult({ kind: 'granted', lockGen, mode: 'exclusive', leaseExpiry: 9 })],
      },
    ],
    notices: [
      notice({
        kind: 'lost',
        number: 1,
        path: '/old',
        lockGen,
        reason: 'node_removed',
        position: lockGen,
      }),
      notice({ kind: 'renewed', i: 1, leaseExpiry: 9, lastNumber: 1 }),
      notice({ kind: 'sessionExpired', position: lockGen }, stranger.publicKey),
    ],
    settled: [],
  },
};

describe('a recording of clients', () => {
  it('has what they ask, what they are answered, and what they lose', async () => {
    const recorder = record();
    recorder.event(submit);
    recorder.effect(committed);
    recorder.effect({ kind: 'halt', failure: { code: 'x', expected: 'one', actual: 'two' } });
    await recorder.close();
    expect(read().slice(1, -1)).toMatchObject([
      { kind: 'receive', peer: alice, label: 'tryAcquire /jobs', ops: [{ path: '/jobs' }] },
      {
        kind: 'commit',
        label: `5, leader block 6/r2, 1 op, convicts r3: ${alice} tryAcquire /jobs`,
        commit: 5,
        ops: [{ client: alice, kind: 'tryAcquire', path: '/jobs' }],
      },
      { kind: 'send', peer: alice, label: 'commit 5, tryAcquire /jobs: granted, generation 5.0' },
      { kind: 'send', peer: alice, label: 'notice: /old lost, node_removed' },
      { kind: 'broken', label: 'x at r0: expected one, got two' },
    ]);
  });

  it('has what they are refused, and nothing of what came by other gateways', async () => {
    const recorder = record();
    recorder.event(submit);
    recorder.effect({
      kind: 'refused',
      tag: 4,
      failure: { code: 'slow_down', expected: '', actual: '' },
    });
    recorder.effect({ kind: 'refused', tag: 5, failure: { code: 'x', expected: '', actual: '' } });
    recorder.event({ ...submit, batch: Uint8Array.of(1, 2, 3) });
    await recorder.close();
    expect(read().slice(2, -1)).toMatchObject([
      { kind: 'reject', peer: alice, label: 'tryAcquire /jobs: slow_down' },
    ]);
    const other = new Recorder(join(dir, 'other.jsonl'), 1, clock);
    other.effect(committed);
    await other.close();
    expect(read(join(dir, 'other.jsonl')).map(({ kind }) => kind)).toEqual([
      'restart',
      'commit',
      'note',
    ]);
  });
});

describe('a recording that cannot go on', () => {
  it('ends when it is full, over all lives, and says so once', async () => {
    const ends: string[] = [];
    for (let life = 0; life < 3; life++) {
      const bytesMax = 2_000;
      const recorder = new Recorder(file(), 0, clock, { bytesMax, onEnd: (why) => ends.push(why) });
      for (let i = 0; i < 50; i++) recorder.sent(send, true);
      await recorder.close();
    }
    expect(statSync(file()).size).toBeLessThan(3_000);
    expect(ends).toEqual(['it is full', 'it is full', 'it is full']);
  });

  it('leaves the process alone where the file cannot be written', async () => {
    mkdirSync(file());
    const why = await new Promise<string>((onEnd) => {
      const recorder = new Recorder(file(), 0, clock, { onEnd });
      recorder.sent(send, true);
    });
    expect(why).toContain('EISDIR');
    const gone = new Recorder(join(dir, 'no', 'such', 'folder'), 0, clock);
    gone.sent(send, true);
    await gone.close();
  });
});
