// Real processes: recordings of a cell, and their charts.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunningCell } from '@fatty/cli';
import type { TraceEvent } from '@fatty/interface';
import { alignClocks, chart, findBroken, mergeTraces, readTrace, shownBy } from '@fatty/msc';
import mermaid from 'mermaid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { caughtUp, endEverything, member, newCell, newClient, tidyUp, until } from './cell.ts';

const LIAR_MAIN = fileURLToPath(new URL('../../packages/apps/cli/dist/liar.js', import.meta.url));
const LIAR = 3;
const KILLED = 1;

let folder: string;
let cell: RunningCell;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fatty-recording-'));
  tidyUp(() => Promise.resolve(rmSync(folder, { recursive: true, force: true })));
  cell = await newCell({ record: folder });
  await play();
  await cell.close();
});
afterAll(endEverything);

const recordingOf = (index: number): string =>
  readFileSync(join(folder, `r${index}.jsonl`), 'utf8');

/** Two clients want one lock; a replica is killed and comes back; a liar takes another's place. */
async function play(): Promise<void> {
  const [alice, bob] = await Promise.all([newClient(cell), newClient(cell)]);
  await alice.create('/jobs', { exclusive: false });
  const held = await alice.acquire('/jobs');
  const waits = bob.acquire('/jobs');
  await until(async () => (await alice.lockState('/jobs')).waiters.length > 0);
  await held.release();
  await (await waits).release();
  await member(cell, KILLED).kill();
  await alice.put('/seen', 'one');
  await member(cell, KILLED).restart();
  await caughtUp(cell, KILLED, [0]);
  await member(cell, LIAR).stop();
  await member(cell, LIAR).restart({ main: LIAR_MAIN });
  await until(async () => {
    await alice.put('/seen', 'again');
    return (await alice.members()).convicted.includes(LIAR);
  });
}

describe('a recording of real processes', () => {
  let events: readonly TraceEvent[];
  beforeAll(() => {
    const traces = [0, 1, 2, 3].map((index) => readTrace(recordingOf(index)));
    expect(traces.flatMap(({ badLines }) => badLines).length).toBeLessThanOrEqual(1);
    events = findBroken(alignClocks(mergeTraces(traces.map((one) => one.events))));
  });
  const some = (fits: (event: TraceEvent) => boolean): boolean => events.some(fits);

  it('has no arrow that arrives before it was sent, and no broken invariant', () => {
    const sentMs = new Map<string, number>();
    let arrived = 0;
    for (const { kind, packet, atMs } of events) {
      if (packet === undefined) continue;
      if (kind === 'send' && !sentMs.has(packet)) sentMs.set(packet, atMs);
      if (kind !== 'receive' || !sentMs.has(packet)) continue;
      arrived++;
      expect(atMs).toBeGreaterThanOrEqual(sentMs.get(packet) ?? 0);
    }
    expect(arrived).toBeGreaterThan(100);
    expect(some(({ kind }) => kind === 'broken')).toBe(false);
  });

  it('has clients with their ops and paths, answers and grants', () => {
    const asks = events.filter(
      ({ kind, peer, ops = [] }) =>
        kind === 'receive' &&
        peer?.startsWith('c') === true &&
        ops.some((op) => op.kind === 'acquire' && op.path === '/jobs'),
    );
    expect(new Set(asks.map(({ peer }) => peer)).size).toBe(2);
    const [first] = asks;
    const told = (words: RegExp): boolean =>
      some(
        ({ kind, peer, label }) =>
          kind === 'send' && peer?.startsWith('c') === true && words.test(label),
      );
    expect(told(/acquire \/jobs: granted, generation/)).toBe(true);
    expect(told(/acquire \/jobs: waits behind/)).toBe(true);
    expect(told(/notice: \/jobs granted, generation/)).toBe(true);
    expect(
      some(
        ({ kind, label }) => kind === 'commit' && label.includes(`: ${first?.peer} acquire /jobs`),
      ),
    ).toBe(true);
  });

  it('has the kill, the restart and the liar', () => {
    const lives = events.filter(({ who, kind }) => who === `r${KILLED}` && kind !== 'note');
    const crash = lives.findIndex(({ kind }) => kind === 'crash');
    expect(crash).toBeGreaterThan(0);
    expect(lives[crash + 1]?.kind).toBe('restart');
    expect(some(({ label }) => label.includes(`convicts r${LIAR}`))).toBe(true);
    const { windows } = chart(events, { filter: shownBy({ brief: true }) });
    const drawn = windows.map((one) => one.mermaid).join('');
    expect(drawn).toMatch(new RegExp(`block \\d+/r${LIAR} twin`));
  });

  it('shows what is asked for, as a chart that parses', async () => {
    const rows = (filter: (event: TraceEvent) => boolean): number =>
      chart(events, { filter }).windows.reduce((sum, one) => sum + one.rows, 0);
    const all = rows(shownBy({ notes: true }));
    const brief = rows(shownBy({ brief: true }));
    expect(brief).toBeLessThan(rows(shownBy({})));
    expect(rows(shownBy({}))).toBeLessThan(all);
    const { mermaid: text, windows } = chart(events, { filter: shownBy({ path: '/jobs' }) });
    expect(windows[0]?.rows).toBeGreaterThan(5);
    expect(text).not.toContain('/seen');
    await expect(mermaid.parse(text)).resolves.toBeTruthy();
  });
});
