// A new cell on the state of one whose quorum is lost for good.
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { equalBytes, fail, ok } from '@fatty/codec';
import { nodeScheme } from '@fatty/codec/node';
import type { Outcome, PublicKey, StateMachine } from '@fatty/interface';
import {
  type Cell,
  type ChainRules,
  FOUNDING_COMMITS,
  foundingStateDigest,
  memberIndex,
} from '@fatty/protocol';
import {
  beginBehind,
  CheckedChain,
  type OpenedEpoch,
  Replica,
  type ReplicaStatus,
} from '@fatty/replica';
import { type FrameBytes, nodeFiles, openFrames, openLog, StorageError } from '@fatty/storage';
import { replicasIn } from './backup.ts';
import { type Hosting, hostingOf } from './hosting.ts';
import { FOUNDING_FILE, type InitOptions, initCell, loadCell } from './init.ts';
import { generateKeyPem, signerOfPem } from './keys.ts';

/** What came of a backup. */
export interface Founded {
  readonly cell: Cell;
  /** The backup that was used: of several the one that is furthest. */
  readonly backup: string;
  /** The last commit of the old cell that is in it. */
  readonly commit: number;
  readonly sessionsEnded: number;
  /** Of the state. */
  readonly bytes: number;
}

/** The new cell; `algorithm`: path of the module, where the old cell hosted one. */
export type FoundingOptions = Pick<
  InitOptions,
  'dir' | 'replicas' | 'host' | 'advertise' | 'freePorts' | 'tls' | 'insecure'
> & { readonly algorithm?: string };

/**
 * The state that a cell begins with; undefined: with nothing, or it is not needed, for this key has come later and
 * begins behind a frame. Codes: `no_founding_state`, `wrong_founding_state`.
 */
export function readFounding(
  cell: Cell,
  cellPath: string,
  key?: PublicKey,
): Outcome<Uint8Array | undefined> {
  const isFounder = key === undefined || memberIndex(cell.committee, key) >= 0;
  if (cell.founding === undefined || !isFounder) return ok(undefined);
  const path = join(dirname(cellPath), FOUNDING_FILE);
  try {
    const state = readFileSync(path);
    if (equalBytes(foundingStateDigest(state), cell.founding.state)) return ok(state);
    return fail('wrong_founding_state', `${path} as cell.json names it`, 'another state');
  } catch (error) {
    return fail('no_founding_state', `readable ${path}`, (error as Error).message);
  }
}

interface Found {
  readonly backup: string;
  readonly cell: Cell;
  readonly hosting: Hosting;
  readonly machine: StateMachine;
  readonly epoch: OpenedEpoch;
  readonly status: ReplicaStatus;
}

/**
 * Makes a new cell of new members, on the newest state in a backup, or in those of a whole cell. Nothing of the
 * old cell is asked or changed. Codes: `not_a_backup`, `exists`, `no_commits_left`, `log_corrupt`,
 * `folder_unusable`, those of `hostingOf`, `initCell` and `loadCell`.
 */
export async function foundOn(from: string, options: FoundingOptions): Promise<Outcome<Founded>> {
  const { dir } = options;
  if (existsSync(join(dir, 'cell.json'))) return fail('exists', 'no cell.json', dir);
  try {
    const found = await furthestIn(from, options.algorithm ?? '');
    return found.ok ? await makeCell(found.value, options) : found;
  } catch (error) {
    if (error instanceof StorageError) return fail(error.code, error.expected, error.actual);
    return fail('folder_unusable', `folders to read and write, ${dir} among them`, String(error));
  }
}

async function furthestIn(from: string, algorithm: string): Promise<Outcome<Found>> {
  let best: Found | undefined;
  for (const backup of await replicasIn(from)) {
    const found = await stateIn(backup, algorithm);
    if (!found.ok) return found;
    const commit = found.value.status.commitIndex;
    if (best === undefined || commit > best.status.commitIndex) best = found.value;
  }
  return best ? ok(best) : fail('not_a_backup', `a backup at ${from}`, 'none');
}

async function stateIn(backup: string, algorithm: string): Promise<Outcome<Found>> {
  const path = join(backup, 'cell.json');
  const cell = loadCell(path);
  if (!cell.ok) return cell;
  const frames = await openFrames(join(backup, 'frames')).then((store) => store.read());
  // Who has come later has never had it, and begins behind a frame.
  const founding = frames.length > 0 ? ok(undefined) : readFounding(cell.value, path);
  if (!founding.ok) return founding;
  const hosting = await hostingOf(cell.value, algorithm, founding.value);
  if (!hosting.ok) return hosting;
  const chain = new CheckedChain(rulesOf(cell.value));
  const { epoch } = beginBehind(chain, frames, () => undefined);
  // It does not say whose it is where anybody could read it: only its own member's replica takes it.
  for (const me of epoch.committee.members.keys()) {
    const found = await replayedAs(me, {
      backup,
      cell: cell.value,
      hosting: hosting.value,
      frames,
      chain,
    });
    if (found) return ok({ backup, cell: cell.value, hosting: hosting.value, ...found });
  }
  return fail('not_a_backup', `frames and log of one member in ${backup}`, 'others');
}

