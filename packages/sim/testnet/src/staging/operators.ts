// The operators of the members of a world: they change who is one.
import { toHex } from '@fatty/codec';
import type { PublicKey } from '@fatty/interface';
import { type Change, signReady } from '@fatty/protocol';
import { membershipChange } from '../checkers/membership.ts';
import type { World } from '../world/world.ts';

/** What operators plan to do, sooner or later. */
export const CHANGE_KINDS = [
  'add',
  'remove',
  'replace',
  'renew',
  'split',
  'unready',
  'sleep',
] as const;

/** One change of the members. `atMs`: of world time, or later, when others come before. */
export interface PlannedChange {
  readonly atMs: number;
  /**
   * split: several want to come and each has some votes, then one of them has all; unready: one that q want and
   * that never says it is ready; sleep: a member is down while epochs go by.
   */
  readonly kind: (typeof CHANGE_KINDS)[number];
  /** Who goes: of the members of then, modulo their number. */
  readonly who: number;
  /** Of `split`: so many want to come. */
  readonly rivals: number;
  /** Who goes has died for good before. */
  readonly isDead: boolean;
  /** The machine of who comes is started so long after its epoch began, ms. */
  readonly lateMs: number;
}

/** How the members of a world change. */
export interface PlannedMembers {
  /** Keys that may come. */
  readonly joiners: number;
  readonly changes: readonly PlannedChange[];
  /** An epoch is renewed after so many commits; 0: never. */
  readonly renewCommits: number;
}

/** Between two tries of a change, ms; who comes says that it is ready half of that after each. */
const TRY_MS = 500;
const TRIES_MAX = 8;
/** With so many of them who comes late says that it is ready. */
const LATE_TRIES = 3;
/** So many epochs go by while a member sleeps. */
const SLEEP_EPOCHS = 2;
/** How often operators look whether an epoch is long enough, ms. */
const LOOK_MS = 100;

interface Sleeper {
  readonly host: number;
  readonly epoch: number;
}

/** A change that is tried until it is there, or is given up. */
interface Task {
  readonly planned: PlannedChange;
  readonly change: Change;
  /** Who is down until which epoch. */
  readonly sleeper: Sleeper | undefined;
  tries: number;
}

/**
 * One for all members: has them move changes (R30), kills who is to die, starts who has come. It keeps liars and
 * dead ones within f of each committee that it works for.
 */
export class Operators {
  readonly #world: World;
  readonly #planned: PlannedMembers;
  /** By epoch and key: who has signed that it is ready. */
  readonly #ready = new Set<string>();
  /** By epoch and change: the hosts that were told to move it. */
  readonly #movers = new Map<string, Set<number>>();
  readonly #ahead: ReadonlySet<number>;
  #todo: readonly PlannedChange[] = [];
  #task: Task | undefined;
  /** Last commit that any replica has told. */
  #commit = 0;
  #renewed = -1;

  /** @param ahead hosts whose clocks somebody sets forward, now or later: they count among the f */
  constructor(world: World, planned: PlannedMembers, ahead: ReadonlySet<number> = new Set()) {
    this.#world = world;
    this.#planned = planned;
    this.#ahead = ahead;
    world.onObservation((seen) => {
      if (seen.kind !== 'committed') return;
      this.#commit = Math.max(this.#commit, seen.commit.index);
    });
    world.onEpoch(() => {
      this.#judge();
      this.#startComers();
    });
    for (const one of planned.changes) {
      world.after(one.atMs, () => {
        this.#todo = [...this.#todo, one];
        this.#next();
      });
    }
    if (planned.renewCommits > 0) world.after(LOOK_MS, () => this.#renew());
  }

  /** Nothing is under way any more. */
  get isIdle(): boolean {
    return this.#task === undefined && this.#todo.length === 0;
  }

  #next(): void {
    if (this.#task !== undefined) return;
    const [planned, ...rest] = this.#todo;
    if (planned === undefined) return;
    this.#todo = rest;
    if (planned.kind === 'split') this.#split(planned);
    const change = this.#changeOf(planned);
    if (change === undefined) {
      this.#world.count('changesLeft');
      return this.#next();
    }
    this.#world.count(`change.${planned.kind}`);
    if (planned.isDead && 'old' in change) this.#kill(change.old);
    const sleeper = planned.kind === 'sleep' ? this.#putToSleep(planned) : undefined;
    this.#task = { planned, change, sleeper, tries: 0 };
    // What was split has been told, and is to be in commits before the others hear of it.
    this.#world.after(planned.kind === 'split' ? 2 * TRY_MS : 1, () => this.#try());
  }

  /** Each member moves another of those who want to come, or the first ones alone do: nobody has q votes. */
  #split({ rivals }: PlannedChange): void {
    const outside = this.#outside().slice(0, rivals);
    if (outside.length === 0) return;
    const { members } = this.#world.attendance;
    const voters = outside.length === 1 ? members.slice(0, 2) : members;
    for (const [at, host] of voters.entries()) {
      const key = this.#keyOf(outside[at % outside.length] ?? 0);
      this.#tell([host], { kind: 'add', key });
    }
    for (const host of outside) this.#sayReady(host);
    this.#world.count('splitVotes');
    this.#world.count(`splitVotes.${outside.length}`);
  }

