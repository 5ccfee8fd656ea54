// What recipes promise at every moment, whatever their clients and the cell run into.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Client, isFattyError, type Lock } from '../src/index.ts';
import { Election, type Item, type Leadership, Queue, Semaphore } from '../src/recipes/index.ts';
import { RecipeWorld } from './recipes-world.ts';

const CLIENTS = 3;
/** Worlds a property. */
const RUNS = 2;
/** How long they go on behind the last fault, ms of the cell. */
const CALM_MS = 5_000;
/** More than a session lives without a word, ms of the cell. */
const LEASE_MS = 14_000;

/** What happens to whom, and when, ms of the cell. */
interface Fault {
  readonly kind: 'cutOff' | 'crash' | 'heal' | 'pause' | 'gateway';
  readonly who: number;
  readonly afterMs: number;
}

const faults = fc.array(
  fc.record<Fault>({
    kind: fc.constantFrom('cutOff', 'crash', 'pause', 'gateway', 'heal'),
    who: fc.nat(CLIENTS - 1),
    afterMs: fc.integer({ min: 200, max: 4_000 }),
  }),
  { minLength: 2, maxLength: 5 },
);
const play = fc.record({ seed: fc.integer({ min: 1, max: 1_000 }), faults });

/** The first client is cut off for longer than its lease. */
const FORGOTTEN: readonly Fault[] = [
  { kind: 'cutOff', who: 0, afterMs: 2_000 },
  { kind: 'heal', who: 0, afterMs: LEASE_MS },
];

/** How often things came about in all the runs. */
const reached = { cutOff: 0, crash: 0, heal: 0, pause: 0, gateway: 0, held: 0, lost: 0, again: 0 };

class Stage {
  readonly world: RecipeWorld;
  readonly clients: readonly Client[];
  over = false;

  private constructor(world: RecipeWorld, clients: readonly Client[]) {
    this.world = world;
    this.clients = clients;
  }

  static async set(seed: number): Promise<Stage> {
    const world = await RecipeWorld.start({ seed });
    const clients: Client[] = [];
    while (clients.length < CLIENTS) clients.push(await world.client());
    return new Stage(world, clients);
  }

  /** At most one replica is down or stands still: more would stop everything, which shows nothing. */
  happens({ kind, who }: Fault): void {
    const { cell } = this.world;
    const client = this.clients[who];
    if (client === undefined) return;
    reached[kind] += 1;
    if (kind === 'cutOff') return cell.cutOff(client);
    cell.heal();
    if (kind === 'crash') cell.crash(who);
    if (kind === 'pause') cell.pause(who);
    if (kind === 'gateway') cell.crash(cell.gatewayOf(client) ?? who);
  }

  /** Everybody works, through all faults; then all is healed, and they come to an end. */
  async run(work: readonly (() => Promise<void>)[], all: readonly Fault[]): Promise<void> {
    const players = work.map(async (act) => {
      while (!this.over) {
        await act().catch((error: unknown) => {
          if (!isFattyError(error)) throw error;
          return this.world.sleep(100);
        });
      }
    });
    for (const fault of all) {
      await this.world.pass(fault.afterMs);
      this.happens(fault);
    }
    await this.world.pass(CALM_MS);
    this.over = true;
    this.world.cell.heal();
    await this.world.run(Promise.all(players));
  }
}

/** Who believes to hold now. */
const believed = (locks: ReadonlySet<Lock>): number =>
  Array.from(locks).filter(({ held }) => held).length;

it('a semaphore never has more than n permits that somebody believes in', async () => {
  await fc.assert(
    fc.asyncProperty(play, fc.integer({ min: 1, max: 2 }), async ({ seed, faults: all }, n) => {
      const stage = await Stage.set(seed);
      const locks = new Set<Lock>();
      let most = 0;
      stage.world.always = () => {
        most = Math.max(most, believed(locks));
        expect(believed(locks)).toBeLessThanOrEqual(n);
      };
      const work = stage.clients.map((client, i) => {
        const semaphore = new Semaphore(client, '/pool', n);
        let holdMs = i === 0 ? LEASE_MS : 200;
        return async () => {
          const permit = await semaphore.acquire();
          locks.add(permit);
          stage.world.always();
          reached.held += 1;
          await stage.world.sleep(holdMs);
          holdMs = 200;
          if (permit.signal.aborted) reached.lost += 1;
          await permit.release();
        };
      });
      await stage.run(work, [...FORGOTTEN, ...all]);
      expect(most).toBeGreaterThan(0);
    }),
    { numRuns: RUNS, seed: 7 },
  );
});

it('an election never has two leaders who both believe, and each has a larger token than all before', async () => {
  await fc.assert(
    fc.asyncProperty(play, async ({ seed, faults: all }) => {
      const stage = await Stage.set(seed);
      const leaders = new Set<Leadership>();
      const tokens: string[] = [];
      stage.world.always = () => {
        expect(Array.from(leaders).filter(({ leads }) => leads).length).toBeLessThanOrEqual(1);
      };
      const work = stage.clients.map((client, i) => async () => {
        const leadership = await new Election(client, '/leader').campaign(`client ${i}`);
        leaders.add(leadership);
        tokens.push(leadership.lock.token);
        stage.world.always();
        await stage.world.sleep(400);
        await leadership.resign();
      });
      await stage.run(work, all);
      expect(tokens.length).toBeGreaterThan(1);
      expect([...tokens].sort()).toEqual(tokens);
    }),
    { numRuns: RUNS, seed: 11 },
  );
});

it('a queue delivers an item once a generation, to one consumer at a time, and loses none', async () => {
  await fc.assert(
    fc.asyncProperty(play, async ({ seed, faults: all }) => {
      const stage = await Stage.set(seed);
      const [first] = stage.clients;
      if (first === undefined) throw new Error('no client');
      const put = new Set<string>();
      for (let i = 0; i < 12; i++) {
        put.add(await stage.world.run(new Queue(first, '/work').put(`${i}`)));
      }
      const taken: Item[] = [];
      const done: string[] = [];
      stage.world.always = () => {
        const held = taken.filter(({ lock }) => lock.held).map(({ path }) => path);
        expect(new Set(held).size).toBe(held.length);
      };
      const work = stage.clients.map((client, i) => {
        const queue = new Queue(client, '/work');
        return async () => {
          const item = await queue.tryTake();
          if (item === undefined) return stage.world.sleep(300);
          taken.push(item);
          stage.world.always();
          await stage.world.sleep(500 + 200 * i);
          if (taken.length % 5 === 0) return item.giveBack();
          await item.done();
          done.push(item.path);
        };
      });
      await stage.run(work, all);
      const rest = new Queue(await stage.world.client(), '/work');
      const drain = async (): Promise<void> => {
        while ((await rest.size()) > 0) {
          const item = await rest.take();
          taken.push(item);
          await item.done();
          done.push(item.path);
        }
      };
      await stage.world.run(drain());
      const deliveries = taken.map(({ path, token }) => `${path} ${token}`);
      expect(new Set(deliveries).size).toBe(deliveries.length);
      expect(new Set(done).size).toBe(done.length);
      // Nothing that was put is left over, and nothing else was delivered. What nobody said was done
      // was said in vain: the word of a delivery whose answer was lost.
      expect(new Set(taken.map(({ path }) => path))).toEqual(put);
      reached.again += taken.length - put.size;
    }),
    { numRuns: RUNS, seed: 13 },
  );
});

it('has met what it is about', () => {
  expect(reached.held).toBeGreaterThan(20);
  for (const [name, count] of Object.entries(reached)) expect(count, name).toBeGreaterThan(0);
});
