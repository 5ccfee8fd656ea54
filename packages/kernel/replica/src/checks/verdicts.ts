// Slow checks, and what came of them.
import { hash, toHex } from '@fatty/codec';
import type { Ask, PublicKey, Verdict } from '@fatty/interface';
import type { Outbox, Timers } from '../boundary/outbox.ts';
import type { Tuning } from '../boundary/tuning.ts';
import type { OwnClock } from '../cell/clock.ts';

interface Open {
  readonly job: Uint8Array;
  /** Undefined: a block waits for it. */
  client: PublicKey | undefined;
  /** When to ask again; undefined while a worker has it. */
  retryAtMs: number | undefined;
}

/** What came of asking for slow checks: `open` names those without a verdict, by {@link jobKey}. */
export type Asked =
  | { readonly kind: 'asked'; readonly open: Set<string> }
  | Exclude<Verdict, { kind: 'accept' }>;

const keys = new WeakMap<Uint8Array, string>();

/** Map key of a job: the hash of up to a block's size of bytes, worked out once. */
export function jobKey(job: Uint8Array): string {
  let key = keys.get(job);
  if (key === undefined) {
    key = toHex(hash('job', job));
    keys.set(job, key);
  }
  return key;
}

/** What Verdicts needs of its replica. */
export interface VerdictsPort {
  readonly clock: OwnClock;
  readonly out: Outbox;
  readonly timers: Timers;
  readonly tuning: Tuning;
}

/**
 * Slow checks (R11a): asked once per job, and again when a worker gave no verdict: no answer is never a
 * refusal. This is the one place that remembers verdicts, by {@link jobKey}; of more than
 * `verdictsMax` the one asked least recently is forgotten, which costs a check and nothing else.
 * By hand: two lines over a Map; the kernel takes no package for that.
 */
export class Verdicts {
  readonly #port: VerdictsPort;
  readonly #known = new Map<string, Verdict>();
  readonly #open = new Map<string, Open>();

  constructor(port: VerdictsPort) {
    this.#port = port;
  }

  /**
   * Starts what is not known yet, for a block or, given the key, for a client. Answers the first refusal
   * if there is one.
   */
  ask(asks: readonly Ask[], client: PublicKey | undefined): Asked {
    const open = new Set<string>();
    for (const { job } of asks) {
      const key = jobKey(job);
      const known = this.#recall(key);
      if (known === undefined) {
        open.add(key);
        this.#start(key, job, client);
      } else if (known.kind !== 'accept') return known;
    }
    return { kind: 'asked', open };
  }

  /** Answers the job's key when there is a verdict and somebody asked. */
  answered(job: Uint8Array, verdict: Verdict | undefined): string | undefined {
    const key = jobKey(job);
    const open = this.#open.get(key);
    // `ignore` says nothing about the bytes: the next one who asks gets a fresh look.
    if (verdict !== undefined && verdict.kind !== 'ignore') this.#remember(key, verdict);
    if (open === undefined) return undefined;
    if (verdict === undefined) {
      open.retryAtMs = this.#port.clock.runningMs + this.#port.tuning.verifyRetryMs;
      this.#port.timers.want('verifyRetry', open.retryAtMs);
      return undefined;
    }
    this.#open.delete(key);
    return key;
  }

  /** `verifyRetry` fired: asks again where somebody still waits. */
  retry(isWaitedFor: (key: string) => boolean): void {
    for (const [key, open] of this.#open) {
      if (!isWaitedFor(key)) this.#open.delete(key);
      else if (open.retryAtMs !== undefined && open.retryAtMs <= this.#port.clock.runningMs) {
        open.retryAtMs = undefined;
        this.#port.out.push({ kind: 'verify', job: open.job, client: open.client });
      } else if (open.retryAtMs !== undefined) {
        this.#port.timers.want('verifyRetry', open.retryAtMs);
      }
    }
  }

  #start(key: string, job: Uint8Array, client: PublicKey | undefined): void {
    const open = this.#open.get(key);
    if (open === undefined) {
      this.#open.set(key, { job, client, retryAtMs: undefined });
    } else {
      // A block now waits for what only a client did: from here on the job counts as a block's.
      if (client !== undefined || open.client === undefined) return;
      open.client = undefined;
      if (open.retryAtMs !== undefined) return;
    }
    const asked = open?.job ?? job;
    this.#port.out.push({ kind: 'verify', job: asked, client });
  }

  #recall(key: string): Verdict | undefined {
    const known = this.#known.get(key);
    if (known === undefined) return undefined;
    this.#known.delete(key);
    this.#known.set(key, known);
    return known;
  }

  #remember(key: string, verdict: Verdict): void {
    this.#known.set(key, verdict);
    if (this.#known.size <= this.#port.tuning.verdictsMax) return;
    const [oldest] = this.#known.keys();
    if (oldest !== undefined) this.#known.delete(oldest);
  }
}
