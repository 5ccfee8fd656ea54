import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TraceEvent } from '@fatty/interface';
import { chart, readTrace } from '@fatty/msc';
import { encodeMessage } from '@fatty/replica';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SendEffect } from '../src/driver.ts';
import { Recorder } from '../src/recorder.ts';

let dir: string;
let nowMs: number;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fatty-recorder-'));
  nowMs = 1_000;
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const clock = { nowMs: () => nowMs++, monotonicMs: () => 0 };
const file = (): string => join(dir, 'trace.jsonl');
const record = (me = 0, path = file()): Recorder => new Recorder(path, me, clock, 1 << 20);
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
    expect(mermaid.match(/r0-xr1: .*lost getRounds/g)).toHaveLength(2);
    expect(mermaid.match(/r0->>r1: .*getRounds/g)).toHaveLength(1);
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
});
