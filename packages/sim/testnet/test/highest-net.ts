// highest-net.ts: the algorithm of highest.ts under test.
import { encode, u53 } from '@fatty/codec';
import { Client, type Net, staged } from '@fatty/testnet';
import { Highest } from './highest.ts';

export const highestNet: Net = {
  name: 'highest',
  size: {
    replicas: [4, 7],
    clients: 3,
    opsMin: 4,
    opsMax: 30,
    busyMs: 4_000,
    faultsMax: 3,
    realSignaturesOneIn: 8,
    kinds: 1,
  },
  machine: (context) => staged(() => new Highest(), context),
  act: () => ({
    prepare({ clients, world, plan }) {
      for (let i = 0; i < plan.clients; i++) {
        clients.push(new Client(world, `c${i}`, i % plan.replicas));
      }
    },
    perform({ clients }, { client, arg }) {
      clients[client]?.send(`say ${arg}`, () => [encode(u53, arg)]);
    },
    lie: ({ world }) => [encode(u53, world.rng.below(1_000))],
  }),
  wants: { commits: 100, deliveries: 500, lies: 50, viewsPermuted: 20 },
};
