/** What a host's clocks say at one moment, ms. */
export interface ClockSample {
  /** Wall clock since the Unix epoch; may be set forward and back at any time. */
  readonly nowMs: number;
  /** Since any moment, never set. Without it the wall clock's steps forward count as time passed. */
  readonly monotonicMs?: number;
}

/** How far a clock that is ahead of its wall falls back: one part in so many of the time passed. */
const SLEW_PARTS = 50;
/** How often the others are asked for their clocks while own blocks are made, ms. */
const ASK_MS = 10_000;
/** The same while own clock and theirs disagree. */
const ASK_AGAIN_MS = 1_000;
/** A reading older than this pulls no clock forward, ms. */
const FRESH_MS = 3 * ASK_MS;

interface Reading {
  readonly ms: number;
  readonly heardAtMs: number;
}

/** What the others' clocks say, extended by the time that has passed here since it was heard. */
class Readings {
  readonly #all: (Reading | undefined)[];
  readonly #needed: number;

  constructor(members: number, faultsMax: number) {
    this.#all = Array.from({ length: members });
    this.#needed = faultsMax + 1;
  }

  /** The member's own word, over its own link. */
  told(member: number, ms: number, atMs: number): void {
    this.#all[member] = { ms, heardAtMs: atMs };
  }

  /** A stamp that it signed: its clock had come so far, and may have gone further since. */
  signed(member: number, ms: number, atMs: number): void {
    const known = this.#all[member];
    if (known === undefined || ms > least(known, atMs)) this.told(member, ms, atMs);
  }

  of(member: number, atMs: number): number | undefined {
    const known = this.#all[member];
    return known && known.ms + (atMs - known.heardAtMs);
  }

  /** The time to which f + 1 others have come, one of them honest. Undefined: too few are known. */
  floorMs(atMs: number): number | undefined {
    return this.#supported((one) =>
      atMs - one.heardAtMs <= FRESH_MS ? least(one, atMs) : undefined,
    );
  }

  /** The latest time that f + 1 others can have reached: a clock ahead of it is ahead of most. */
  ceilingMs(atMs: number): number | undefined {
    return this.#supported((one) => one.ms + (atMs - one.heardAtMs));
  }

  /** The (f + 1)-th highest: f liars cannot raise it above every honest one. */
  #supported(readingOf: (reading: Reading) => number | undefined): number | undefined {
    const values: number[] = [];
    for (const one of this.#all) {
      const ms = one && readingOf(one);
      if (ms !== undefined) values.push(ms);
    }
    return values.sort((a, b) => b - a)[this.#needed - 1];
  }
}

/** A correct clock falls back no faster than by slewing. */
function least({ ms, heardAtMs }: Reading, atMs: number): number {
  return ms + slewed(atMs - heardAtMs);
}

function slewed(elapsedMs: number): number {
  return elapsedMs - elapsedMs / SLEW_PARTS;
}

/**
 * The one clock of a replica (R12a). `runningMs` measures durations: it only ever runs on.
 * `nowMs` is what own blocks are stamped with, what clients are told, and what deferral is measured
 * against: the wall clock, but it never falls back faster than by slewing, is never below the last
 * own stamp, goes along when f + 1 others are ahead, and does not leave them all but f behind.
 */
export class OwnClock {
  readonly #readings: Readings;
  /** Ahead of the others by more than this: the own clock is the one that is wrong. */
  readonly #aheadMsMax: number;
  #wallMs = 0;
  #monotonicMs: number | undefined;
  #runningMs = 0;
  #begun = false;
  /** Where the wall clock and the time passed lead this clock, whatever the others say. */
  #freeMs = 0;
  #nowMs = 0;
  /** Last own stamp: R11 allows none below it. */
  #stampMs = 0;
  #askedAtMs = Number.NEGATIVE_INFINITY;

  constructor(members: number, faultsMax: number, aheadMsMax: number) {
    this.#readings = new Readings(members, faultsMax);
    this.#aheadMsMax = aheadMsMax;
  }

