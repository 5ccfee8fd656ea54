// Tour (e): a crash.
import { isFattyError } from '@fatty/client/node';
import { expectTrue, ms, timed, until } from './screen.ts';
import type { Stage } from './stage.ts';

const VICTIM = 1;
const HEAD_START_MS = 500;
const TRAFFIC_MS = 2_000;
/** Of these, those that were in flight are no proof that commits go on. */
const WRITES_MIN = 2;
const PATH = '/demo/counter';

/** Writes ever larger numbers, one after the other, until told to stop. */
class Traffic {
  readonly done: Promise<void>;
  writes = 0;
  slowestMs = 0;
  #going = true;
  #failure: unknown;

  constructor(client: Stage['alice']) {
    this.done = this.#run(client);
    this.done.catch((error: unknown) => {
      this.#failure = error;
    });
  }

  stop(): Promise<void> {
    this.#going = false;
    return this.done;
  }

  /** Runs for a while, and until some writes begun in it are acknowledged. */
  async goesOn(forMs: number): Promise<void> {
    const goal = this.writes + WRITES_MIN;
    await new Promise((resolve) => setTimeout(resolve, forMs));
    await until('commits go on', () => {
      if (this.#failure !== undefined) throw this.#failure;
      return this.writes >= goal ? true : undefined;
    });
  }

  async #run(client: Stage['alice']): Promise<void> {
    while (this.#going) {
      const { ms } = await timed(() => client.put(PATH, String(this.writes + 1)));
      this.slowestMs = Math.max(this.slowestMs, ms);
      this.writes++;
    }
  }
}

/** One replica is killed in mid-traffic; commits go on; it restarts and catches up. */
export async function crash(stage: Stage): Promise<void> {
  const { cell, alice, screen } = stage;
  screen.title('A crash: one replica is killed in mid-traffic');
  await alice.put(PATH, '0');
  const traffic = new Traffic(alice);
  try {
    await killAndRestart(stage, traffic);
  } finally {
    await traffic.stop();
  }
  const value = await alice.get(PATH, { level: 'linearizable' });
  expectTrue(value.text() === String(traffic.writes), 'nothing acknowledged is lost');
  screen.say(`${traffic.writes} writes acknowledged, the counter says ${value.text()}: none lost`);
  expectTrue(
    cell.replicas.every((replica) => replica.alive),
    'all four are up again',
  );
}

async function killAndRestart({ cell, alice, screen }: Stage, traffic: Traffic): Promise<void> {
  const victim = cell.replicas[VICTIM];
  expectTrue(victim !== undefined, 'there is a replica to kill');
  await traffic.goesOn(HEAD_START_MS);
  await victim.kill();
  const before = traffic.writes;
  screen.say(`kill -9 of r${VICTIM} after ${before} writes`);
  await traffic.goesOn(TRAFFIC_MS);
  const without = traffic.writes - before;
  screen.say(`${without} more without it; the slowest of all took ${ms(traffic.slowestMs)}`);
  const back = await timed(() => victim.restart());
  const caughtUp = await timed(() => catchUp(alice, VICTIM));
  screen.say(`restarted in ${ms(back.ms)} from its own log, caught up in ${ms(caughtUp.ms)}`);
}

/** Waits until the replica itself has the commit that another had when it came back. */
async function catchUp(alice: Stage['alice'], replica: number): Promise<void> {
  const goal = (await alice.replicaStatus(0)).commit;
  await until('it catches up', async () => {
    const own = await timeless(alice.replicaStatus(replica, { timeoutMs: 1_000 }));
    return own !== undefined && own.commit >= goal ? own : undefined;
  });
}

/** Undefined for what took too long: a replica that is not back does not answer. */
async function timeless<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isFattyError(error, 'timeout')) return undefined;
    throw error;
  }
}
