// Test helper: gateways that tell a client of events, by the book or lying, crashing and forgetting.
import {
  type ClientMessage,
  comparePositions,
  decodeClientMessage,
  type EventBody,
  encodeGatewayMessage,
  type GatewayMessage,
  showPosition,
  toCommitEvent,
  topicOf,
} from '@fatty/api';
import type { Position } from '@fatty/interface';
import { WATCHED_EVENTS_MAX, type WatchedEvent } from '@fatty/protocol';
import { expect } from 'vitest';
import { ClientCore, type ClientEffect } from '../src/index.ts';
import { Watches } from '../src/watches.ts';
import { FakeCell, scheme } from './fake-cell.ts';

export const TOPIC = topicOf('/a', true);
export const startOf = (commit: number): Position => ({ commit, index: 0 });
const modified = (position: Position, path = '/a/x'): EventBody => ({
  kind: 'modified',
  path,
  generation: position,
});
const bytesOf = (event: EventBody): Uint8Array => toCommitEvent(event).body;

/** How a gateway lies about events. */
export const LIES = [
  'withhold',
  'invent',
  'reorder',
  'alter',
  'silence',
  'mute',
  'compacted',
  'flood',
  'refuse',
  'late',
] as const;
export type Lie = (typeof LIES)[number];

/** A gateway by the book: the naive way, a span at a time. */
class FakeGateway {
  readonly open = new Map<number, { cursor: Position; room: number; hasBegun: boolean }>();
  applied = 0;
  /** Events of earlier commits are gone. */
  first = 1;
  isUp = false;
  readonly lie: Lie | undefined;
  readonly #history: readonly WatchedEvent[];

  constructor(history: readonly WatchedEvent[], lie: Lie | undefined) {
    this.#history = history;
    this.lie = lie;
  }

  take(message: ClientMessage): GatewayMessage[] {
    if (message.kind === 'watch') {
      const cursor = message.from ?? startOf(this.applied + 1);
      this.open.set(message.watch, { cursor, room: message.room, hasBegun: false });
      return this.tell(message.watch, true);
    }
    if (message.kind === 'watchMore') {
      const watch = this.open.get(message.watch);
      if (watch) watch.room = Math.min(WATCHED_EVENTS_MAX, watch.room + message.room);
      return this.tell(message.watch);
    }
    if (message.kind === 'unwatch') this.open.delete(message.watch);
    return [];
  }

  tellAll(): GatewayMessage[] {
    return [...this.open.keys()].flatMap((wire) => this.tell(wire));
  }

  tell(wire: number, always = false): GatewayMessage[] {
    const watch = this.open.get(wire);
    if (watch === undefined) return [];
    if (watch.cursor.commit < this.first) {
      this.open.delete(wire);
      const code = watch.hasBegun ? 'lagged' : 'compacted';
      return [this.#ended(wire, code, this.first)];
    }
    const end = startOf(this.applied + 1);
    const due = this.#history.filter(
      ({ position }) =>
        comparePositions(position, watch.cursor) >= 0 && comparePositions(position, end) < 0,
    );
    const events = due.slice(0, watch.room);
    const cut = due[events.length]?.position ?? end;
    const until = comparePositions(cut, watch.cursor) < 0 ? watch.cursor : cut;
    if (!always && comparePositions(until, watch.cursor) === 0) return [];
    watch.room -= events.length;
    watch.cursor = until;
    watch.hasBegun = true;
    return this.#bend({ kind: 'watched', watch: wire, until, events });
  }

  #ended(watch: number, code: string, first: number): GatewayMessage {
    return { kind: 'watchEnded', watch, first, failure: { code, expected: '', actual: '' } };
  }

  #bend(told: Extract<GatewayMessage, { kind: 'watched' }>): GatewayMessage[] {
    const { watch, until, events } = told;
    switch (this.lie) {
      case 'withhold':
        return [{ ...told, events: events.slice(1) }];
      case 'invent': {
        const position = { commit: until.commit, index: 7 };
        const event = { position, body: bytesOf(modified(position, '/a/invented')) };
        return [{ ...told, events: [...events, event], until: startOf(until.commit + 1) }];
      }
      case 'reorder':
        return [{ ...told, events: [...events].reverse() }];
      case 'alter':
        return [
          {
            ...told,
            events: events.map((one) => ({
              ...one,
              body: bytesOf(modified(one.position, '/a/other')),
            })),
          },
        ];
      case 'silence':
        return [{ ...told, events: [], until: startOf(until.commit + 1_000) }];
      case 'mute':
        return [];
      case 'compacted':
        this.open.delete(watch);
        return [this.#ended(watch, 'compacted', until.commit + 500)];
      case 'flood': {
        const many = Array.from({ length: 400 }, (_, index) => ({
          position: { commit: until.commit, index },
          body: bytesOf(modified(startOf(index))),
        }));
        return [{ ...told, events: many, until: startOf(until.commit + 1) }];
      }
      case 'refuse':
        this.open.delete(watch);
        return [this.#ended(watch, 'no_events', 0)];
      case 'late':
      case undefined:
        return [told];
    }
  }
}

export interface Script {
  readonly n: number;
  readonly lies: readonly (Lie | undefined)[];
  readonly from: 'start' | 'now' | 'later';
}

/** A client of fake gateways, step by step. */
export class Stage {
  readonly history: WatchedEvent[] = [];
  readonly gateways: FakeGateway[];
  readonly core: ClientCore;
  readonly told: WatchedEvent[] = [];
  readonly gaps: { code: string; from: Position; after: number }[] = [];
  readonly suspects = new Set<number>();
  begun: Position | undefined;
  until: Position | undefined;
  failed: string | undefined;
  untaken = 0;
  takes = true;
  nowMs = 0;
  commit = 0;
  #wakeAtMs = Number.POSITIVE_INFINITY;