  #changeOf({ kind, who, isDead }: PlannedChange): Change | undefined {
    if (kind === 'renew') return { kind };
    const { members } = this.#world.attendance;
    const going = members[who % members.length] ?? 0;
    if (kind === 'sleep') return this.#maySleep(going) ? { kind: 'renew' } : undefined;
    const [coming] = this.#outside();
    const old = this.#keyOf(going);
    const isOut = kind === 'remove' || kind === 'replace';
    if (kind !== 'remove' && coming === undefined) return undefined;
    const next = members.length + (kind === 'remove' ? -1 : isOut ? 0 : 1);
    if (next < 4 || !this.#mayGo(isOut ? going : undefined, isDead && isOut, next))
      return undefined;
    if (kind === 'remove') return { kind, old };
    const key = this.#keyOf(coming ?? 0);
    return kind === 'replace' ? { kind, old, key } : { kind: 'add', key };
  }

  /** Liars, dead ones and hosts whose clocks are ahead stay within f, of the committee as it is and as it will be. */
  #mayGo(going: number | undefined, dies: boolean, next: number): boolean {
    const { newest } = this.#world.cell.roll;
    const isBad = (host: number): boolean =>
      !this.#world.honest(host) || this.#world.attendance.dead.has(host) || this.#ahead.has(host);
    const bad = newest.hosts.filter(isBad);
    const now = new Set(dies && going !== undefined ? [...bad, going] : bad).size;
    const then = bad.filter((host) => host !== going).length;
    return now <= newest.faultsMax && then <= Math.floor((next - 1) / 3);
  }

  /** It counts among the f meanwhile, and comes back by itself. */
  #maySleep(host: number): boolean {
    const { hosts, attendance } = this.#world;
    const isUp = hosts[host]?.peer !== undefined && this.#world.honest(host);
    return isUp && this.#mayGo(host, true, attendance.members.length);
  }

  #putToSleep({ who }: PlannedChange): Sleeper {
    const world = this.#world;
    const { members, asleep } = world.attendance;
    const host = members[who % members.length] ?? 0;
    asleep.add(host);
    world.count('slept');
    world.crash(host, true);
    return { host, epoch: world.cell.roll.newest.committee.epoch + SLEEP_EPOCHS };
  }

  #wake({ host }: Sleeper): void {
    this.#world.attendance.asleep.delete(host);
    this.#world.restart(host);
  }

  #keyOf(host: number): PublicKey {
    const signer = this.#world.cell.signers[host];
    if (signer === undefined) throw new RangeError(`no host ${host}`);
    return signer.publicKey;
  }

  /** Hosts that were never members and are none now. */
  #outside(): readonly number[] {
    const { hosts } = this.#world;
    return hosts
      .map(({ index }) => index)
      .filter(
        (index) =>
          !this.#world.attendance.isMember(index) && !this.#world.attendance.begun.has(index),
      );
  }

  #try(): void {
    const task = this.#task;
    if (task === undefined) return;
    const { planned, change } = task;
    if (this.#isDone(task) || task.tries >= TRIES_MAX) {
      this.#world.count(this.#isDone(task) ? 'changesDone' : 'changesGivenUp');
      if (task.sleeper) this.#wake(task.sleeper);
      this.#task = undefined;
      return this.#next();
    }
    task.tries += 1;
    this.#tell(this.#world.attendance.members, change);
    // Half of those who come let the members wait.
    const isLate = planned.who % 2 === 1 && task.tries < LATE_TRIES;
    if ('key' in change && planned.kind !== 'unready' && !isLate) {
      const host = this.#world.cell.roll.hostWith(change.key);
      this.#world.after(TRY_MS / 2, () => this.#sayReady(host));
    }
    const isOnce = change.kind === 'renew' && task.sleeper === undefined;
    if (isOnce) task.tries = TRIES_MAX;
    this.#world.after(TRY_MS, () => this.#try());
  }

  #isDone({ change, sleeper }: Task): boolean {
    if (sleeper) return this.#world.cell.roll.newest.committee.epoch >= sleeper.epoch;
    return this.#isThere(change);
  }

  #isThere(change: Change): boolean {
    const { roll } = this.#world.cell;
    const isIn = (key: Uint8Array): boolean =>
      roll.newest.committee.members.some((member) => toHex(member) === toHex(key));
    if (change.kind === 'renew' || change.kind === 'params') return false;
    return ('old' in change && !isIn(change.old)) || ('key' in change && isIn(change.key));
  }

  #tell(hosts: readonly number[], change: Change): void {
    const world = this.#world;
    const epoch = world.cell.roll.newest.committee.epoch;
    const name = nameOf(epoch, change);
    const movers = this.#movers.get(name) ?? new Set<number>();
    this.#movers.set(name, movers);
    for (const host of hosts) {
      movers.add(host);
      world.story.tell('note', `r${host}`, `is to move: ${this.#wordsOf(change)}`);
      world.hosts[host]?.handle({ kind: 'move', change, tag: world.count('moves') });
    }
  }

  #wordsOf(change: Change): string {
    const { roll } = this.#world.cell;
    const names = [
      ...('old' in change ? [`r${roll.hostWith(change.old)}`] : []),
      ...('key' in change ? [`r${roll.hostWith(change.key)}`] : []),
    ];
    return [change.kind, names.join(' by ')].join(' ').trim();
  }

  #sayReady(host: number): void {
    const world = this.#world;
    const { cellId, roll, signers } = world.cell;
    const signer = signers[host];
    const { epoch } = roll.newest.committee;
    if (signer === undefined || this.#commit < roll.newest.origin.index) return;
    const bytes = signReady(cellId, signer, { epoch, index: this.#commit });
    world.story.tell('note', `r${host}`, `says it is ready, at commit ${this.#commit}`);
    this.#ready.add(`${epoch}/${toHex(signer.publicKey)}`);
    for (const member of world.attendance.members) {
      world.hosts[member]?.handle({ kind: 'statement', bytes, tag: world.count('readies') });
    }
  }

  /** R30, R31: what the end of an epoch has made of its members. */
  #judge(): void {
    const world = this.#world;
    const { roll } = world.cell;
    const after = roll.newest;
    const before = roll.of(after.committee.epoch - 1);
    if (before === undefined) return;
    const { added, removed, kicked, flaws } = membershipChange(before, after, {
      movers: (epoch, change) => this.#movers.get(nameOf(epoch, change))?.size ?? 0,
      isReady: (epoch, key) => this.#ready.has(`${epoch}/${toHex(key)}`),
      isLiar: (host) => !world.honest(host),
    });
    for (const actual of flaws) {
      const expected = `epoch ${after.committee.epoch} as its members decided`;
      world.report([{ rule: 'R31', expected, actual, atMs: world.nowMs, replica: -1 }]);
    }
    world.count('membersAdded', added.length);
    world.count('membersRemoved', removed.length);
    world.count('kicked', kicked.length);
    world.count('liarsRemoved', removed.filter((host) => !world.honest(host)).length);
    world.count('deadRemoved', removed.filter((host) => world.attendance.dead.has(host)).length);
    if (added.length + removed.length > 0) world.count('epochsOfOtherMembers');
  }

  /** It dies for good. */
  #kill(key: Uint8Array): void {
    const host = this.#world.cell.signers.findIndex(
      ({ publicKey }) => toHex(publicKey) === toHex(key),
    );
    this.#world.attendance.dead.add(host);
    this.#world.count('killedForGood');
    this.#world.crash(host, true);
  }

  /** Machines of new members are brought the final frame of the epoch before, by whoever has it. */
  #startComers(): void {
    const world = this.#world;
    const { index } = world.cell.roll.newest.origin;
    // Whoever opened the epoch has it.
    const final = world.hosts
      .flatMap(({ disk }) => disk.copy().frames)
      .find((one) => one.index === index);
    if (final === undefined) return;
    for (const host of world.attendance.members) {
      if (world.attendance.begun.has(host)) continue;
      const lateMs = this.#task?.planned.lateMs ?? 0;
      world.after(1 + lateMs, () => {
        if (!world.attendance.begun.has(host) && world.attendance.isMember(host))
          world.join(host, final);
      });
    }
  }

  /** Epochs of so many commits. */
  #renew(): void {
    const { roll } = this.#world.cell;
    const { committee, origin } = roll.newest;
    this.#world.after(LOOK_MS, () => this.#renew());
    if (this.#renewed === committee.epoch) return;
    if (this.#commit - origin.index < this.#planned.renewCommits) return;
    this.#renewed = committee.epoch;
    this.#world.count('renewals');
    this.#tell(this.#world.attendance.members, { kind: 'renew' });
  }
}

function nameOf(epoch: number, change: Change): string {
  const old = 'old' in change ? toHex(change.old) : '';
  const key = 'key' in change ? toHex(change.key) : '';
  return `${epoch}/${change.kind}/${old}/${key}`;
}
