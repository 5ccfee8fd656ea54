// Asks for missing parents.
import { type Ref, refKey } from '@fatty/broadcast';
import type { Committee } from '@fatty/protocol';
import { REFS_MAX } from '../boundary/messages.ts';
import type { Outbox, Timers } from '../boundary/outbox.ts';
import type { Tuning } from '../boundary/tuning.ts';
import type { OwnClock } from '../cell/clock.ts';
import type { Peers } from '../cell/peers.ts';

interface Want {
  readonly ref: Ref;
  /**
   * Authors of the blocks in whose cones this block is missing. The budget of any of them pays for
   * the question.
   */
  readonly roots: number[];
  /** Who pays, once it was asked for. */
  payer: number | undefined;
  readonly sinceMs: number;
  /** Who to ask, best first: who sent the referrer, its author, the block's own author. */
  readonly sources: number[];
  /** Who was asked: nobody else's answer is taken. */
  readonly asked: Set<number>;
  tries: number;
  nextAtMs: number;
}

/** What fetching looks at and speaks through. */
export interface FetchPort {
  readonly clock: OwnClock;
  readonly committee: Committee;
  readonly me: number;
  readonly out: Outbox;
  readonly peers: Peers;
  readonly sync: { readonly isSyncing: boolean };
  readonly timers: Timers;
  readonly tuning: Tuning;
}

/**
 * Missing parents (R12): the referrer is asked first, because it must have what it references;
 * then the author, then others in turn. Novelty budget: outside sync mode at most
 * `noveltyPerMember · n` blocks of one author's missing cones are asked for at a time. Only open
 * questions count: were the answers counted too while they wait, a hidden chain longer than the
 * budget would keep everyone who references it out for good. Whoever needs a block may pay for it:
 * a liar that mentions it first, next to blocks that nobody has, must not own the question. And
 * no question is held back for longer than `fetchRetryMsMax`: a budget may only delay.
 */
export class Fetch {
  readonly #port: FetchPort;
  readonly #wants = new Map<string, Want>();
  /** By payer: questions without an answer. */
  readonly #asked: number[];

  constructor(port: FetchPort) {
    this.#port = port;
    this.#asked = port.committee.members.map(() => 0);
  }

  get size(): number {
    return this.#wants.size;
  }

  /**
   * The author in whose cone it is missing. Of several it is the one who needed it last, for liars
   * come first.
   */
  rootOf(key: string): number | undefined {
    const want = this.#wants.get(key);
    return want?.payer ?? want?.roots.at(-1);
  }

  isAsked(ref: Ref, peer: number): boolean {
    return this.#wants.get(refKey(ref))?.asked.has(peer) ?? false;
  }

  want(ref: Ref, root: number, sources: readonly number[]): void {
    const key = refKey(ref);
    const known = this.#wants.get(key);
    if (known) {
      for (const one of sources) if (!known.sources.includes(one)) known.sources.push(one);
      if (!known.roots.includes(root)) known.roots.push(root);
      return;
    }
    const nowMs = this.#port.clock.runningMs;
    const { me, tuning } = this.#port;
    const all = [...sources, ref.author].filter((one, i, list) => list.indexOf(one) === i);
    const ask = all.filter((one) => one !== me);
    const nextAtMs = nowMs + tuning.fetchDelayMs;
    const open = { roots: [root], payer: undefined, sources: ask, asked: new Set<number>() };
    this.#wants.set(key, { ref, sinceMs: nowMs, nextAtMs, tries: 0, ...open });
    this.#port.timers.want('fetchRetry', nextAtMs);
  }

  /** The block came, or nobody needs it any more. */
  forget(key: string): void {
    const want = this.#wants.get(key);
    if (want === undefined) return;
    this.#wants.delete(key);
    if (want.payer !== undefined) this.#charge(want.payer, -1);
  }

  /** Asks for what is due and answers the keys that nobody seems to have. */
  askDue(): readonly string[] {
    const nowMs = this.#port.clock.runningMs;
    const { tuning, timers, out } = this.#port;
    const questions = new Map<number, Ref[]>();
    const hopeless: string[] = [];
    let nextAtMs: number | undefined;
    for (const [key, want] of this.#wants) {
      if (want.nextAtMs <= nowMs) {
        if (want.tries >= tuning.fetchTriesMax) {
          hopeless.push(key);
          continue;
        }
        this.#ask(want, questions);
      }
      nextAtMs = Math.min(nextAtMs ?? want.nextAtMs, want.nextAtMs);
    }
    for (const [peer, refs] of questions) {
      for (let at = 0; at < refs.length; at += REFS_MAX) {
        out.send([peer], { kind: 'getBlocks', refs: refs.slice(at, at + REFS_MAX) });
      }
    }
    if (nextAtMs !== undefined) timers.want('fetchRetry', nextAtMs);
    return hopeless;
  }

  #ask(want: Want, questions: Map<number, Ref[]>): void {
    const nowMs = this.#port.clock.runningMs;
    const { tuning } = this.#port;
    const pause = Math.min(tuning.fetchRetryMsMax, tuning.fetchRetryMs * 1.5 ** want.tries);
    want.nextAtMs = nowMs + Math.ceil(pause);
    if (want.payer === undefined && !this.#pay(want)) return;
    for (const peer of this.#sourcesFor(want)) {
      const refs = questions.get(peer) ?? [];
      refs.push(want.ref);
      want.asked.add(peer);
      questions.set(peer, refs);
    }
    want.tries++;
  }

  /** False: nobody whose cone it is missing in may ask for more now. */
  #pay(want: Want): boolean {
    const nowMs = this.#port.clock.runningMs;
    const { isSyncing } = this.#port.sync;
    const { tuning, committee } = this.#port;
    const budget = tuning.noveltyPerMember * committee.members.length;
    const isFree = isSyncing || nowMs >= want.sinceMs + tuning.fetchRetryMsMax;
    want.payer = want.roots.find((root) => isFree || (this.#asked[root] ?? 0) < budget);
    if (want.payer === undefined) return false;
    this.#charge(want.payer, 1);
    return true;
  }

  #charge(root: number, by: number): void {
    this.#asked[root] = (this.#asked[root] ?? 0) + by;
  }

  /** One best source at a time; once all of them failed, two others per try, in turn. */
  #sourcesFor(want: Want): readonly number[] {
    const { peers } = this.#port;
    const best = want.sources.filter((peer) => peers.isUp(peer));
    const first = best[want.tries];
    if (first !== undefined) return [first];
    const up = peers.up;
    if (up.length === 0) return [];
    const at = (want.tries * 2) % up.length;
    return [...new Set([up[at], up[(at + 1) % up.length]])].filter((peer) => peer !== undefined);
  }
}