  constructor({ n, lies, from }: Script) {
    const { cell } = new FakeCell(n);
    const signer = scheme.signer(new Uint8Array(32).fill(99));
    this.core = new ClientCore({ cell, signer, scheme, seed: new Uint8Array(32) });
    this.core.attach({ watches: (shared, tell) => new Watches(shared, tell) });
    this.gateways = Array.from({ length: n }, (_, i) => new FakeGateway(this.history, lies[i]));
    this.#step({ kind: 'start' });
    this.begun = from === 'now' ? undefined : startOf(from === 'start' ? 1 : 3);
    this.#step({ kind: 'watch', watch: 1, topic: TOPIC, from: this.begun });
  }

  #step(event: Record<string, unknown> & { kind: string }): void {
    for (const effect of this.core.step({ ...event, atMs: this.nowMs } as never))
      this.#perform(effect);
  }

  #perform(effect: ClientEffect): void {
    switch (effect.kind) {
      case 'send': {
        const message = decodeClientMessage(effect.bytes, 1 << 20);
        const gateway = this.gateways[effect.replica];
        if (!message.ok || !gateway?.isUp) return;
        this.#hear(effect.replica, gateway.take(message.value));
        return;
      }
      case 'wake':
        this.#wakeAtMs = effect.atMs;
        return;
      case 'watched':
        this.begun ??= effect.until;
        this.until = effect.until;
        for (const { position, event } of effect.events) {
          this.told.push({ position, body: bytesOf(event) });
        }
        this.untaken += effect.events.length;
        return;
      case 'watchGap':
        this.gaps.push({ code: effect.code, from: effect.from, after: this.told.length });
        return;
      case 'watchFailed':
        this.failed = effect.failure.code;
        return;
      case 'suspect':
        this.suspects.add(effect.replica);
        return;
      case 'epoch':
      case 'epochs':
      case 'settled':
      case 'lost':
      case 'status':
      case 'rekeyed':
      case 'closed':
        return;
    }
  }

  #hear(replica: number, messages: readonly GatewayMessage[]): void {
    for (const message of messages) this.#mail.push([replica, encodeGatewayMessage(message)]);
  }

  readonly #mail: [number, Uint8Array][] = [];

  /** What was said arrives, and what follows from it. */
  settle(): void {
    for (let next = this.#mail.shift(); next !== undefined; next = this.#mail.shift()) {
      const [replica, bytes] = next;
      if (this.gateways[replica]?.isUp) this.#step({ kind: 'message', replica, bytes });
      if (this.#mail.length === 0 && this.takes) this.take();
    }
    if (this.takes) this.take();
  }

  take(): void {
    const count = this.untaken;
    this.untaken = 0;
    if (count > 0) this.#step({ kind: 'watchTaken', watch: 1, count });
  }

  link(replica: number, isUp: boolean): void {
    const gateway = this.gateways[replica];
    if (gateway === undefined || gateway.isUp === isUp) return;
    gateway.isUp = isUp;
    gateway.open.clear();
    this.#mail.splice(0, this.#mail.length, ...this.#mail.filter(([from]) => from !== replica));
    if (isUp) this.#step({ kind: 'linkUp', replica });
    else this.#step({ kind: 'linkDown', replica, refused: false, why: '' });
    this.settle();
  }

  /** The cell commits; replicas come to it as `apply` says. */
  commits(count: number): void {
    this.commit += 1;
    for (let index = 0; index < count; index++) {
      const position = { commit: this.commit, index };
      this.history.push({ position, body: bytesOf(modified(position)) });
    }
  }

  apply(replica: number): void {
    const gateway = this.gateways[replica];
    if (gateway === undefined) return;
    gateway.applied = this.commit;
    if (!gateway.isUp) return;
    this.#hear(replica, gateway.tellAll());
    this.settle();
  }

  forget(replica: number, keep: number): void {
    const gateway = this.gateways[replica];
    if (gateway) gateway.first = Math.max(gateway.first, gateway.applied + 1 - keep);
  }

  pass(ms: number): void {
    const end = this.nowMs + ms;
    while (this.#wakeAtMs <= end) {
      this.nowMs = Math.max(this.nowMs, this.#wakeAtMs);
      this.#wakeAtMs = Number.POSITIVE_INFINITY;
      this.#step({ kind: 'wake' });
      this.settle();
    }
    this.nowMs = end;
  }

  /** Every event told is true, in order, and between two of them none is left out but over a gap. */
  check(): void {
    const show = ({ position, body }: WatchedEvent): string =>
      `${showPosition(position)} ${Buffer.from(body).toString('hex')}`;
    let cursor = this.begun;
    let at = 0;
    const stretches = [...this.gaps, { from: this.until, after: this.told.length }];
    for (const { from, after } of stretches) {
      const told = this.told.slice(at, after);
      const last = told.at(-1)?.position;
      const end = after === this.told.length && from === this.until ? from : last;
      const wanted = this.history.filter(({ position }) => {
        if (cursor === undefined || comparePositions(position, cursor) < 0) return false;
        if (end === undefined) return false;
        return end === last
          ? comparePositions(position, end) <= 0
          : comparePositions(position, end) < 0;
      });
      expect(told.map(show)).toEqual(wanted.map(show));
      at = after;
      cursor = from;
    }
  }
}
