// Tour (b): a lock.
import { comparePositions } from '@fatty/api';
import { isFattyError } from '@fatty/client/node';
import { expectTrue, ms, timed } from './screen.ts';
import type { Stage } from './stage.ts';

const PATH = '/demo/master';

/** Two clients contend for a lock; one wins, and hands over with a higher generation. */
export async function locks({ alice, bob, screen }: Stage): Promise<void> {
  screen.title('A lock: two contend, one wins, a hand-over raises the generation');
  await alice.create(PATH, { mode: 'guarded', parents: true });
  const first = await timed(() => alice.acquire(PATH));
  screen.say(`alice holds ${PATH} after ${ms(first.ms)}, token ${first.value.token}`);
  const refused = await bob.tryAcquire(PATH).catch((error: unknown) => error);
  expectTrue(isFattyError(refused, 'lock_held'), 'bob is told that the lock is held');
  screen.say('bob tries: refused, lock_held');
  const waiting = bob.acquire(PATH);
  await alice.put(PATH, 'alice is master', { lock: first.value });
  screen.say('alice writes the guarded file under her generation; bob queues');
  const handOver = await timed(async () => {
    await first.value.release();
    return waiting;
  });
  const second = handOver.value;
  expectTrue(comparePositions(second.generation, first.value.generation) > 0, 'it only grows');
  screen.say(`alice releases, bob holds ${ms(handOver.ms)} later, token ${second.token}`);
  const late = await alice.submit([
    {
      kind: 'compareAndSet',
      path: PATH,
      content: new Uint8Array(1),
      generation: undefined,
      lockGen: first.value.generation,
    },
  ]);
  const [result] = late;
  expectTrue(
    result?.kind === 'error' && result.code === 'lock_mismatch',
    'a stale write is refused',
  );
  screen.say(`alice writes with her old generation: refused, ${result.code}`);
  await second.release();
}
