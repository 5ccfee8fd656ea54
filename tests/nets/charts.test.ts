import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chart } from '@fatty/msc';
import { SCENARIOS } from '@fatty/testnet';
import mermaid from 'mermaid';
import { describe, expect, it } from 'vitest';
import { leaseFixture } from './lease.ts';

const msc = fileURLToPath(new URL('../../msc/', import.meta.url));
/** `CHARTS=write` takes the present output as the truth: look at the pictures before you commit. */
const write = process.env.CHARTS === 'write';

/** Rows of a committed chart: what a reader takes in, and a page holds. */
const ROWS_MAX = 90;

const lease = await leaseFixture();

describe('the charts in msc/', () => {
  it.each(Object.entries(SCENARIOS))('%s is what its seed gives', async (name, play) => {
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
    const known = new Set(Object.keys(SCENARIOS).map((name) => `${name}.mmd`));
    const strangers = readdirSync(msc).filter((file) => file.endsWith('.mmd') && !known.has(file));
    expect(strangers).toEqual([]);
  });
});
