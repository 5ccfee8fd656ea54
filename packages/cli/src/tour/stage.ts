import type { Client } from '@fatty/client/node';
import { connect } from '@fatty/client/node';
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

/** Two clients, each linked to every replica. */
export async function openStage(
  cell: RunningCell,
  screen: Screen,
  record: string,
): Promise<Stage & AsyncDisposable> {
  const [alice, bob] = await Promise.all([connect(cell.cellPath), connect(cell.cellPath)]);
  await Promise.all([alice, bob].map((client) => client.linked(cell.replicas.length)));
  const close = async (): Promise<void> => {
    await Promise.all([alice.close(), bob.close()]);
  };
  return { cell, screen, record, alice, bob, [Symbol.asyncDispose]: close };
}
