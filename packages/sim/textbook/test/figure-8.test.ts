// Figure 8 of the Raft paper, message by message: an old entry on a majority that is overwritten all the same.
import { expect, test } from 'vitest';
import { NOTHING, Raft, RaftJudge, type RaftMessage, type RaftState } from '../src/index.ts';

interface Mail {
  readonly from: number;
  readonly to: number;
  readonly message: RaftMessage;
}

/** Five processes whose mail is carried by hand; the judge sees all of it. */
class Five {
  readonly rules: string[] = [];
  readonly reached: Record<string, number> = {};
  readonly decided: string[] = [];
  #mail: Mail[] = [];
  readonly #alive = new Map<number, Raft>();
  readonly #disks = new Map<number, RaftState>();
  readonly #judge = new RaftJudge(
    ({ rule }) => void this.rules.push(rule),
    (what) => {
      this.reached[what] = (this.reached[what] ?? 0) + 1;
    },
  );

  start(...some: readonly number[]): void {
    for (const one of some) this.#alive.set(one, new Raft(one, 5, this.#disks.get(one)));
  }

  /** Its mail is lost, too. */
  kill(one: number): void {
    this.#alive.delete(one);
    this.#mail = [];
  }

  step(one: number, input: Parameters<Raft['step']>[0]): void {
    if (input.kind === 'asked') this.#judge.asked(input.value);
    const effects = this.#alive.get(one)?.step(input) ?? [];
    for (const effect of effects) {
      if (effect.kind !== 'save') continue;
      this.#disks.set(one, effect.state);
      this.#judge.saved(one, effect.state);
    }
    for (const effect of effects) {
      if (effect.kind === 'send') {
        this.#judge.sent(one, effect.to, effect.message);
        this.#mail.push({ from: one, to: effect.to, message: effect.message });
      } else if (effect.kind === 'decided') {
        this.decided.push(`r${one}: ${effect.slot} ${effect.value}`);
        this.#judge.decided(one, effect.slot, effect.value);
      }
    }
  }

  /** Rings for an election until it leads or has lost `times`; only votes arrive. */
  elect(one: number, voters: readonly number[], times: number): void {
    for (let i = 0; i < times; i++) {
      this.step(one, { kind: 'rang', timer: 'election' });
      this.carry([one, ...voters], ({ kind }) => kind === 'requestVote' || kind === 'vote');
    }
  }

  /** Carries mail among these until there is no more of it. */
  carry(some: readonly number[], isCarried: (message: RaftMessage) => boolean = () => true): void {
    for (;;) {
      const at = this.#mail.findIndex(
        ({ from, to, message }) => some.includes(from) && some.includes(to) && isCarried(message),
      );
      const [mail] = at < 0 ? [] : this.#mail.splice(at, 1);
      if (mail === undefined) return;
      this.step(mail.to, { kind: 'heard', from: mail.from, message: mail.message });
    }
  }

  /** Carries the oldest message of a link. */
  pass(from: number, to: number): void {
    const at = this.#mail.findIndex((mail) => mail.from === from && mail.to === to);
    const [mail] = at < 0 ? [] : this.#mail.splice(at, 1);
    if (mail) this.step(to, { kind: 'heard', from, message: mail.message });
  }
}

const OLD = ['a', 'b', 'c', 'd'];

test('an entry of an older term is not committed by the number of those who have it', () => {
  const five = new Five();
  five.start(0, 1, 2, 3, 4);
  five.elect(0, [1, 2, 3, 4], 1);
  five.carry([0, 1, 2, 3, 4]);
  // r0 gets its entries to r1 only, and dies.
  for (const value of OLD) {
    five.step(0, { kind: 'asked', value });
    five.carry([0, 1]);
  }
  five.kill(0);
  // r4 leads term 2 with an entry that nobody else has, and dies.
  five.elect(4, [2, 3], 1);
  five.kill(4);
  // r0 leads term 3; r2 and r3 take its old entries, not yet the one of term 3, and it dies.
  five.start(0);
  five.elect(0, [1, 2, 3], 2);
  const before = five.decided.length;
  for (const follower of [2, 3]) {
    five.pass(0, follower);
    five.pass(follower, 0);
    five.pass(0, follower);
    five.pass(follower, 0);
  }
  expect(five.decided.slice(before)).toEqual([]);
  five.kill(0);
  // r4 leads term 4, for its last entry is newer, and all take its log.
  five.start(4);
  five.elect(4, [1, 2, 3], 2);
  five.carry([1, 2, 3, 4]);
  expect(five.reached).toMatchObject({ leaders: 4, rolledBack: 3 });
  expect(five.decided.filter((one) => one.startsWith('r4'))).toEqual([
    `r4: 1 ${NOTHING}`,
    `r4: 2 ${NOTHING}`,
    `r4: 3 ${NOTHING}`,
  ]);
  expect(five.rules).toEqual([]);
});
