// The web console in Chromium, served by a cell of real processes.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { RunningCell } from '@fatty/cli';
import { toHex } from '@fatty/codec';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildConsole } from '../bundle/build.ts';
import { findBrowser, Page } from './browser.ts';
import { addressOf, endEverything, member, newCell, newClient, tidyUp, until } from './cell.ts';

afterAll(endEverything);

const browser = await findBrowser();

const LIAR_MAIN = fileURLToPath(new URL('../../packages/apps/cli/dist/liar.js', import.meta.url));
/** Longer than any pause of a busy machine, ms. */
const LONG_LEASE_MS = 60_000;
const PICTURE = new URL('../../packages/apps/console/console.png', import.meta.url);

/** An attribute of the first element, as soon as there is one with such a selector. */
const attribute = (page: Page, selector: string, name: string): Promise<string | null> =>
  page.evaluate(
    `document.querySelector(${JSON.stringify(selector)})?.getAttribute('${name}') ?? null`,
  );

const count = (page: Page, selector: string): Promise<number> =>
  page.evaluate(`document.querySelectorAll(${JSON.stringify(selector)}).length`);

const shows = (page: Page, selector: string): Promise<true> =>
  until(async () => (await count(page, selector)) > 0 || undefined).then(() => true);

const standing = (page: Page, replica: number): Promise<string | null> =>
  attribute(page, `tr[data-replica="${replica}"]`, 'data-standing');

const becomes = (page: Page, replica: number, goal: string): Promise<true> =>
  until(async () => (await standing(page, replica)) === goal || undefined).then(() => true);

const open = (page: Page, tab: string): Promise<unknown> =>
  page.evaluate(`document.getElementById('tab-${tab}').click()`);

/** The colour of the row, as the page paints it: red is most of it. */
const isRed = (page: Page, replica: number): Promise<boolean> =>
  page.evaluate(`(() => {
    const row = document.querySelector('tr[data-replica="${replica}"] td.standing');
    const [red, green, blue] = getComputedStyle(row).color.match(/[0-9.]+/g).map(Number);
    return red > 2 * green && red > 2 * blue;
  })()`);

async function openConsole(cell: RunningCell, replica: number): Promise<Page> {
  const url = `${addressOf(cell, replica).http}/console/`;
  const page = await Page.open(browser ?? '', addressOf(cell, replica).http);
  tidyUp(() => page.close());
  await page.visit(url);
  return page;
}

