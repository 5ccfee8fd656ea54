// The recipes, one by one: what each promises, when its clients die, are cut off, or contend.
import { describe, expect, it } from 'vitest';
import { type Client, isFattyError } from '../src/index.ts';
import {
  Barrier,
  Counter,
  DoubleBarrier,
  Election,
  follow,
  Group,
  type Leader,
  Queue,
  ReadWriteLock,
  Semaphore,
} from '../src/recipes/index.ts';
import { RecipeWorld } from './recipes-world.ts';

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: unknown) => (isFattyError(error) ? error.code : String(error)),
  );
const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);
const later = (): AbortController => new AbortController();

async function pair(): Promise<{ world: RecipeWorld; a: Client; b: Client }> {
  const world = await RecipeWorld.start();
  return { world, a: await world.client(), b: await world.client() };
}

/** What is known of work that may not have settled. */
function settled(work: Promise<unknown>): { done: boolean } {
  const state = { done: false };
  const settle = (): void => {
    state.done = true;
  };
  work.then(settle, settle);
  return state;
}

describe('an election', () => {
  it('has one leader, who is observed with what it proclaims; the next follows a resignation', async () => {
    const { world, a, b } = await pair();
    const [one, two] = [new Election(a, '/app/leader'), new Election(b, '/app/leader')];
    expect(await world.run(one.leader())).toBeUndefined();
    const first = await world.run(one.campaign('a'));
    const seen: (string | undefined)[] = [];
    const stop = later();
    const watching = (async () => {
      for await (const leader of two.observe({ signal: stop.signal })) {
        seen.push(leader === undefined ? undefined : text(leader.content));
      }
    })();
    const second = two.campaign('b');
    const state = settled(second);
    // Time goes by hand, and what an observer does with it does not: it may see the latest state alone.
    const isSeen = async (content: string): Promise<void> => {
      for (let i = 0; i < 100 && !seen.includes(content); i++) await world.pass(200);
    };
    await world.pass(2_000);
    await isSeen('a');
    expect(state.done).toBe(false);
    await world.run(first.proclaim('a2'));
    await isSeen('a2');
    await world.run(first.resign());
    expect(first.leads).toBe(false);
    const next = await world.run(second);
    expect(next.lock.token > first.lock.token).toBe(true);
    await isSeen('b');
    const leader = (await world.run(one.leader())) as Leader;
    expect([leader.key, text(leader.content)]).toEqual([b.key, 'b']);
    stop.abort();
    expect(await world.run(codeOf(watching))).toBe('aborted');
    expect([seen[0], seen.at(-1)]).toEqual(['a', 'b']);
    expect(seen).toContain('a2');
    expect(await world.run(codeOf(first.proclaim('late')))).toBe('lock_lost');
  });

  it('tells a leader that it is cut off before anybody else leads, and a candidate that its session is over', async () => {
    const { world, a, b } = await pair();
    const [one, two] = [new Election(a, '/leader'), new Election(b, '/leader')];
    const first = await world.run(one.campaign('a'));
    const waiting = codeOf(two.campaign('b'));
    await world.pass(500);
    await world.run(world.cell.loseSession(b));
    expect(await waiting).toBe('session_expired');
    const again = two.campaign('b');
    await world.pass(500);
    let won = false;
    void again.then(() => {
      won = true;
      expect(first.leads).toBe(false);
    });
    world.cell.cutOff(a);
    const next = await world.run(again);
    expect([won, next.leads, first.signal.aborted]).toEqual([true, true, true]);
  });

  it('goes on when the gateway of its leader is lost', async () => {
    const { world, a } = await pair();
    const leadership = await world.run(new Election(a, '/leader').campaign('a'));
    world.cell.crash(world.cell.gatewayOf(a) ?? 0);
    await world.pass(30_000);
    await world.run(leadership.proclaim('still'));
    expect(leadership.leads).toBe(true);
  });
});