  /** ms since some moment; never falls, whatever the wall clock does. */
  get runningMs(): number {
    return Math.floor(this.#runningMs);
  }

  /** ms since the Unix epoch. */
  get nowMs(): number {
    return Math.floor(this.#nowMs);
  }

  /** What the others are told: this clock without their influence on it. */
  get freeMs(): number {
    return Math.floor(this.#freeMs);
  }

  /** How far this clock is ahead of the wall clock; negative: behind. ms. */
  get aheadOfWallMs(): number {
    return this.nowMs - Math.floor(this.#wallMs);
  }

  /** How far a member's clock is ahead of where this host's clocks lead; undefined: not heard of. */
  offsetMs(member: number): number | undefined {
    const theirs = this.#readings.of(member, this.#runningMs);
    return theirs === undefined ? undefined : Math.round(theirs - this.#freeMs);
  }

  /** When, in the time of `runningMs`, `nowMs` will have come to `clockMs`. */
  whenMs(clockMs: number): number {
    return this.runningMs + clockMs - this.nowMs;
  }

  sample({ nowMs, monotonicMs }: ClockSample): void {
    const elapsedMs = this.#begun ? this.#elapsed(nowMs, monotonicMs) : 0;
    this.#runningMs = this.#begun ? this.#runningMs + elapsedMs : nowMs;
    this.#begun = true;
    this.#wallMs = nowMs;
    this.#monotonicMs = monotonicMs;
    const onMs = this.#nowMs + elapsedMs;
    this.#freeMs = nowMs >= onMs ? nowMs : Math.max(nowMs, this.#nowMs + slewed(elapsedMs));
    this.#settle();
  }

  /** An own block, of this life or an earlier one, carries this stamp. */
  stamped(ts: number): void {
    this.#stampMs = Math.max(this.#stampMs, ts);
    this.#nowMs = Math.max(this.#nowMs, ts);
  }

  /** A member says what its clock is. Answers whether the own clock has come further by that. */
  told(member: number, ms: number): boolean {
    this.#readings.told(member, ms, this.#runningMs);
    return this.#follow();
  }

  /** A stamp that a member signed. Answers whether the own clock has come further by that. */
  signed(member: number, ts: number): boolean {
    this.#readings.signed(member, ts, this.#runningMs);
    return this.#follow();
  }

  /** The others are to be asked for their clocks now, see {@link asked}. */
  get isAskDue(): boolean {
    const pauseMs = this.#isDoubtful() ? ASK_AGAIN_MS : ASK_MS;
    return this.#runningMs >= this.#askedAtMs + pauseMs;
  }

  /** The others have been asked for their clocks. */
  asked(): void {
    this.#askedAtMs = this.#runningMs;
  }

  #elapsed(nowMs: number, monotonicMs: number | undefined): number {
    const before = this.#monotonicMs;
    if (monotonicMs === undefined || before === undefined) return Math.max(0, nowMs - this.#wallMs);
    return Math.max(0, monotonicMs - before);
  }

  #isDoubtful(): boolean {
    const ceilingMs = this.#readings.ceilingMs(this.#runningMs);
    return ceilingMs !== undefined && this.#freeMs > ceilingMs + this.#aheadMsMax;
  }

  #follow(): boolean {
    const beforeMs = this.nowMs;
    this.#settle();
    return this.nowMs > beforeMs;
  }

  #settle(): void {
    const floorMs = this.#readings.floorMs(this.#runningMs) ?? 0;
    const ceilingMs = this.#readings.ceilingMs(this.#runningMs);
    const isAhead = ceilingMs !== undefined && this.#freeMs > ceilingMs + this.#aheadMsMax;
    const ledMs = isAhead ? ceilingMs : this.#freeMs;
    this.#nowMs = Math.max(this.#stampMs, floorMs, ledMs);
  }
}