if (browser === undefined) {
  it('NOT TRIED, for there is no Chromium: set CHROMIUM_PATH (FATTY_BROWSER=must makes this a failure)', () => {
    expect(process.env.FATTY_BROWSER).not.toBe('must');
  });
} else {
  describe('the console in Chromium', () => {
    let cell: RunningCell;
    beforeAll(async () => {
      await buildConsole();
      cell = await newCell({ env: { ...process.env, FATTY_CONSOLE: 'true' } });
    });

    it('may not be framed, and runs nothing that stands in the page itself', async () => {
      const page = await openConsole(cell, 1);
      await becomes(page, 0, 'up');
      expect(page.complaints).toEqual([]);
      const ran = await page.evaluate(`(async () => {
        globalThis.ran = 'nothing';
        const script = document.createElement('script');
        try { script.textContent = 'ran = "inline"'; document.body.append(script); } catch {}
        const gone = await fetch('http://127.0.0.1:9/').then(() => 'fetched', () => 'refused');
        return [ran, gone];
      })()`);
      expect(ran).toEqual(['nothing', 'refused']);
      expect(page.complaints.join('\n')).toMatch(
        /Content Security Policy|Trusted Type|TrustedScript/,
      );
      const { headers } = await fetch(`${addressOf(cell, 1).http}/console/`);
      expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
      expect(headers.get('x-content-type-options')).toBe('nosniff');
    });

    it('shows the cell, a lock that changes hands, a replica that is killed, and one that lies', async () => {
      // A busy machine must cost nobody a lock that the page is to show.
      const [alice, bob] = [
        await newClient(cell, { leaseMs: LONG_LEASE_MS }),
        await newClient(cell, { leaseMs: LONG_LEASE_MS }),
      ];
      await alice.put('/app/config', '{"size": 3}', { parents: true });
      await alice.put('/app/primary', 'alice', { parents: true });
      const held = await alice.acquire('/app/primary');

      const page = await openConsole(cell, 0);
      for (const replica of [0, 1, 2, 3]) await becomes(page, replica, 'up');
      expect(await isRed(page, 3)).toBe(false);
      expect(await page.evaluate(`document.querySelector('.health').textContent`)).toBe('healthy');

      // A lock changes hands.
      const holder = (): Promise<string | null> =>
        attribute(page, '[data-lock="/app/primary"]', 'data-holder');
      await until(async () => (await holder()) === toHex(alice.key) || undefined);
      const waiting = bob.acquire('/app/primary');
      await shows(page, '[data-lock="/app/primary"] ol li progress');
      await held.release();
      const taken = await waiting;
      await until(async () => (await holder()) === toHex(bob.key) || undefined);
      if (process.env.SCREENSHOT === 'write') {
        const queue = alice.acquire('/app/primary', { timeoutMs: 60_000 });
        await shows(page, '[data-lock="/app/primary"] ol li progress');
        writeFileSync(PICTURE, await page.screenshot(1200, 740));
        await taken.release();
        await (await queue).release();
      }

      // The tree, by keys alone.
      await open(page, 'tree');
      await shows(page, '[data-path="/app"]');
      await page.evaluate(`document.querySelector('[data-path="/"]').focus()`);
      for (const key of ['ArrowDown', 'ArrowRight']) await page.press(key);
      await shows(page, '[data-path="/app/config"]');
      for (const key of ['ArrowDown', 'Enter']) await page.press(key);
      const content = await until(async () =>
        page
          .evaluate<string | null>(`document.querySelector('pre')?.textContent ?? null`)
          .then((text) => text ?? undefined),
      );
      expect(content).toBe('{"size": 3}');
      expect(await page.evaluate(`document.activeElement.dataset.path`)).toBe('/app/config');
      await alice.put('/app/config', '{"size": 4}');
      await until(async () =>
        page.evaluate<boolean>(`document.querySelector('pre').textContent === '{"size": 4}'`),
      );
      // Focus stays where it was while the page changes.
      expect(await page.evaluate(`document.activeElement.dataset.path`)).toBe('/app/config');

      // The picture of the protocol.
      expect(await count(page, '.lanes li')).toBe(4);
      await shows(page, '.block.committed.leader');
      expect(page.complaints).toEqual([]);

      // A replica is killed: red, and said to who cannot see that. What it refuses then is logged by the browser.
      await member(cell, 3).kill();
      await becomes(page, 3, 'down');
      expect(await isRed(page, 3)).toBe(true);
      expect(await page.evaluate(`document.querySelector('[role=status]').textContent`)).toMatch(
        /Replica 3: down/,
      );
      expect(await page.evaluate(`document.querySelector('.health').textContent`)).toBe('degraded');

      // It comes back as a liar.
      await member(cell, 3).restart({ main: LIAR_MAIN });
      await open(page, 'evidence');
      const writing = { ended: false };
      const traffic = (async () => {
        for (let i = 0; !writing.ended; i++) await alice.put('/app/config', `${i}`);
      })();
      await shows(page, '[data-convicted="3"]');
      await shows(page, '[data-evidence="3"]');
      await becomes(page, 3, 'liar');
      writing.ended = true;
      await traffic;
      // Whoever is down is complained of by the browser.
      const expected = /^WebSocket connection to /;
      expect(page.complaints.filter((one) => !expected.test(one))).toEqual([]);
    });
  });
}