describe('a semaphore', () => {
  it('has n permits, in the order of the requests, also for one client', async () => {
    const { world, a, b } = await pair();
    const [mine, theirs] = [new Semaphore(a, '/pool', 2), new Semaphore(b, '/pool', 2)];
    const first = await world.run(mine.acquire());
    const second = await world.run(mine.acquire());
    expect(first.path).not.toBe(second.path);
    expect(await world.run(codeOf(theirs.tryAcquire()))).toBe('lock_held');
    const third = theirs.acquire();
    await world.pass(300);
    const fourth = mine.acquire();
    const state = settled(fourth);
    await world.pass(1_000);
    await world.run(first.release());
    const got = await world.run(third);
    expect([got.held, state.done]).toEqual([true, false]);
    await world.run(second.release());
    expect((await world.run(fourth)).held).toBe(true);
    await world.run(got.release());
    expect(await world.run(mine.withPermit(async ({ held }) => held))).toBe(true);
  });

  it('gives the permit of a client that died to the next, and refuses another n', async () => {
    const { world, a, b } = await pair();
    const permit = await world.run(new Semaphore(a, '/pool', 1).acquire());
    expect(await world.run(codeOf(new Semaphore(b, '/pool', 2).acquire()))).toBe('bad_argument');
    const next = new Semaphore(b, '/pool', 1).acquire();
    world.cell.cutOff(a);
    expect((await world.run(next)).held).toBe(true);
    expect(permit.held).toBe(false);
  });

  it('takes a wait back that is aborted', async () => {
    const { world, a, b } = await pair();
    const [mine, theirs] = [new Semaphore(a, '/pool', 1), new Semaphore(b, '/pool', 1)];
    const permit = await world.run(mine.acquire());
    const stop = later();
    const waiting = codeOf(theirs.acquire({ signal: stop.signal }));
    await world.pass(500);
    stop.abort();
    expect(await world.run(waiting)).toBe('aborted');
    await world.run(permit.release());
    expect((await world.run(mine.tryAcquire())).held).toBe(true);
    expect(() => new Semaphore(a, '/pool', 0)).toThrow('bad_argument');
  });
});

describe('barriers', () => {
  it('hold whoever waits until they are lifted, or their maker is gone', async () => {
    const { world, a, b } = await pair();
    const [mine, theirs] = [new Barrier(a, '/gate'), new Barrier(b, '/gate')];
    await world.run(theirs.wait());
    await world.run(mine.raise());
    const waiting = theirs.wait();
    const state = settled(waiting);
    await world.pass(3_000);
    expect(state.done).toBe(false);
    await world.run(mine.lift());
    await world.run(waiting);
    await world.run(mine.lift());
    await world.run(mine.raise({ ephemeral: true }));
    const again = theirs.wait();
    world.cell.cutOff(a);
    await world.run(again);
  });

  it('let all in when enough are there, and all out when all have left or died', async () => {
    const { world, a, b } = await pair();
    const c = await world.client();
    const barriers = [a, b, c].map((client) => new DoubleBarrier(client, '/round/1', 3));
    const [one, two] = [barriers[0]?.enter(), barriers[1]?.enter()];
    const state = settled(Promise.all([one, two]));
    await world.pass(2_000);
    expect(state.done).toBe(false);
    const inside = await world.run(Promise.all([one, two, barriers[2]?.enter()]));
    const left = inside[0]?.leave();
    const gone = settled(Promise.resolve(left));
    await world.run(world.cell.loseSession(c));
    expect(gone.done).toBe(false);
    await world.run(Promise.all([left, inside[1]?.leave()]));
    expect(() => new DoubleBarrier(a, '/round/2', 0)).toThrow('bad_argument');
  });
});

describe('a group', () => {
  it('shows who is there, and no longer who died', async () => {
    const { world, a, b } = await pair();
    const [mine, theirs] = [new Group(a, '/app/members'), new Group(b, '/app/members')];
    expect(await world.run(mine.members())).toEqual([]);
    const place = await world.run(mine.join({ content: 'a', name: 'first' }));
    const other = await world.run(theirs.join({ content: 'b' }));
    expect(await world.run(codeOf(theirs.join({ name: 'first' })))).toBe('exists');
    const sizes: number[] = [];
    const stop = later();
    const watching = (async () => {
      for await (const members of mine.observe({ signal: stop.signal })) sizes.push(members.length);
    })();
    await world.run(place.update('a2'));
    const members = await world.run(mine.members());
    expect(members.map(({ name, content }) => [name, text(content)])).toEqual([
      ['first', 'a2'],
      [other.name, 'b'],
    ]);
    expect(members.map(({ key }) => key)).toEqual([a.key, b.key]);
    await world.run(world.cell.loseSession(b));
    expect(other.signal.aborted).toBe(true);
    expect(await world.run(codeOf(other.update('ghost')))).toBe('session_expired');
    await world.run(other.leave());
    expect((await world.run(mine.members())).map(({ name }) => name)).toEqual(['first']);
    await world.run(place.leave());
    await world.pass(1_000);
    stop.abort();
    await world.run(codeOf(watching));
    expect([sizes[0], sizes.at(-1)]).toEqual([2, 0]);
  });
});

