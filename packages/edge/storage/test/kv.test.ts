// Tests of the key-value store.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { memoryKv, openKv } from '../src/index.ts';
import { temporaryFolder } from './place.ts';

const key = fc.uint8Array({ minLength: 1, maxLength: 3, max: 3 });
const command = fc.record({
  key,
  value: fc.option(fc.uint8Array({ maxLength: 4 }), { nil: undefined }),
});

test('LMDB and its twin answer alike after any writes', async () => {
  const kv = openKv(join(await temporaryFolder(), 'state.lmdb'));
  const twin = memoryKv();
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 12 }), key, key, async (entries, from, to) => {
      await Promise.all([kv.write(entries), twin.write(entries)]);
      expect([...kv.range(from, to, 5)]).toEqual([...twin.range(from, to, 5)]);
      expect(kv.get(from)).toEqual(twin.get(from));
    }),
    { numRuns: 100 },
  );
  await kv.close();
});

test('the twin loses what was not durable at a crash', async () => {
  const kv = memoryKv();
  await kv.write([{ key: Uint8Array.of(1), value: Uint8Array.of(1) }]);
  void kv.write([{ key: Uint8Array.of(1), value: Uint8Array.of(2) }]);
  expect(kv.get(Uint8Array.of(1))).toEqual(Uint8Array.of(2));
  kv.crash();
  expect(kv.get(Uint8Array.of(1))).toEqual(Uint8Array.of(1));
});

test('LMDB keeps what a killed process was told is durable', async () => {
  const path = join(await temporaryFolder(), 'state.lmdb');
  const script = fileURLToPath(new URL('./fixtures/write-kv.mjs', import.meta.url));
  const child = fork(script, [path], { execArgv: [] });
  const [count] = (await once(child, 'message')) as [number];
  child.kill('SIGKILL');
  await once(child, 'exit');
  const kv = openKv(path);
  for (let i = 1; i <= count; i++) expect(kv.get(Uint8Array.of(i))).toEqual(Uint8Array.of(i));
  await kv.close();
});

test('a damaged file does not matter to who begins anew', async () => {
  const path = join(await temporaryFolder(), 'state.lmdb');
  const kv = openKv(path, { fresh: true });
  const entries = Array.from({ length: 200 }, (_, i) => ({
    key: Uint8Array.of(1, i),
    value: new Uint8Array(3_000).fill(i),
  }));
  await kv.write(entries);
  await kv.close();
  const bytes = await readFile(path);
  for (const at of [0, 16, 40, 4_096 + 16, 8_192, 3 * 4_096 + 10, 20 * 4_096]) {
    const damaged = Buffer.from(bytes);
    damaged.fill(0xff, at, at + 64);
    await writeFile(path, damaged);
    const again = openKv(path, { fresh: true });
    expect([...again.range(Uint8Array.of(0), Uint8Array.of(9), 500)]).toEqual([]);
    await again.write(entries.slice(0, 3));
    expect(again.get(Uint8Array.of(1, 2))).toEqual(new Uint8Array(3_000).fill(2));
    await again.close();
  }
  for (const junk of [new Uint8Array(0), new Uint8Array(100).fill(7), bytes.subarray(0, 5_000)]) {
    await writeFile(path, junk);
    await openKv(path, { fresh: true }).close();
  }
});
