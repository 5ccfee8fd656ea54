// Where clients of a net reach a replica: the front that its host gives it, with a liar's tongue before it.
import { decodeClientMessage, encodeGatewayMessage } from '@fatty/api';
import { encode } from '@fatty/codec';
import {
  type ClientFront,
  GATEWAY_LIMITS,
  Gateway,
  type GatewayLimits,
  type MakeFront,
} from '@fatty/host';
import type { Link, Priority, PublicKey } from '@fatty/interface';
import { lockServed } from '@fatty/node/lock-served';
import { signedBatchShape } from '@fatty/protocol';
import type { FrontScene, Host, Observation, Scene } from '@fatty/testnet';
import { Tongue } from './tongue.ts';

/** The client's end of one link. */
export interface Caller {
  readonly key: PublicKey;
  hear(bytes: Uint8Array): void;
  hungUp(code: number): void;
}

const ABNORMAL = 1006;

/** A cell goes on when its gateway throws; a net must not. */
function rethrow(error: unknown): never {
  throw error;
}

/** The gateway of the lock service, as a process has it. */
export const lockFront: (scene: FrontScene) => MakeFront = lockFrontOf(GATEWAY_LIMITS);

/** The same with other limits. */
export function lockFrontOf(limits: GatewayLimits): (scene: FrontScene) => MakeFront {
  return (scene) => frontOf(scene, limits);
}

function frontOf({ cell, replica, state }: FrontScene, limits: GatewayLimits): MakeFront {
  const signer = cell.signers[replica];
  if (signer === undefined) throw new RangeError(`no member ${replica}`);
  const { cellId } = cell;
  const served = lockServed(state);
  const own = { cellId, signer, served, limits, onError: rethrow };
  return (behind, timers) => new Gateway({ ...own, replica: behind, timers });
}

/** Links of clients to one replica, and what a liar makes of what goes over them. */
class Door {
  readonly #scene: Scene;
  readonly #host: Host;
  readonly tongue: Tongue | undefined;
  readonly #links = new Map<Link, Caller>();

  constructor(scene: Scene, host: Host) {
    this.#scene = scene;
    this.#host = host;
    this.tongue = scene.world.honest(host.index) ? undefined : new Tongue(scene, host.index);
  }

  get #front(): ClientFront | undefined {
    return this.#host.front;
  }

  see({ kind, by }: Observation): void {
    if (kind !== 'crashed' || by !== this.#host.index) return;
    for (const caller of this.#links.values()) caller.hungUp(ABNORMAL);
    this.#links.clear();
  }

  /** Undefined while the process is down. */
  open(caller: Caller): Link | undefined {
    if (this.#front === undefined) return undefined;
    const link: Link = {
      peer: caller.key,
      role: 'client',
      messageBytesMax: GATEWAY_LIMITS.frameBytesMax,
      send: (bytes: Uint8Array, _priority: Priority): boolean => {
        for (const said of this.tongue?.bend(bytes, link) ?? [bytes]) caller.hear(said);
        return true;
      },
      close: (code: number): void => {
        this.close(link);
        caller.hungUp(code);
      },
    };
    this.#links.set(link, caller);
    this.#front.linkUp(link);
    return link;
  }

  close(link: Link): void {
    this.#links.delete(link);
    this.#front?.linkDown(link);
  }

  message(link: Link, bytes: Uint8Array): void {
    const caller = this.#links.get(link);
    if (caller === undefined) return;
    const answered = this.tongue?.answer(bytes, link);
    for (const says of answered?.says ?? []) caller.hear(encodeGatewayMessage(says));
    const afterMs = answered === undefined ? 0 : answered.passAfterMs;
    if (afterMs === 0) return this.#front?.message(link, bytes);
    if (afterMs !== undefined) this.#scene.world.after(afterMs, () => this.#carry(bytes));
  }

  /** Straight into a liar's next block, whatever its gateway would say by now. */
  #carry(bytes: Uint8Array): void {
    const message = decodeClientMessage(bytes, GATEWAY_LIMITS.frameBytesMax);
    if (!message.ok || message.value.kind !== 'submit') return;
    const batch = encode(signedBatchShape, message.value.batch);
    this.#host.handle({ kind: 'submit', batch, tag: 0 });
  }
}

/** One door per replica of the scene. */
export class Doors {
  readonly #doors: readonly Door[];

  constructor(scene: Scene) {
    const { world } = scene;
    this.#doors = world.hosts.map((host) => new Door(scene, host));
    world.onObservation((observation) => {
      for (const door of this.#doors) door.see(observation);
    });
  }

  at(replica: number): Door {
    const door = this.#doors[replica];
    if (door === undefined) throw new RangeError(`no replica ${replica}`);
    return door;
  }
}
