// A real change of members, with the SDK attached: replicas, gateways and the lock service as they are.

import { standIn } from '@fatty/codec';
import { checkBundle, Fence } from '@fatty/verify';
import { afterEach, expect, test } from 'vitest';
import { startTestCell, type TestCell } from '../src/testing/index.ts';

let cell: TestCell | undefined;

afterEach(async () => {
  await cell?.[Symbol.asyncDispose]();
});

/** What is awaited while time passes. */
async function during<T>(on: TestCell, work: Promise<T>): Promise<T> {
  let isDone = false;
  const done = work.finally(() => {
    isDone = true;
  });
  for (let i = 0; i < 3_000 && !isDone; i++) await on.advance(20);
  return done;
}

test('session, lock and watch go on; calls of the time between are done once; proofs check', async () => {
  const test = await startTestCell({ spares: 2, clock: 'manual' });
  cell = test;
  const client = await during(test, test.connect());
  const epochs: number[] = [];
  client.on('epoch', ({ epoch }) => epochs.push(epoch));
  await during(test, client.put('/f', 'x'));
  await during(test, client.put('/d/first', '', { parents: true }));
  await during(test, client.put('/lock', ''));
  const lock = await during(test, client.acquire('/lock'));
  const { session } = client.session;
  const seen: string[] = [];
  const { instance: from } = await during(test, client.stat('/d/first'));
  if (from === undefined) throw new Error('a file that was created');
  void (async () => {
    for await (const event of client.watch('/d', { recursive: true, from })) {
      if (event.kind === 'added') seen.push(event.path);
    }
  })();
  await test.advance(1_000);

  const comers: number[] = [];
  for (const old of [3, 2]) {
    const writes = Array.from({ length: 5 }, (_, i) => client.create(`/d/${old}-${i}`));
    comers.push(await test.replace(old));
    await during(test, Promise.all(writes));
    await test.advance(3_000);
  }
  expect(comers).toEqual([4, 5]);
  expect(epochs).toEqual([1, 2]);
  expect(client.session).toMatchObject({ session, epoch: 2, state: 'connected', links: 4 });
  expect([lock.held, lock.signal.aborted]).toEqual([true, false]);
  const made = ['/d/first'].concat(
    [3, 2].flatMap((old) => [0, 1, 2, 3, 4].map((i) => `/d/${old}-${i}`)),
  );
  expect([...seen].sort()).toEqual([...made].sort());

  // A read of all members, and one that proves itself by those of today.
  const all = await during(test, client.get('/f', { level: 'linearizable' }));
  expect(all.text()).toBe('x');
  const proved = await during(test, client.get('/f', { proof: true }));
  expect(proved.text()).toBe('x');
  const bundle = await during(test, lock.certificate({ bundle: true }));
  const pinned = { cellId: test.cell.cellId, scheme: standIn() };
  expect(checkBundle(pinned, bundle)).toMatchObject({ ok: true, value: { head: { epoch: 2 } } });
  expect(new Fence(pinned).admit('/lock', bundle).ok).toBe(true);

  // Who comes now knows the cell of the genesis, and finds the members of today.
  const late = await during(test, test.connect());
  expect((await during(test, late.get('/f'))).text()).toBe('x');
  await test.advance(1_000);
  expect(late.session.epoch).toBe(2);
  await during(test, lock.release());
}, 120_000);
