// Finds and ends every process that a command has started.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/**
 * What a command started under a lock, and everything that came of it. A process is known by any of
 * three: the command's group, its descent from the command, and a mark in the environment that all
 * inherit, also those with a session of their own or another parent by now.
 */
export interface Owner {
  /** Unlike any other text of this machine. */
  readonly mark: string;
  /** The command. */
  readonly pid: number;
  /** Whether the command leads a group of its own. */
  readonly leadsGroup: boolean;
  /** Its pid may be somebody else's from then on. */
  readonly hasExited: boolean;
}

/** The variable that carries the marks of every `fatty lock` that a process runs under. */
export const MARKS = 'FATTY_GUARD';

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
}

/** Every living process; what has ended and only waits to be noticed is none. */
function processes(): readonly Process[] {
  const pids = processFolders();
  return pids === undefined ? listed() : pids.flatMap((pid) => statOf(pid) ?? []);
}

function processFolders(): readonly number[] | undefined {
  try {
    readFileSync('/proc/self/stat');
    return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
  } catch {
    return undefined;
  }
}

/** `pid (name) state parent group …`; the name may hold anything. */
function statOf(pid: number): Process | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state, parent, group] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' || state === 'X'
      ? undefined
      : { pid, parent: Number(parent), group: Number(group) };
  } catch {
    return undefined;
  }
}

/** Where there is no /proc. */
function listed(): readonly Process[] {
  const columns = ['pid=', 'ppid=', 'pgid=', 'stat='].flatMap((name) => ['-o', name]);
  const text = execFileSync('ps', ['-A', ...columns], { encoding: 'utf8' });
  return text.split('\n').flatMap((line) => {
    const [pid, parent, group, state = 'Z'] = line.trim().split(/\s+/);
    const one = { pid: Number(pid), parent: Number(parent), group: Number(group) };
    return state.startsWith('Z') ? [] : [one];
  });
}

function isMarked({ pid }: Process, mark: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`).includes(mark);
  } catch {
    return false;
  }
}

function descendantsOf(roots: ReadonlySet<number>, all: readonly Process[]): ReadonlySet<number> {
  const found = new Set(roots);
  let before = -1;
  while (found.size !== before) {
    before = found.size;
    for (const { pid, parent } of all) if (found.has(parent)) found.add(pid);
  }
  return found;
}

/** What is alive of it now; never this process. */
function ownedProcesses({ mark, pid, leadsGroup, hasExited }: Owner): readonly Process[] {
  const all = processes();
  // The system gives pids out again, but not that of a group while the group has members.
  const isReused = hasExited && all.some((one) => one.pid === pid);
  const isOwn = (one: Process): boolean =>
    (!hasExited && one.pid === pid) ||
    (leadsGroup && !isReused && one.group === pid) ||
    isMarked(one, mark);
  const roots = new Set(all.filter(isOwn).map((one) => one.pid));
  roots.delete(process.pid);
  const found = descendantsOf(roots, all);
  return all.filter((one) => found.has(one.pid) && one.pid !== process.pid);
}

function kill(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    // Gone meanwhile, or under another user: a program that became root is out of our reach.
    return false;
  }
}

/** Answers how many got it. The group gets it as one, so that none is born meanwhile. */
export function signalOwned(owner: Owner, signal: NodeJS.Signals): number {
  const { pid, leadsGroup } = owner;
  const found = ownedProcesses(owner);
  const inGroup = leadsGroup ? found.filter(({ group }) => group === pid) : [];
  const others = found.filter((one) => !inGroup.includes(one));
  const reached = inGroup.length > 0 && kill(-pid, signal) ? inGroup.length : 0;
  return others.reduce((count, one) => (kill(one.pid, signal) ? count + 1 : count), reached);
}

const LOOK_MS = 25;
/** How long we wait for a process that was killed and that the system does not let go, ms. */
const KILL_MS_MAX = 5_000;

/**
 * Ends everything: SIGTERM, and SIGKILL to what is alive `graceMs` later, or as soon as `isUrgent`.
 * Resolves when nothing is left, with how many there were.
 */
export async function endOwned(
  owner: Owner,
  { graceMs, isUrgent }: { readonly graceMs: number; readonly isUrgent: () => boolean },
): Promise<number> {
  const startMs = performance.now();
  const count = signalOwned(owner, 'SIGTERM');
  // What is stopped hears of it only when it goes on.
  if (count > 0) signalOwned(owner, 'SIGCONT');
  for (let left = count; left > 0; left = signalOwned(owner, 'SIGKILL')) {
    while (performance.now() - startMs < graceMs && !isUrgent() && left > 0) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      left = ownedProcesses(owner).length;
    }
    if (performance.now() - startMs > graceMs + KILL_MS_MAX) break;
    if (left > 0) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  return count;
}
