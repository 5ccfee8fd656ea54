import { type Ref, refKey } from '@fatty/broadcast';
import { REFS_MAX } from '../boundary/messages.ts';
import type { Shared } from '../context.ts';

interface Want {
  readonly ref: Ref;
  /** Authors of the blocks in whose cones it is missing; the budget of any of them pays. */
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
  readonly #shared: Shared;
  readonly #wants = new Map<string, Want>();
  /** By payer: questions without an answer. */
  readonly #asked: number[];

  constructor(shared: Shared) {
    this.#shared = shared;
    this.#asked = shared.committee.members.map(() => 0);
  }

  get size(): number {
    return this.#wants.size;
  }

  /** In whose cone it is missing: of several, who needed it last, for lies come first. */
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
    const { me, nowMs, tuning } = this.#shared;
    const all = [...sources, ref.author].filter((one, i, list) => list.indexOf(one) === i);
    const ask = all.filter((one) => one !== me);
    const nextAtMs = nowMs + tuning.fetchDelayMs;
    const open = { roots: [root], payer: undefined, sources: ask, asked: new Set<number>() };
    this.#wants.set(key, { ref, sinceMs: nowMs, nextAtMs, tries: 0, ...open });
    this.#shared.timers.want('fetchRetry', nextAtMs);
  }

  /** The block came, or nobody needs it any more. */
  forget(key: string): void {
    const want = this.#wants.get(key);
    if (want === undefined) return;
    this.#wants.delete(key);
    if (want.payer !== undefined) this.#charge(want.payer, -1);
  }

  /** Asks for what is due and answers the keys that nobody seems to have. */
  due(): readonly string[] {
    const { nowMs, tuning, timers, out } = this.#shared;
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
    const { nowMs, tuning } = this.#shared;
    const pause = Math.min(tuning.fetchRetryMsMax, tuning.fetchRetryMs * 1.5 ** want.tries);
    want.nextAtMs = nowMs + Math.ceil(pause);
    if (want.payer === undefined && !this.#isPaid(want)) return;
    for (const peer of this.#sourcesFor(want)) {
      const refs = questions.get(peer) ?? [];
      refs.push(want.ref);
      want.asked.add(peer);
      questions.set(peer, refs);
    }
    want.tries++;
  }

  #isPaid(want: Want): boolean {
    const { tuning, syncing, committee, nowMs } = this.#shared;
    const budget = tuning.noveltyPerMember * committee.members.length;
    const isFree = syncing || nowMs >= want.sinceMs + tuning.fetchRetryMsMax;
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
    const { peers } = this.#shared;
    const best = want.sources.filter((peer) => peers.isUp(peer));
    const first = best[want.tries];
    if (first !== undefined) return [first];
    const up = peers.up;
    if (up.length === 0) return [];
    const at = (want.tries * 2) % up.length;
    return [...new Set([up[at], up[(at + 1) % up.length]])].filter((peer) => peer !== undefined);
  }
}
