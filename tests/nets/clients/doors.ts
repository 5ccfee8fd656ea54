import {
  type Answer,
  type Batch,
  decodeClientMessage,
  encodeGatewayMessage,
  type KeepAlive,
  keepAliveShape,
  type Query,
  signedBatchShape,
  type View,
} from '@fatty/api';
import { encode } from '@fatty/codec';
import { type AppliedCommit, GATEWAY_LIMITS, Gateway, type GatewayBackend } from '@fatty/host';
import type { Link, Priority, PublicKey, Receipt, Verdict } from '@fatty/interface';
import { LockService } from '@fatty/service';
import type { Observation, Scene } from '@fatty/testnet';
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

/**
 * Where clients reach one replica: the real gateway over the replica's own state. A lying replica has
 * no state, so its gateway knows what an honest one knows, and its tongue bends what it says.
 */
class Door implements GatewayBackend {
  readonly #scene: Scene;
  readonly #index: number;
  /** Whose state it reads: its own, or an honest replica's. */
  readonly #source: number;
  readonly tongue: Tongue | undefined;
  readonly #links = new Map<Link, Caller>();
  #gateway: Gateway;
  #applied: AppliedCommit = { commit: 0, commitTs: 0, leaseClock: 0 };

  constructor(scene: Scene, index: number, source: number) {
    this.#scene = scene;
    this.#index = index;
    this.#source = source;
    this.tongue = index === source ? undefined : new Tongue(scene, index);
    this.#gateway = new Gateway(this, GATEWAY_LIMITS, rethrow);
  }

  get cellId(): GatewayBackend['cellId'] {
    return this.#scene.cell.cellId;
  }

  get signer(): GatewayBackend['signer'] {
    return this.#scene.cell.signers[this.#index] as GatewayBackend['signer'];
  }

  get #host() {
    return this.#scene.world.hosts[this.#index];
  }

  see(observation: Observation): void {
    if (observation.by === this.#source && observation.kind === 'committed') {
      const { index, commitTs, leaseClock } = observation.commit;
      this.#applied = { commit: index, commitTs, leaseClock };
      this.#gateway.committed(index, observation.applied);
    }
    if (observation.by !== this.#index) return;
    if (observation.kind === 'refused') {
      this.#gateway.refused(observation.tag, observation.failure);
    } else if (observation.kind === 'crashed') this.#die();
  }

  #die(): void {
    this.#applied = { commit: 0, commitTs: 0, leaseClock: 0 };
    this.#gateway = new Gateway(this, GATEWAY_LIMITS, rethrow);
    for (const caller of this.#links.values()) caller.hungUp(ABNORMAL);
    this.#links.clear();
  }

  /** Undefined while the process is down. */
  open(caller: Caller): Link | undefined {
    if (this.#host?.peer === undefined) return undefined;
    const link: Link = {
      peer: caller.key,
      role: 'client',
      messageBytesMax: GATEWAY_LIMITS.frameBytesMax,
      send: (bytes: Uint8Array, _priority: Priority): boolean => {
        for (const said of this.tongue?.bend(bytes) ?? [bytes]) caller.hear(said);
        return true;
      },
      close: (code: number): void => {
        this.close(link);
        caller.hungUp(code);
      },
    };
    this.#links.set(link, caller);
    this.#gateway.linkUp(link);
    return link;
  }

  close(link: Link): void {
    this.#links.delete(link);
    this.#gateway.linkDown(link);
  }

  message(link: Link, bytes: Uint8Array): void {
    const caller = this.#links.get(link);
    if (caller === undefined) return;
    const answered = this.tongue?.answer(bytes);
    for (const says of answered?.says ?? []) caller.hear(encodeGatewayMessage(says));
    const afterMs = answered === undefined ? 0 : answered.passAfterMs;
    if (afterMs === 0) return this.#gateway.message(link, bytes);
    if (afterMs !== undefined) this.#scene.world.after(afterMs, () => this.#carry(bytes));
  }

  /** Straight into a liar's next block, whatever its gateway would say by now. */
  #carry(bytes: Uint8Array): void {
    const message = decodeClientMessage(bytes, GATEWAY_LIMITS.frameBytesMax);
    if (!message.ok || message.value.kind !== 'submit') return;
    this.submit(encode(signedBatchShape, message.value.batch), 0);
  }

  hasSession(client: PublicKey): boolean {
    return this.#machine.hasSession(client);
  }

  after(delayMs: number, run: () => void): void {
    this.#scene.world.after(delayMs, run);
  }

  submit(batch: Uint8Array, tag: number): void {
    this.#host?.handle({ kind: 'submit', batch, tag });
  }

  keepAlive(keepAlive: KeepAlive): Verdict {
    const verdict = this.#machine.precheckKeepAlive(keepAlive);
    const bytes = encode(keepAliveShape, keepAlive);
    if (verdict.kind === 'accept') this.#host?.handle({ kind: 'keepAlive', bytes });
    return verdict;
  }

  applied(): AppliedCommit {
    return this.#applied;
  }

  receiptOf(batch: Batch): Receipt | undefined {
    return this.#machine.receiptOf(batch);
  }

  query(query: Query, view: View): Answer {
    const peer = this.#scene.world.hosts[this.#source]?.peer;
    const delivered = view === 'delivered' ? peer?.deliveredView?.() : undefined;
    return (delivered instanceof LockService ? delivered : this.#machine).query(query);
  }

  get #machine(): LockService {
    const machine = this.#scene.machines.of(this.#source);
    if (machine instanceof LockService) return machine;
    throw new TypeError('the doors open on lock services');
  }

  clockMs(): number {
    return this.#host?.clockMs ?? 0;
  }

  latency(): void {}
}

/** One door per replica of the scene. */
export class Doors {
  readonly #doors: readonly Door[];

  constructor(scene: Scene) {
    const { world } = scene;
    const honest = world.hosts.findIndex(({ index }) => world.honest(index));
    this.#doors = world.hosts.map(
      ({ index }) => new Door(scene, index, world.honest(index) ? index : honest),
    );
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
