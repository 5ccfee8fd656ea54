/** In-time blocks that an author who wasted two waits must show before it is waited for again. */
const PENALTY_MIN = 8;
const PENALTY_MAX = 1024;
/** R22: leader rounds missed in a row. */
const MISSES_MAX = 2;

interface Peer {
  up: boolean;
  /** Highest round it signed or, over its own link, claimed. */
  round: number;
  /** Highest round of a block that it signed. */
  signedRound: number;
  /** It signed something false: it is not referenced and not waited for. */
  shunned: boolean;
  /** It carries too much for nothing (R12): for a while it is not referenced and not waited for. */
  over: boolean;
  /** Blocks of it that were taken since, although nobody needed them. */
  forgiven: number;
  /** It sent what no honest peer sends: for a while it is not listened to. */
  muted: boolean;
  misses: number;
  penalty: number;
  /** In-time blocks still to be shown. */
  owed: number;
}

/** What this replica thinks of the others, by committee index. Local opinion, never validity. */
export class Peers {
  readonly #all: Peer[];
  readonly #me: number;
  readonly #faults: number;
  #trusted: number | undefined;

  constructor(members: number, me: number, faults: number) {
    this.#me = me;
    this.#faults = faults;
    this.#all = Array.from({ length: members }, () => ({
      up: false,
      round: 0,
      signedRound: 0,
      shunned: false,
      over: false,
      forgiven: 0,
      muted: false,
      misses: 0,
      penalty: PENALTY_MIN,
      owed: 0,
    }));
  }

  has(peer: number): boolean {
    return peer !== this.#me && this.#all[peer] !== undefined;
  }

  setUp(peer: number, up: boolean): void {
    const one = this.#all[peer];
    if (one && this.has(peer)) one.up = up;
  }

  /** Linked, and what it answers would be heard. */
  isUp(peer: number): boolean {
    const one = this.#all[peer];
    return one?.up === true && !one.muted;
  }

  isMuted(peer: number): boolean {
    return this.#all[peer]?.muted ?? false;
  }

  mute(peer: number, muted: boolean): void {
    const one = this.#all[peer];
    if (one) one.muted = muted;
  }

  /** Linked peers, ascending. */
  get up(): readonly number[] {
    const up: number[] = [];
    for (const [peer, one] of this.#all.entries()) if (one.up) up.push(peer);
    return up;
  }

  get rounds(): readonly number[] {
    return this.#all.map((one) => one.round);
  }

  heardRound(peer: number, round: number): void {
    const one = this.#all[peer];
    if (one === undefined || round <= one.round || peer === this.#me) return;
    one.round = round;
    this.#trusted = undefined;
  }

  /** A block with its signature was seen. */
  signed(author: number, round: number): void {
    const one = this.#all[author];
    if (one && round > one.signedRound) one.signedRound = round;
    this.heardRound(author, round);
  }

  signedRound(author: number): number {
    return this.#all[author]?.signedRound ?? 0;
  }

  roundOf(peer: number): number {
    return this.#all[peer]?.round ?? 0;
  }

  /** A round that at least one honest replica has reached: the (f+1)-th highest claim. */
  get trustedRound(): number {
    this.#trusted ??=
      this.#all
        .filter((_, peer) => peer !== this.#me)
        .map((one) => one.round)
        .sort((a, b) => b - a)[this.#faults] ?? 0;
    return this.#trusted;
  }

  /** True when this is news. */
  shun(author: number): boolean {
    const one = this.#all[author];
    if (one === undefined || one.shunned || !this.has(author)) return false;
    one.shunned = true;
    return true;
  }

  /** Counts one more block of a shunned author, up to `most`; false beyond. */
  forgive(author: number, most: number): boolean {
    const one = this.#all[author];
    if (one === undefined || one.forgiven >= most) return false;
    one.forgiven++;
    return true;
  }

  setOver(author: number, over: boolean): void {
    const one = this.#all[author];
    if (one && this.has(author)) one.over = over;
  }

  isOver(author: number): boolean {
    return this.#all[author]?.over ?? false;
  }

  /** Shunned or over its budget: taken and referenced only when others need it. */
  isOutcast(author: number): boolean {
    return this.isShunned(author) || this.isOver(author);
  }

  isShunned(author: number): boolean {
    return this.#all[author]?.shunned ?? false;
  }

  /** R22: whether a leader's block is worth waiting for. */
  isAwaited(author: number): boolean {
    const one = this.has(author) ? this.#all[author] : undefined;
    return this.isUp(author) && one?.shunned === false && !one.over && one.owed === 0;
  }

  /** Its leader block did not come before the timeout. */
  missed(author: number): void {
    const one = this.#all[author];
    if (one === undefined) return;
    one.misses++;
    if (one.misses < MISSES_MAX) return;
    one.misses = 0;
    one.owed = one.penalty;
    // A member that is late on purpose has to behave well for longer and longer before each pair of
    // time-outs.
    one.penalty = Math.min(PENALTY_MAX, one.penalty * 2);
  }

  /** A block of it came while it could still be referenced. */
  inTime(author: number, asLeader: boolean): void {
    const one = this.#all[author];
    if (one === undefined) return;
    if (one.owed > 0) one.owed--;
    else if (asLeader) {
      one.misses = 0;
      one.penalty = Math.max(PENALTY_MIN, one.penalty - 1);
    }
  }
}