describe('a counter', () => {
  it('counts every add once, whoever adds at the same time', async () => {
    const { world, a, b } = await pair();
    const [mine, theirs] = [new Counter(a, '/n'), new Counter(b, '/n')];
    expect(await world.run(mine.value())).toBe(0n);
    const adds = [mine, theirs].flatMap((one) => [one.add(), one.add(2n), one.add(-1)]);
    const answers = await world.run(Promise.all(adds));
    expect(new Set(answers).size).toBeGreaterThan(2);
    expect(await world.run(mine.value())).toBe(4n);
    await world.run(a.put('/word', 'x', { mode: 'guarded' }));
    expect(await world.run(codeOf(new Counter(a, '/word').add()))).toBe('bad_answer');
  });
});

describe('a queue', () => {
  it('delivers in order, each item to one consumer, and again when its consumer has died', async () => {
    const { world, a, b } = await pair();
    const [mine, theirs] = [new Queue(a, '/work'), new Queue(b, '/work')];
    expect(await world.run(mine.tryTake())).toBeUndefined();
    const waiting = mine.take();
    await world.pass(500);
    for (const content of ['1', '2', '3']) await world.run(theirs.put(content));
    const first = await world.run(waiting);
    const second = await world.run(theirs.take());
    expect([text(first.content), text(second.content)]).toEqual(['1', '2']);
    expect(await world.run(mine.size())).toBe(3);
    world.cell.cutOff(a);
    await world.run(second.done());
    const third = await world.run(theirs.take());
    expect(text(third.content)).toBe('3');
    const again = await world.run(theirs.take());
    expect([text(again.content), again.token > first.token]).toEqual(['1', true]);
    expect(first.signal.aborted).toBe(true);
    expect(await world.run(codeOf(first.done()))).not.toBe('done');
    await world.run(again.done());
    await world.run(third.giveBack());
    const last = await world.run(theirs.take());
    expect(text(last.content)).toBe('3');
    await world.run(last.done());
    expect(await world.run(theirs.tryTake())).toBeUndefined();
    expect(await world.run(theirs.size())).toBe(0);
  });

  it('refuses the word of a delivery that is not the last', async () => {
    const { world, a, b } = await pair();
    const queue = new Queue(a, '/work');
    await world.run(queue.put('x'));
    const first = await world.run(queue.take());
    // Its consumer pauses while it says that it is done: the cell has delivered the item again by then.
    await world.run(b.txn({ success: [{ remove: first.path }, { create: first.path }] }));
    expect(await world.run(codeOf(first.done()))).toBe('lock_lost');
    expect(await world.run(queue.size())).toBe(1);
  });
});

describe('follow', () => {
  it('shows the state first, then what it has become, and ends with its signal or its client', async () => {
    const { world, a, b } = await pair();
    await world.run(b.put('/dir/x', '0', { parents: true }));
    const sizes: number[] = [];
    const stop = later();
    const names = async (): Promise<number> => (await a.ls('/dir')).length;
    const reading = codeOf(
      (async () => {
        for await (const size of follow(a, '/dir', names, { signal: stop.signal })) {
          sizes.push(size);
        }
      })(),
    );
    await world.pass(1_000);
    for (const name of ['y', 'z']) await world.run(b.put(`/dir/${name}`, name));
    await world.pass(2_000);
    expect([sizes[0], sizes.at(-1)]).toEqual([1, 3]);
    expect(sizes.every((size, i) => size >= (sizes[i - 1] ?? 0))).toBe(true);
    stop.abort();
    expect(await world.run(reading)).toBe('aborted');
    const waiting = codeOf(new Barrier(a, '/dir').wait());
    await world.pass(1_000);
    await world.run(a.close());
    expect(await world.run(waiting)).toBe('closed');
  });
});

describe('a read-write lock', () => {
  it('is for many readers or one writer; readers behind a writer wait', async () => {
    const { world, a, b } = await pair();
    const [mine, theirs] = [new ReadWriteLock(a, '/table'), new ReadWriteLock(b, '/table')];
    const c = new ReadWriteLock(await world.client(), '/table');
    const reads = await world.run(Promise.all([mine.read(), theirs.read()]));
    const writing = c.write();
    const state = settled(writing);
    await world.pass(1_000);
    expect([reads.every(({ held }) => held), state.done]).toEqual([true, false]);
    await world.run(reads[0]?.release() ?? Promise.resolve());
    const behind = mine.read();
    await world.run(reads[1]?.release() ?? Promise.resolve());
    const writer = await world.run(writing);
    const reading = settled(behind);
    await world.pass(1_000);
    expect(reading.done).toBe(false);
    await world.run(writer.release());
    expect((await world.run(behind)).mode).toBe('shared');
  });
});
