// Two live copies of one replica, with one key.
import { toHex } from '@fatty/codec';
import {
  decodeMessage,
  type ReplicaEffect,
  type ReplicaEvent,
  type TimerName,
} from '@fatty/replica';
import type { Peer } from '../world/host.ts';
import { headerIn } from './two-faced.ts';

/** What twins are made of. */
export interface TwinsParts {
  /** Two honest replicas with the same key and nothing on disk. */
  readonly copies: readonly [Peer, Peer];
  readonly me: number;
  readonly replicas: number;
  readonly quorum: number;
  /** Both have signed a block in one slot. */
  readonly lied: () => void;
  /** One of them has found out that its key is in use, and signs no more. */
  readonly refused: () => void;
}

const BYTES_MAX = 4 * 1024 * 1024;

interface Copy {
  readonly peer: Peer;
  readonly speaksTo: ReadonlySet<number>;
  /** When each of its timers is due, by the monotonic clock. */
  readonly timers: Map<TimerName, number>;
  /** Its epoch has ended, and it has no disk from which to begin the next one. */
  isOver: boolean;
}

/**
 * A folder that was cloned and started twice: two honest programs run under one key, and neither knows of
 * the other before it hears of a block that it has not made. Each has links to just enough others to
 * sign, some of them to both. Their disks are quick and remember nothing, for they never start again.
 */
export class Twins implements Peer {
  readonly #parts: TwinsParts;
  readonly #copies: readonly Copy[];
  /** Hex of the signed block of each own round, as first seen. */
  readonly #said = new Map<number, string>();

  constructor(parts: TwinsParts) {
    this.#parts = parts;
    const { me, replicas, quorum, copies } = parts;
    const others = Array.from({ length: replicas }, (_, i) => i).filter((i) => i !== me);
    const sides = [others.slice(0, quorum - 1), others.slice(1 - quorum)];
    this.#copies = copies.map((peer, at) => {
      return { peer, speaksTo: new Set(sides[at]), timers: new Map(), isOver: false };
    });
  }

  step(event: ReplicaEvent): readonly ReplicaEffect[] {
    if (event.kind === 'timer') return this.#timer(event);
    return this.#copies
      .filter((copy, at) => concerns(event, copy, at))
      .flatMap((copy) => this.#run(copy, event));
  }

  #timer(event: Extract<ReplicaEvent, { kind: 'timer' }>): readonly ReplicaEffect[] {
    const { name } = event;
    const { monotonicMs } = clocksOf(event);
    const due = this.#copies.filter(({ timers }) => (timers.get(name) ?? Infinity) <= monotonicMs);
    for (const { timers } of due) timers.delete(name);
    return [...due.flatMap((copy) => this.#run(copy, event)), this.#nextTimer(name, event)];
  }

  /** Both have timers of one name: the host keeps the earlier. */
  #nextTimer(name: TimerName, event: ReplicaEvent): ReplicaEffect {
    const { nowMs, monotonicMs } = clocksOf(event);
    const nextMs = Math.min(...this.#copies.map(({ timers }) => timers.get(name) ?? Infinity));
    if (nextMs === Infinity) return { kind: 'clearTimer', name };
    return { kind: 'setTimer', name, atMs: nowMs + nextMs - monotonicMs };
  }

  #run(copy: Copy, event: ReplicaEvent): readonly ReplicaEffect[] {
    if (copy.isOver) return [];
    return copy.peer.step(event).flatMap((effect) => this.#effect(copy, event, effect));
  }

  #effect(copy: Copy, event: ReplicaEvent, effect: ReplicaEffect): readonly ReplicaEffect[] {
    const { nowMs, monotonicMs } = clocksOf(event);
    const answer = (said: Answer): readonly ReplicaEffect[] =>
      this.#run(copy, { ...said, nowMs, monotonicMs });
    switch (effect.kind) {
      case 'send':
        this.#hear(effect.bytes);
        return [effect];
      case 'verify':
        return [effect];
      case 'setTimer':
        copy.timers.set(effect.name, monotonicMs + effect.atMs - nowMs);
        return [this.#nextTimer(effect.name, event)];
      case 'clearTimer':
        copy.timers.delete(effect.name);
        return [this.#nextTimer(effect.name, event)];
      case 'persist':
        return answer({ kind: 'persisted', token: effect.token, segment: 1 });
      case 'storeFrame':
        return answer({ kind: 'frameStored', index: effect.index });
      case 'readFrame':
        return answer({ kind: 'frameRead', request: effect.request, bytes: undefined });
      case 'read':
        return answer({ kind: 'stored', request: effect.request, blocks: [] });
      case 'note':
        if (effect.note.what === 'observer') this.#parts.refused();
        return [];
      case 'reopen':
        copy.isOver = true;
        copy.timers.clear();
        return [];
      case 'committed':
      case 'delivered':
      case 'diverged':
      case 'dropLog':
      case 'halt':
      case 'index':
      case 'proved':
      case 'refused':
      case 'stated':
        return [];
    }
  }

  #hear(bytes: Uint8Array): void {
    const message = decodeMessage(bytes, BYTES_MAX);
    if (!message.ok || message.value.kind !== 'push') return;
    const { block } = message.value;
    const header = headerIn(block);
    if (header?.author !== this.#parts.me) return;
    const said = toHex(block);
    const known = this.#said.get(header.round) ?? said;
    this.#said.set(header.round, said);
    if (known !== said) this.#parts.lied();
  }
}

const clocksOf = ({ nowMs, monotonicMs = nowMs }: ReplicaEvent) => ({ nowMs, monotonicMs });

type Answer =
  | { readonly kind: 'persisted'; readonly token: number; readonly segment: number }
  | { readonly kind: 'frameStored'; readonly index: number }
  | { readonly kind: 'frameRead'; readonly request: number; readonly bytes: undefined }
  | { readonly kind: 'stored'; readonly request: number; readonly blocks: readonly Uint8Array[] };

/** A client's batch goes to one copy, what a peer says to those who have a link to it. */
function concerns(event: ReplicaEvent, { speaksTo }: Copy, at: number): boolean {
  if (event.kind === 'submit') return event.tag % 2 === at;
  return 'peer' in event ? speaksTo.has(event.peer) : true;
}
