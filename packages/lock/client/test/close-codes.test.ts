// Which close codes of a link are refusals, as the driver tells the core.
import type { Link } from '@fatty/interface';
import type { Dialer, DialOptions } from '@fatty/network/client';
import { describe, expect, it } from 'vitest';
import { FakeCell, scheme } from '../../core/test/fake-cell.ts';
import { Driver } from '../src/sdk/driver.ts';

const REPLICAS = [0, 1, 2, 3] as const;
const OPS = { kind: 'ops', ops: [{ kind: 'cancel', seq: 1, index: 0 }] } as const;

/** A driver whose links the test opens and ends by hand, while no time passes. */
class ByHand {
  readonly driver: Driver;
  /** The code of a failed call, or the kind of what it answered; undefined while it waits. */
  answer: string | undefined;
  readonly #dialled: DialOptions[] = [];

  constructor() {
    const { cellId, committee } = new FakeCell(4).cell;
    const rest = { peer: '', http: '', version: 0, sig: new Uint8Array(64) };
    const addresses = committee.members.map((key, i) => {
      return { key, client: `ws://fake.localhost/${i}`, ...rest };
    });
    this.driver = new Driver({
      cell: { cellId, committee, addresses },
      signer: scheme.signer(new Uint8Array(32).fill(9)),
      scheme,
      dial: (options) => this.#dial(options),
      host: {
        monotonicMs: () => 1_000,
        wallMs: () => 1_000,
        after: () => () => undefined,
        random: (count) => new Uint8Array(count).fill(9),
      },
    });
    this.driver.call(OPS, {}, (outcome) => {
      this.answer = outcome.kind === 'failed' ? outcome.failure.code : outcome.kind;
    });
  }

  #dial(options: DialOptions): Dialer {
    this.#dialled.push(options);
    return { url: options.url, state: { kind: 'connecting' }, close: () => undefined };
  }

  #at(replica: number): DialOptions {
    const options = this.#dialled[replica];
    if (options === undefined) throw new Error(`replica ${replica} was not dialled`);
    return options;
  }

  #link(replica: number): Link {
    const peer = this.#at(replica).identity.signer.publicKey;
    const nothing = { send: () => true, close: () => undefined };
    return { peer, role: 'replica', messageBytesMax: 1 << 20, ...nothing };
  }

  open(replica: number): void {
    this.#at(replica).handler.up(this.#link(replica));
  }

  /** A link that stood is ended by its other end. */
  end(replica: number, code: number): void {
    this.#at(replica).handler.down(this.#link(replica), code, '');
  }

  get links(): number {
    return this.driver.status.links;
  }
}

describe('a link that stood and ends', () => {
  it.each([4400, 4403, 4408, 4409, 1000, 1009, 1011, 4999])(
    'with close code %i is no refusal, whoever says it',
    (code) => {
      const hand = new ByHand();
      for (const replica of REPLICAS) hand.open(replica);
      expect(hand.links).toBe(4);
      for (const replica of REPLICAS) hand.end(replica, code);
      expect(hand.links).toBe(0);
      expect(hand.answer).toBeUndefined();
    },
  );

  it.each([4401, 4404, 4426])(
    'with %i is a refusal, and those of n − f replicas end every call',
    (code) => {
      const hand = new ByHand();
      for (const replica of REPLICAS) hand.open(replica);
      for (const replica of [0, 1]) hand.end(replica, code);
      expect(hand.answer).toBeUndefined();
      hand.end(2, code);
      expect(hand.answer).toBe('not_authenticated');
    },
  );
});
