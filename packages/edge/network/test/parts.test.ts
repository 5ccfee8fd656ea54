// Tests of the small parts: queue, waits, close codes.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Priority } from '@fatty/interface';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Backoff } from '../src/backoff.ts';
import { SendQueue } from '../src/queue.ts';

test('the queue is three bounded FIFOs, lowest class first', () => {
  const priority = fc.integer({ min: 0, max: 2 }) as fc.Arbitrary<Priority>;
  const command = fc.record({ take: fc.boolean(), priority, size: fc.nat(40) });
  const limits = { queueBytesMax: 100, queueMessagesMax: 5 };
  fc.assert(
    fc.property(fc.array(command, { maxLength: 300 }), (commands) => {
      const queue = new SendQueue(limits);
      const model: Uint8Array[][] = [[], [], []];
      const bytesOf = (line: Uint8Array[]) => line.reduce((sum, one) => sum + one.length, 0);
      for (const { take, priority: at, size } of commands) {
        if (take) {
          const open = model.slice(0, at + 1);
          expect(queue.take(at)).toBe(open.find((line) => line.length > 0)?.shift());
        } else {
          const line = model[at] as Uint8Array[];
          const message = new Uint8Array(size);
          const fits = line.length < 5 && bytesOf(line) + size <= 100;
          expect(queue.put(message, at)).toBe(fits);
          if (fits) line.push(message);
        }
        expect(queue.messages).toBe(model.flat().length);
        expect(queue.bytes).toBe(bytesOf(model.flat()));
      }
    }),
  );
});

test('a long queue keeps its order through compaction', () => {
  const queue = new SendQueue({ queueBytesMax: 1e6, queueMessagesMax: 1e6 });
  let next = 0;
  for (let i = 0; i < 1000; i++) {
    queue.put(Uint8Array.of(i >> 8, i & 255), 1);
    if (i % 3 === 0) expect(queue.take(2)).toEqual(Uint8Array.of(next >> 8, next++ & 255));
  }
  while (queue.messages > 0) expect(queue.take(2)).toEqual(Uint8Array.of(next >> 8, next++ & 255));
  expect(next).toBe(1000);
});

test('waits are uniform below a doubling bound, capped, reset by a long life only', () => {
  const limits = { baseMs: 100, capMs: 1000, uptimeMsMin: 5000 };
  const top = new Backoff(limits, () => new Uint8Array(4).fill(255));
  expect(Array.from({ length: 6 }, () => top.nextMs())).toEqual([99, 199, 399, 799, 999, 999]);
  top.ended(4999);
  expect(top.nextMs()).toBe(999);
  top.ended(5000);
  expect(top.nextMs()).toBe(99);
  const bottom = new Backoff(limits, () => new Uint8Array(4));
  expect([bottom.nextMs(), bottom.nextMs(700), bottom.nextMs(9_999_999)]).toEqual([0, 700, 1000]);
});

test('the client half reaches no Node module and no Node global', () => {
  const src = fileURLToPath(new URL('../src/', import.meta.url));
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    const text = readFileSync(file, 'utf8');
    expect(text, file).not.toMatch(/from '(node:|ws')/);
    expect(text, file).not.toMatch(/\b(Buffer|process|require|__dirname|setImmediate)\b/);
    for (const [, path] of text.matchAll(/from '(\.\/[^']+)'/g))
      visit(join(dirname(file), path as string));
  };
  visit(join(src, 'client.ts'));
  expect(seen.size).toBeGreaterThan(8);
  expect(seen.size).toBe(readdirSync(src).length - 6);
});
