import { type Ref, refKey } from '@fatty/broadcast';
import { REFS_MAX } from './messages.ts';
import type { Shared } from './shared.ts';

interface Want {
  readonly ref: Ref;
  /** Author of the block whose cone this belongs to; its budget pays. */
  readonly root: number;
  /** Who to ask, best first: who sent the referrer, its author, the block's own author. */
  readonly sources: number[];
  tries: number;
  nextAtMs: number;
}

/**
 * Missing parents (R12): the referrer is asked first, because it must have what it references;
 * then the author, then others in turn. Novelty budget: outside sync mode at most
 * `noveltyPerMember · n` blocks of one author's missing cones are asked for at a time.
 */
export class Fetch {
  readonly #shared: Shared;
  readonly #wants = new Map<string, Want>();
  /** By root author: wants that were asked for. */
  readonly #asked: number[];

  constructor(shared: Shared) {
    this.#shared = shared;
    this.#asked = shared.committee.members.map(() => 0);
  }

  get size(): number {
    return this.#wants.size;
  }

  rootOf(key: string): number | undefined {
    return this.#wants.get(key)?.root;
  }

  want(ref: Ref, root: number, sources: readonly number[]): void {
    const key = refKey(ref);
    const known = this.#wants.get(key);
    if (known) {
      for (const one of sources) if (!known.sources.includes(one)) known.sources.push(one);
      return;
    }
    const { me, nowMs, tuning } = this.#shared;
    const all = [...sources, ref.author].filter((one, i, list) => list.indexOf(one) === i);
    const ask = all.filter((one) => one !== me);
    const nextAtMs = nowMs + tuning.fetchDelayMs;
    this.#wants.set(key, { ref, root, sources: ask, tries: 0, nextAtMs });
    this.#shared.timers.want('fetchRetry', nextAtMs);
  }

  /** The block came, or nobody needs it any more. */
  forget(key: string): void {
    const want = this.#wants.get(key);
    if (want === undefined) return;
    this.#wants.delete(key);
    if (want.tries > 0) this.#asked[want.root] = (this.#asked[want.root] ?? 0) - 1;
  }

  /** Asks for what is due and answers the keys that nobody seems to have. */
  due(waitingBy: (root: number) => number): readonly string[] {
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
        this.#ask(want, waitingBy(want.root), questions);
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

  #ask(want: Want, waiting: number, questions: Map<number, Ref[]>): void {
    const { nowMs, tuning, syncing, committee } = this.#shared;
    const pause = Math.min(tuning.fetchRetryMsMax, tuning.fetchRetryMs * 1.5 ** want.tries);
    want.nextAtMs = nowMs + Math.ceil(pause);
    const budget = tuning.noveltyPerMember * committee.members.length;
    const spent = (this.#asked[want.root] ?? 0) + waiting;
    if (want.tries === 0 && spent >= budget && !syncing) return;
    if (want.tries === 0) this.#asked[want.root] = (this.#asked[want.root] ?? 0) + 1;
    for (const peer of this.#sourcesFor(want)) {
      const refs = questions.get(peer) ?? [];
      refs.push(want.ref);
      questions.set(peer, refs);
    }
    want.tries++;
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
