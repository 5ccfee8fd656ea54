// Clients of the test worlds.
import { Client, type World } from './world.ts';

/** One client that says something to a replica every 60 ms. */
export function busy(world: World, ops: number, to = 0): void {
  const client = new Client(world.options.cell, `c${to}-${world.nowMs}`);
  for (let i = 0; i < ops; i++) {
    world.after(60 * i, () => world.submit(to, client.op(`${i}`)));
  }
}
