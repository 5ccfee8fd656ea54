// Which hosts of a world are members, have begun, or will not come back.
import type { Roll } from './roll.ts';

/** Hosts of one world: who is a member in the newest epoch, and whose process has begun or is dead for good. */
export class Attendance {
  /** Hosts that died for good. */
  readonly dead: Set<number> = new Set();
  /** Hosts that are down until the epoch is another: nobody starts them before. */
  readonly asleep: Set<number> = new Set();
  /** Hosts whose processes have begun at some time. */
  readonly begun: Set<number> = new Set();
  readonly #roll: Roll;
  /** By host: by how many epochs it was behind at most since it was level. */
  readonly #behind = new Map<number, number>();

  constructor(roll: Roll) {
    this.#roll = roll;
  }

  /** In the newest epoch that any replica has come to. */
  isMember(host: number): boolean {
    return this.#roll.newest.hosts.includes(host);
  }

  /** Hosts of the newest epoch's members, ascending. */
  get members(): readonly number[] {
    return [...this.#roll.newest.hosts].sort((a, b) => a - b);
  }

  /** The next gateway after one, among the members. */
  gatewayAfter(gateway: number): number {
    const { members } = this;
    return members.find((host) => host > gateway) ?? members[0] ?? 0;
  }

  /** A core begins in an epoch. Answers how many it had missed when it comes to the newest one behind those. */
  opened(host: number, epoch: number): number {
    const behind = this.#roll.newest.committee.epoch - epoch;
    const missed = this.#behind.get(host) ?? 0;
    if (behind > 0) this.#behind.set(host, Math.max(behind, missed));
    else this.#behind.delete(host);
    return behind > 0 ? 0 : missed;
  }

  /** It has begun at some time, did not die for good, and does not sleep. */
  mayRestart(host: number): boolean {
    return this.begun.has(host) && !this.dead.has(host) && !this.asleep.has(host);
  }
}
