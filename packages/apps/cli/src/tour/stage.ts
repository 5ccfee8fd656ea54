// What every step of the tour works with.
import { type Client, connect, isFattyError } from '@fatty/client/node';
import { fromUtf8 } from '@fatty/codec';
import type { RunningCell } from '../cell/cell.ts';
import type { Screen } from './screen.ts';

/** What every step of the tour works with. */
export interface Stage {
  readonly cell: RunningCell;
  readonly screen: Screen;
  readonly alice: Client;
  readonly bob: Client;
  /** Folder of the replicas' trace files. */
  readonly record: string;
}

/** The longest there is: a busy computer shall not cost a session that no step means to lose. */
const LEASE_MS = 60_000;

/** Two clients, each linked to every replica. */
export async function openStage(
  cell: RunningCell,
  screen: Screen,
  record: string,
): Promise<Stage & AsyncDisposable> {
  const open = (): Promise<Client> => connect(cell.cellPath, { leaseMs: LEASE_MS });
  const [alice, bob] = await Promise.all([open(), open()]);
  await Promise.all([alice, bob].map((client) => client.linked(cell.replicas.length)));
  const close = async (): Promise<void> => {
    await Promise.all([alice.close(), bob.close()]);
  };
  return { cell, screen, record, alice, bob, [Symbol.asyncDispose]: close };
}

/** Whether this replica, asked alone, shows `text`; undefined while it does not (it may lag). */
export async function saysAlone(
  client: Client,
  replica: number,
  path: string,
  text: string,
): Promise<true | undefined> {
  try {
    const { siblings } = await client.askReplica(replica, { kind: 'get', path }, 'value');
    const [first] = siblings;
    return first !== undefined && fromUtf8(first.content) === text ? true : undefined;
  } catch (error) {
    if (isFattyError(error, 'not_found')) return undefined;
    throw error;
  }
}
