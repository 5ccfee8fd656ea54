// The clock of a test cell waits for no disk: whatever a client is asked first has to be loaded already.
import { expect, it } from 'vitest';
import type { Client } from '../src/index.ts';
import { startTestCell } from '../src/testing/index.ts';

/** Each needs a part of the SDK that nothing before it has used. */
const FIRST_CALLS: Readonly<Record<string, (client: Client) => Promise<unknown>>> = {
  'a watch': (client) => client.watch('/x').started,
  'an ACL': (client) => client.acl('/').get(),
  'a transaction': (client) => client.txn({ compares: [], success: [], failure: [] }),
  'a subtree': (client) => client.remove('/x', { recursive: true }),
  'a key': (client) => client.keys.stat(client.key),
  'a machine': (client) => client.machine('/x').stat(),
  'a job': (client) => client.job('/x').stat(),
  'a cached file': (client) => client.cached('/x'),
  'a certified read': (client) => client.stat('/', { level: 'certified' }),
};

it.each(Object.entries(FIRST_CALLS))(
  '%s is answered while the clock is advanced',
  async (_, call) => {
    await using cell = await startTestCell({ clock: 'manual' });
    const client = await cell.connect();
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
    };
    void call(client).then(settle, settle);
    await cell.advance(5_000);
    expect(isSettled).toBe(true);
  },
);
