// The charts in msc/: each is drawn again from its seed.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { TraceEvent } from '@fatty/interface';
import { chart, isBrief } from '@fatty/msc';
import { type Fixtures, planOf, type Recording, runPlan, SCENARIOS } from '@fatty/testnet';
import { LIAR_SHOWS } from '@fatty/textbook';
import mermaid from 'mermaid';
import { describe, expect, it } from 'vitest';
import { leaseFixture } from './lease.ts';
import { ALL_NETS, netNamed } from './nets.ts';

const msc = fileURLToPath(new URL('../../msc/', import.meta.url));
/** `CHARTS=write` takes the present output as the truth: look at the pictures before you commit. */
const write = process.env.CHARTS === 'write';

/** Rows of a committed chart: what a reader takes in, and a page holds. */
const ROWS_MAX = 90;

const lease = await leaseFixture();

/** Scripted runs of a cell, and one lie told to three protocols. */
const RUNS: Readonly<Record<string, (fixtures: Fixtures) => Recording>> = {
  ...SCENARIOS,
  'liar-in-raft': () => LIAR_SHOWS.raft().recording,
  'liar-in-paxos': () => LIAR_SHOWS.paxos().recording,
  'liar-in-fatty': () => LIAR_SHOWS.fatty().recording,
};

describe('the charts in msc/', () => {
  it.each(Object.entries(RUNS))('%s is what its seed gives', async (name, play) => {
    const path = `${msc}${name}.mmd`;
    const { events, options } = play({ lease });
    const { mermaid: drawn, windows } = chart(events, {
      ...options,
      title: name.replaceAll('-', ' '),
    });
    if (write) writeFileSync(path, drawn);
    expect(existsSync(path) ? readFileSync(path, 'utf8') : undefined).toBe(drawn);
    expect(windows).toHaveLength(1);
    expect(windows[0]?.rows).toBeLessThanOrEqual(ROWS_MAX);
    expect(windows[0]?.rows).toBeGreaterThan(20);
    await expect(mermaid.parse(drawn)).resolves.toBeTruthy();
  });

  it('has no chart without a scenario', () => {
    const known = new Set(Object.keys(RUNS).map((name) => `${name}.mmd`));
    const strangers = readdirSync(msc).filter((file) => file.endsWith('.mmd') && !known.has(file));
    expect(strangers).toEqual([]);
  });
});

describe('one passing world of each net', () => {
  it.each(Object.keys(ALL_NETS))('%s is what its seed gives', async (name) => {
    const path = fileURLToPath(new URL(`charts/${name}.mmd`, import.meta.url));
    const net = netNamed(name);
    const plan = planOf(net, 1);
    const events: TraceEvent[] = [];
    const { violations } = runPlan(
      net,
      { ...plan, rough: false, ops: plan.ops.slice(0, 6) },
      { trace: (event) => void events.push(event) },
    );
    expect(violations).toEqual([]);
    const options = { title: `${name}, seed 1`, rowsMax: ROWS_MAX, filter: isBrief };
    const drawn = chart(events, options).mermaid;
    if (write) writeFileSync(path, drawn);
    expect(existsSync(path) ? readFileSync(path, 'utf8') : undefined).toBe(drawn);
    expect(drawn).toContain('commit');
    await expect(mermaid.parse(drawn)).resolves.toBeTruthy();
  });
});
