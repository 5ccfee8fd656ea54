// The links of a gateway's clients, and what each client may still cost.
import { toHex } from '@fatty/codec';
import type { Failure, Link, PublicKey } from '@fatty/interface';
import { TokenBucket } from './bucket.ts';
import type { GatewayLimits } from './contract.ts';

/** One link of a client. Links of one key share their buckets. */
export interface Visitor {
  readonly link: Link;
  readonly messages: TokenBucket;
  readonly unsigned: TokenBucket;
  readonly bytes: TokenBucket;
}

/** All of them, by link and by client key. */
export class Visitors {
  readonly #limits: GatewayLimits;
  readonly #nowMs: () => number;
  readonly #byLink = new Map<Link, Visitor>();
  readonly #byClient = new Map<string, readonly Visitor[]>();

  constructor(limits: GatewayLimits, nowMs: () => number) {
    this.#limits = limits;
    this.#nowMs = nowMs;
  }

  get size(): number {
    return this.#byLink.size;
  }

  get all(): Iterable<Visitor> {
    return this.#byLink.values();
  }

  get(link: Link): Visitor | undefined {
    return this.#byLink.get(link);
  }

  has(link: Link): boolean {
    return this.#byLink.has(link);
  }

  of(client: PublicKey): readonly Visitor[] {
    return this.#byClient.get(toHex(client)) ?? [];
  }

  add(link: Link): void {
    const known = this.of(link.peer);
    const visitor = { link, ...(known[0] ? bucketsOf(known[0]) : this.#newBuckets()) };
    this.#byLink.set(link, visitor);
    this.#byClient.set(toHex(link.peer), [...known, visitor]);
  }

  /** Answers whether the client has another link. */
  remove(link: Link): boolean {
    this.#byLink.delete(link);
    const left = this.of(link.peer).filter((visitor) => visitor.link !== link);
    if (left.length > 0) this.#byClient.set(toHex(link.peer), left);
    else this.#byClient.delete(toHex(link.peer));
    return left.length > 0;
  }

  /** What one more message of this size costs its client: nothing, or `slow_down`. */
  takeToll({ messages, bytes }: Visitor, sizeBytes: number): Failure | undefined {
    const nowMs = this.#nowMs();
    const waitMs = Math.max(messages.take(1, nowMs), bytes.take(sizeBytes, nowMs));
    if (waitMs === 0) return undefined;
    const { messagesPerSecMax, bytesPerSecMax } = this.#limits;
    const expected = `at most ${messagesPerSecMax} messages/s and ${bytesPerSecMax} bytes/s`;
    return { code: 'slow_down', expected, actual: `retry after ${waitMs} ms` };
  }

  /** What an answer has cost beyond its question, into debt if need be. */
  charge({ messages, bytes }: Visitor, messagesCount: number, sizeBytes: number): void {
    const nowMs = this.#nowMs();
    messages.charge(messagesCount, nowMs);
    bytes.charge(sizeBytes, nowMs);
  }

  #newBuckets(): Omit<Visitor, 'link'> {
    const nowMs = this.#nowMs();
    const { messagesPerSecMax, unsignedPerSecMax, bytesPerSecMax } = this.#limits;
    return {
      messages: new TokenBucket(messagesPerSecMax, nowMs),
      unsigned: new TokenBucket(unsignedPerSecMax, nowMs),
      bytes: new TokenBucket(bytesPerSecMax, nowMs),
    };
  }
}

function bucketsOf({ messages, unsigned, bytes }: Visitor): Omit<Visitor, 'link'> {
  return { messages, unsigned, bytes };
}
