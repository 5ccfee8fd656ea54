// The members of a cell of a run: which process is in whose place.
import type { CellReplica, RunningCell } from '@fatty/cli';
import { askAdmin, type MembersShown } from '@fatty/node';
import { machineMs } from './writer.ts';

/** A member that was put in the place of another one, ms of the machine's clock. */
export interface Replacement {
  /** Index of the process that is gone for ever, and of the new one. */
  readonly victim: number;
  readonly joiner: number;
  /** SIGKILL; members were asked to agree; all of them are in the next epoch. */
  readonly killedMs: number;
  readonly movedMs: number;
  readonly doneMs: number;
  readonly epoch: number;
}

const POLL_MS = 50;
/** An epoch that has not come so long after all have moved it is a failure, ms. */
const EPOCH_MS_MAX = 180_000;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The processes that are members, by place: what a schedule draws is a place. */
export class Places {
  readonly #cell: RunningCell;
  readonly #at: CellReplica[];

  constructor(cell: RunningCell) {
    this.#cell = cell;
    this.#at = [...cell.replicas];
  }

  get all(): readonly CellReplica[] {
    return this.#at;
  }

  /** @throws Error when there is no such place */
  of(place: number): CellReplica {
    const replica = this.#at[place];
    if (replica === undefined) throw new Error(`no member ${place}`);
    return replica;
  }

  /**
   * SIGKILL, and the machine is gone for ever: a new one joins under a new key, and the others let it in in the
   * place of the dead one. @throws Error when that takes too long
   */
  async replace(
    place: number,
    onJoined: (joiner: CellReplica) => Promise<void>,
  ): Promise<Replacement> {
    const gone = this.of(place);
    const { key: old } = await membersOf(gone);
    const killedMs = machineMs();
    await gone.kill();
    const joiner = await this.#cell.join();
    await onJoined(joiner);
    const others = this.#at.filter((one) => one !== gone);
    const { key } = await membersOf(joiner);
    const { epoch } = await newestOf(others);
    const movedMs = machineMs();
    const change = { kind: 'replace', old, key } as const;
    await Promise.all(others.map(({ dir }) => askAdmin(dir, { kind: 'move', change })));
    this.#at[place] = joiner;
    await Promise.all(this.#at.map((one) => untilIn(one, epoch + 1)));
    const doneMs = machineMs();
    return {
      victim: gone.index,
      joiner: joiner.index,
      killedMs,
      movedMs,
      doneMs,
      epoch: epoch + 1,
    };
  }
}

/** @throws Error when it does not run */
async function membersOf({ dir }: CellReplica): Promise<MembersShown> {
  const answer = await askAdmin<MembersShown>(dir, { kind: 'members' });
  if (answer.ok) return answer.value;
  throw new Error(`${dir}: ${answer.failure.code}: ${answer.failure.actual}`);
}

async function newestOf(replicas: readonly CellReplica[]): Promise<MembersShown> {
  const all = await Promise.all(replicas.map(membersOf));
  return all.reduce((best, one) => (one.epoch > best.epoch ? one : best));
}

async function untilIn(replica: CellReplica, epoch: number): Promise<void> {
  const endMs = machineMs() + EPOCH_MS_MAX;
  for (;;) {
    const now = await membersOf(replica);
    if (now.epoch >= epoch && now.state === 'active') return;
    if (machineMs() > endMs) {
      const at = `replica ${replica.index} is ${now.state} in epoch ${now.epoch}`;
      throw new Error(`${at}, and not in ${epoch}, ${EPOCH_MS_MAX} ms after it was moved`);
    }
    await sleep(POLL_MS);
  }
}
