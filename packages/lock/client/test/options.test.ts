// An option without a value may be named, as in `{ from }` before there is one: types and code agree on that.
import { expect, it } from 'vitest';
import type { ContentMode, LockMode, Position, ReadLevel } from '../src/index.ts';
import { startTestCell } from '../src/testing/index.ts';

const signal: AbortSignal | undefined = undefined;
const call = { signal, timeoutMs: undefined };

it('is the same as one that is left out', async () => {
  await using cell = await startTestCell({ seed: undefined, replicas: undefined });
  const client = await cell.connect({ signer: undefined, timeoutMs: undefined });
  let from: Position | undefined;
  const watch = client.watch('/x', { recursive: undefined, from, signal });
  const mode: ContentMode | undefined = undefined;
  await client.create('/x', {
    node: undefined,
    content: undefined,
    mode,
    parents: undefined,
    ...call,
  });
  await client.put('/x', '1', { generation: from, lock: undefined, ephemeral: undefined, ...call });
  const level: ReadLevel | undefined = undefined;
  expect((await client.get('/x', { level, minPosition: from, ...call })).text()).toBe('1');
  const locked: LockMode | undefined = undefined;
  const options = { mode: locked, maxWaitMs: undefined, lockDelayMs: undefined, ...call };
  await (await client.acquire('/x', options)).release(call);
  const cached = await client.cached('/x', { maxAgeMs: undefined });
  expect((await cached.get()).text()).toBe('1');
  await cached.close();
  const { value } = await watch.next();
  from = value?.next;
  expect(from).toBeDefined();
  await watch.return();
  await client.remove('/x', { recursive: undefined, ...call });
});