function rulesOf({ cellId, committee: genesis, founding }: Cell): ChainRules {
  return { cellId, scheme: nodeScheme(), genesis, founding };
}

type Replayed = Pick<Found, 'backup' | 'cell' | 'hosting'> & {
  readonly frames: readonly FrameBytes[];
  readonly chain: CheckedChain;
};

/** What a member would have come to behind these frames and this log; undefined: they are another's. */
async function replayedAs(
  me: number,
  { backup, cell, hosting, frames, chain }: Replayed,
): Promise<Pick<Found, 'machine' | 'epoch' | 'status'> | undefined> {
  const { cellId } = cell;
  const scheme = nodeScheme();
  // It signs nothing.
  const signer = signerOfPem(generateKeyPem());
  if (!signer.ok) throw new Error(signer.failure.actual);
  const machines = new Map<Replica, StateMachine>();
  const make = (epoch: OpenedEpoch): Replica | undefined => {
    if (epoch.committee.members[me] === undefined) return undefined;
    const machine = hosting.fresh(epoch.committee);
    const replica = new Replica({ ...epoch, cellId, me, signer: signer.value, scheme, machine });
    machines.set(replica, machine);
    return replica;
  };
  const { core, epoch, at } = beginBehind(chain, frames, make);
  const machine = core && machines.get(core);
  if (core === undefined || machine === undefined) return undefined;
  if (at === undefined && frames.length > 0) return undefined;
  const log = await openLog(join(backup, 'log'));
  try {
    for await (const record of log.replay()) core.restore([record]);
    core.restore([]);
  } finally {
    await log.close();
  }
  const status = core.status();
  return status.observer?.code === 'foreign_log' ? undefined : { machine, epoch, status };
}

/** Of the lease clock, at once, ms. */
const STEP_MS = 1_000;
const STEPS_MAX = 1_000_000;

/**
 * Lets time pass until no session is left: locks and leases end by the algorithm's own rules. The new cell
 * begins no sooner than that, so whoever held something in the backup has had its lease.
 */
function endSessions({ hosting, machine, status }: Found): {
  readonly commit: number;
  readonly leaseClock: number;
} {
  let commit = status.commitIndex + FOUNDING_COMMITS;
  let { leaseClock } = status;
  const { commitTs } = status;
  const nothing = { epoch: 0, batches: [], unsigned: [], evidence: [] };
  for (let step = 0; step < STEPS_MAX; step++) {
    leaseClock += STEP_MS;
    machine.applyCommit({ ...nothing, index: ++commit, commitTs, leaseClock });
    if (hosting.sessions(machine) === 0) return { commit, leaseClock };
  }
  throw new Error('sessions that do not end');
}

async function makeCell(found: Found, options: FoundingOptions): Promise<Outcome<Founded>> {
  const { cell: old, hosting, machine, epoch, status, backup } = found;
  if (status.commitIndex > Number.MAX_SAFE_INTEGER - 2 * FOUNDING_COMMITS) {
    return fail('no_commits_left', 'a cell that was founded fewer than 500 times', 'one more');
  }
  const sessionsEnded = hosting.sessions(machine);
  const at = endSessions(found);
  const snapshot = machine.snapshot();
  const founding = { ...at, state: foundingStateDigest(snapshot) };
  const { dir, algorithm, ...others } = options;
  mkdirSync(dir, { recursive: true });
  await writeDurably(dir, FOUNDING_FILE, snapshot);
  const cell = initCell({
    ...others,
    dir,
    params: epoch.committee.params,
    founding,
    ...(old.algorithm !== undefined &&
      algorithm !== undefined && { algorithm: { name: old.algorithm, path: algorithm } }),
    ...(old.admin && { admin: old.admin }),
  });
  if (!cell.ok) return cell;
  const { commitIndex: commit } = status;
  return ok({ cell: cell.value, backup, commit, sessionsEnded, bytes: snapshot.length });
}

async function writeDurably(dir: string, name: string, bytes: Uint8Array): Promise<void> {
  const file = await open(join(dir, name), 'w');
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await nodeFiles.syncFolder(dir);
}
