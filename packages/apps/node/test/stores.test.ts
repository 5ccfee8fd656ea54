// Tests of a replica's folder.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openStores } from '../src/stores.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fatty-stores-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

it('a damaged index is made anew at the next start', async () => {
  const key = Uint8Array.of(1);
  const path = join(dir, 'state.lmdb');
  for (const at of [0, 24, 4_096 + 24, 8_192]) {
    const stores = await openStores(dir);
    if (!stores.ok) throw new Error(stores.failure.code);
    const { kv, close } = stores.value;
    expect(kv.get(key)).toBeUndefined();
    await kv.write([{ key, value: new Uint8Array(10_000) }]);
    await close();
    const bytes = readFileSync(path);
    bytes.fill(0xff, at, at + 200);
    writeFileSync(path, bytes);
  }
});
