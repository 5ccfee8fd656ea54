// The console as a replica serves it: files, rules for browsers, origins.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { contentPolicy, originsOf, WebPage } from '../src/web-page.ts';

const folders: string[] = [];

function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'fatty-web-'));
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function pageOf(files: Readonly<Record<string, string>>): WebPage {
  const page = WebPage.read(folderOf(files));
  if (!page.ok) throw new Error(page.failure.code);
  return page.value;
}

const FILES = { 'index.html': '<!doctype html>', 'index-1.js': 'x', 'key.pem': 'secret' };
const known = { cell: { addresses: [] }, cellFile: '{"fatty":1}' };

describe('the console of a replica', () => {
  it('is served with the types and the rules that a browser needs', () => {
    const page = pageOf(FILES);
    const index = page.at('/console/', known);
    expect(index).toMatchObject({ status: 200 });
    expect(String(index?.body)).toBe('<!doctype html>');
    expect(index?.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    });
    expect(index?.headers['content-security-policy']).toMatch(/frame-ancestors 'none'/);
    const code = page.at('/console/index-1.js', known);
    expect(code?.headers).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
    });
  });

  it('serves nothing else of any folder', () => {
    const page = pageOf(FILES);
    for (const path of [
      '/console/key.pem',
      '/console/../key.pem',
      '/console/%2e%2e/x',
      '/consoles',
    ])
      expect(page.at(path, known), path).toBeUndefined();
  });

  it('shows the way to it, and the cell', () => {
    const page = pageOf(FILES);
    for (const path of ['/', '/console'])
      expect(page.at(path, known)).toMatchObject({
        status: 307,
        headers: { location: '/console/' },
      });
    expect(page.at('/console/cell.json', known)?.body).toBe('{"fatty":1}');
    expect(page.at('/console/cell.json', undefined)?.status).toBe(503);
  });

  it('is missed by name where it was not built', () => {
    expect(WebPage.read(folderOf({}))).toMatchObject({
      ok: false,
      failure: { code: 'no_console' },
    });
    expect(WebPage.read('/nowhere')).toMatchObject({ ok: false, failure: { code: 'no_console' } });
  });
});

describe('the rules for the page', () => {
  it('let it run what stands in its files, and speak with members', () => {
    const rules = contentPolicy([
      { client: 'ws://127.0.0.1:7420' },
      { client: 'wss://b.example:7421' },
    ]);
    expect(rules.split('; ')).toEqual([
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self'",
      "connect-src 'self' ws://127.0.0.1:7420 wss://b.example:7421",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
    ]);
  });

  it.each([
    "ws://x; script-src 'unsafe-inline'",
    'javascript:alert(1)',
    'https://evil.example',
    'no address',
    '',
  ])('are not written by what a member signs as its address: %s', (client) => {
    expect(contentPolicy([{ client }])).toBe(contentPolicy([]));
  });
});

describe('whose pages may be clients', () => {
  const members = [
    { http: 'http://127.0.0.1:7440' },
    { http: 'http://evil.example:7441' },
    { http: 'https://127.0.0.1:1' },
    { http: '' },
  ];

  it('those that the settings name, without a console', () => {
    const config = { allowOrigins: ['https://app.example'], console: false };
    expect(originsOf(config, members)).toEqual(['https://app.example']);
  });

  it('and with one the consoles of members, which are on the machine of the reader', () => {
    const config = { allowOrigins: ['https://app.example'], console: true };
    expect(originsOf(config, members)).toEqual([
      'https://app.example',
      'http://127.0.0.1:7440',
      'http://localhost:7440',
    ]);
  });
});
