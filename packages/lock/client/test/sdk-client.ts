// The SDK's own driver and locks in virtual time.
import { decodeGatewayMessage } from '@fatty/api';
import type { ClientEffect, CoreConfig, SessionState } from '@fatty/core';
import { Epochs } from '@fatty/core/epochs';
import type { Link } from '@fatty/interface';
import type { Cell } from '@fatty/protocol';
import { type FakeCell, scheme } from '../../core/test/fake-cell.ts';
import { askForLock, type Dial, Driver, type Lock } from '../src/driver.ts';

/**
 * The SDK's own driver and locks in a {@link FakeCell}, in virtual time. Its process may stand still,
 * and the clocks of its host may sleep or be set.
 */
export class SdkClient {
  readonly driver: Driver;
  readonly states: SessionState[] = [];
  /** The host has slept for so long: its monotonic clock is behind by that, ms. */
  sleptMs = 0;
  /** Nothing reaches it, and nothing leaves. */
  isCut = false;
  /** Two of its replicas' clocks do not reach it: no quorum, so nothing new is proved. */
  isUnproved = false;
  /** The wall clock was set by so much, ms. */
  setMs = 0;
  readonly #cell: FakeCell;
  readonly #index: number;
  readonly #hear = new Map<number, (bytes: Uint8Array) => void>();
  /** What waits for a process that stands still. */
  #stopped: (() => void)[] | undefined;

  constructor(cell: FakeCell, options: Partial<CoreConfig> = {}) {
    this.#cell = cell;
    this.#index = cell.clients.length;
    cell.clients.push({
      hear: (replica, bytes) => {
        if (this.#isLost(replica, bytes)) return;
        this.#turn(() => this.#hear.get(replica)?.(bytes));
      },
    });
    const { committee, cellId } = cell.cell;
    const addresses = committee.members.map((key, i) => {
      return {
        key,
        peer: '',
        client: `ws://fake.localhost/${i}`,
        http: '',
        version: 0,
        sig: new Uint8Array(64),
      };
    });
    const whole: Cell = { cellId, committee, addresses };
    const seed = new Uint8Array(32).fill(100 + this.#index);
    this.driver = new Driver({
      ...options,
      cell: whole,
      signer: scheme.signer(seed),
      scheme,
      dial: (terms) => this.#dial(terms),
      host: {
        monotonicMs: () => this.monotonicMs,
        wallMs: () => Math.floor(cell.wallMs() + this.setMs),
        after: (delayMs, act) => {
          let live = true;
          cell.at(delayMs, () => live && this.#turn(act));
          return () => {
            live = false;
          };
        },
        random: (count) => seed.slice(0, count),
      },
      watch: (effect) => this.#watch(effect),
    });
    this.driver.core.attach({ epochs: (shared, tell) => new Epochs(shared, tell) });
  }

  get monotonicMs(): number {
    return 77_000 + this.#cell.nowMs - this.sleptMs;
  }

  get isFrozen(): boolean {
    return this.#stopped !== undefined;
  }

  #watch(effect: ClientEffect): void {
    if (effect.kind === 'status' && this.states.at(-1) !== effect.status.state) {
      this.states.push(effect.status.state);
    }
  }

  #isLost(replica: number, bytes: Uint8Array): boolean {
    if (this.isCut || !this.isUnproved || replica > 1) return this.isCut;
    const message = decodeGatewayMessage(bytes, 1 << 20);
    return message.ok && message.value.kind === 'nowReading';
  }

  #turn(act: () => void): void {
    if (this.#stopped === undefined) act();
    else this.#stopped.push(act);
  }

  /** The process stands still for so long. What comes meanwhile is handled afterwards, at once. */
  freeze(forMs: number, wake: () => void = () => undefined): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = [];
    this.#cell.at(forMs, () => {
      wake();
      const missed = this.#stopped ?? [];
      this.#stopped = undefined;
      for (const act of missed) act();
    });
  }

  /** The host sleeps for so long: nothing runs, its monotonic clock stops, and its timers with it. */
  sleep(forMs: number): void {
    this.freeze(forMs, () => {
      this.sleptMs += forMs;
    });
  }

  #dial({ url, handler, identity }: Parameters<Dial>[0]): ReturnType<Dial> {
    const replica = Number(url.slice(-1));
    const link: Link = {
      peer: identity.signer.publicKey,
      role: 'replica',
      messageBytesMax: 1 << 20,
      send: (bytes) => {
        if (this.isCut) return true;
        this.#cell.at(5, () => this.#cell.receive(replica, this.#index, bytes));
        return true;
      },
      close: () => undefined,
    };
    this.#hear.set(replica, (bytes) => handler.message(link, bytes));
    this.#cell.at(1, () => this.#turn(() => handler.up(link)));
    return { url, state: { kind: 'connecting' }, close: () => undefined };
  }

  /** Asks for the lock; what comes of it is in the answer from that turn on. */
  acquire(path = '/lock'): { lock?: Lock } {
    const answer: { lock?: Lock } = {};
    const request = {
      kind: 'acquire',
      path,
      mode: 'exclusive',
      wait: true,
      maxWaitMs: undefined,
      lockDelayMs: 0,
    } as const;
    void askForLock(this.driver, request, { defaults: {} }, (lock) => {
      answer.lock = lock;
    });
    return answer;
  }
}
