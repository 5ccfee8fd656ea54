// Every lie is one that some net has to meet.
import { CLIENT_LIES, LIES } from '@fatty/testnet';
import { expect, test } from 'vitest';
import { ALL_NETS } from './nets.ts';

test('every lie of a replica and of a client is one that some net has to meet', () => {
  const nets = Object.values(ALL_NETS);
  const asked = new Set(nets.flatMap(({ wants }) => Object.keys(wants)));
  const all = [...LIES.map((lie) => `lie.${lie}`), ...CLIENT_LIES.map((lie) => `clientLie.${lie}`)];
  expect(all.filter((lie) => !asked.has(lie))).toEqual([]);
});

test('a net that has to meet a lie of replicas tells it often', () => {
  for (const { name, wants, size } of Object.values(ALL_NETS)) {
    const asked = LIES.filter((lie) => wants[`lie.${lie}`] !== undefined);
    expect(new Set(size.favours), name).toEqual(new Set(asked));
  }
});
