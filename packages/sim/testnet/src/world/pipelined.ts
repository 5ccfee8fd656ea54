// A simulated client of many batches at a time.
import { encode, equalBytes, hash, type Signer, toHex, utf8 } from '@fatty/codec';
import type { Receipt, SessionId } from '@fatty/interface';
import { type SignedBatch, signBatch, signedBatchShape } from '@fatty/protocol';
import { ownOp } from '@fatty/sessions';
import type { Observation } from './observation.ts';
import { plainOpening } from './opening.ts';
import type { World } from './world.ts';

interface Sent {
  readonly seq: number;
  readonly bytes: Uint8Array;
  readonly voters: Map<string, Voters>;
  tags: Set<number>;
  /** True when its gateway died, lies, or has refused it: then nothing is promised any more. */
  isLost: boolean;
}

/** How long after its gateway was lost a client turns to the next. In ms. */
const FAILOVER_MS = 700;

/** Members of one epoch who gave the same answer in it. */
interface Voters {
  readonly epoch: number;
  readonly by: Set<number>;
}

/**
 * An honest client that sends many batches at once and trusts its gateway: it sends nothing again
 * while that one is honest and up. So whatever an honest gateway took must be answered, copies and
 * copiers or not (R19), or the world ends with this client waiting (L1).
 */
export class PipelinedClient {
  readonly name: string;
  readonly signer: Signer;
  readonly session: SessionId;
  /** Bytes of everything it ever sent: what a thief can copy. */
  readonly sent: Uint8Array[] = [];
  gateway: number;
  readonly #world: World;
  #open: Sent[] = [];
  #late: (readonly Uint8Array[])[] = [];
  #seq = 0;
  #arrivesMs = 0;
  #isOpened = false;

  /** The first batch opens its session, and the others wait for it. */
  constructor(world: World, name: string, gateway: number) {
    const { scheme } = world.cell;
    this.name = name;
    this.gateway = gateway;
    this.#world = world;
    this.signer = scheme.signer(hash('testnet-client', utf8(name)));
    const { session, op } = plainOpening(world.cell, this.signer, name, 0);
    this.session = session;
    world.onObservation((observation) => this.#see(observation));
    this.#put([op]);
  }

  /** Nothing waits for an answer. */
  get idle(): boolean {
    return this.#open.length === 0 && this.#late.length === 0;
  }

  /** One batch for each; all of them leave at once. */
  burst(bursts: readonly (readonly Uint8Array[])[]): void {
    const batches = this.#world.isHosted ? bursts.map((ops) => ops.map(ownOp)) : bursts;
    if (this.#isOpened) for (const ops of batches) this.#put(ops);
    else this.#late.push(...batches);
  }

  #sign(ops: readonly Uint8Array[]): SignedBatch {
    return signBatch(this.#world.cell.cellId, this.signer, {
      client: this.signer.publicKey,
      session: this.session,
      seq: this.#seq,
      basis: { epoch: this.#world.cell.roll.newest.committee.epoch, commit: 0 },
      ops,
    });
  }

  #put(ops: readonly Uint8Array[]): void {
    const bytes = encode(signedBatchShape, this.#sign(ops));
    const seq = this.#seq++;
    this.sent.push(bytes);
    const sent: Sent = { seq, bytes, voters: new Map(), tags: new Set(), isLost: false };
    this.#open.push(sent);
    this.#world.count('pipelined');
    this.#submit(sent);
  }

  #submit(sent: Sent): void {
    const { gateway } = this;
    const isUp = this.#world.honest(gateway) && this.#world.hosts[gateway]?.peer !== undefined;
    sent.isLost = !isUp;
    const { nowMs } = this.#world;
    // A link keeps its order.
    this.#arrivesMs = Math.max(this.#arrivesMs, nowMs + this.#world.clientDelayMs());
    const delayMs = this.#arrivesMs - nowMs;
    const label = `batch ${sent.seq}`;
    sent.tags.add(this.#world.submit(this.name, gateway, sent.bytes, label, delayMs));
    if (sent.isLost) this.#failover(gateway);
  }

  /** Everything unanswered goes again, in order, through the next gateway. */
  #failover(from: number): void {
    this.#world.after(FAILOVER_MS, () => {
      if (this.gateway !== from || !this.#open.some(({ isLost }) => isLost)) return;
      this.#world.count('failovers');
      this.gateway = this.#world.attendance.gatewayAfter(this.gateway);
      for (const sent of this.#open) this.#submit(sent);
      for (const sent of this.#open.slice()) {
        for (const voters of sent.voters.values()) this.#believe(sent, voters);
      }
    });
  }

  /** These go again with all that is open; an honest gateway still owes the others an answer. */
  #lose(lost: readonly Sent[]): void {
    if (lost.length === 0) return;
    for (const sent of lost) sent.isLost = true;
    this.#failover(this.gateway);
  }

  #see(observation: Observation): void {
    const { kind, by } = observation;
    if (kind === 'refused') this.#lose(this.#open.filter(({ tags }) => tags.has(observation.tag)));
    // A core that is opened anew has forgotten what it was given, as after a crash.
    const isGone = kind === 'crashed' || kind === 'restarted';
    const isOut = isGone || (kind === 'noted' && observation.note.what === 'observer');
    if (isOut && by === this.gateway) this.#lose(this.#open);
    if (kind !== 'committed') return;
    const { epoch } = observation.input;
    for (const receipt of observation.applied.receipts) this.#hear(receipt, by, epoch);
  }

  /** R32: an answer counts when f + 1 replicas give it. */
  #hear({ client, session, seq, commit, results }: Receipt, by: number, epoch: number): void {
    if (!equalBytes(session, this.session) || !equalBytes(client, this.signer.publicKey)) return;
    const sent = this.#open.find((one) => one.seq === seq);
    if (sent === undefined) return;
    const answer = `${epoch}: ${commit} ${results.map(toHex).join(' ')}`;
    const voters = sent.voters.get(answer) ?? { epoch, by: new Set<number>() };
    if (this.#world.cell.roll.placeOf(epoch, by) >= 0) voters.by.add(by);
    sent.voters.set(answer, voters);
    this.#believe(sent, voters);
  }

  /**
   * An opening counts when the own gateway knows of it too: until then that gateway refuses what
   * follows.
   */
  #believe(sent: Sent, { epoch, by }: Voters): void {
    const f = this.#world.cell.roll.of(epoch)?.faultsMax ?? Infinity;
    if (by.size <= f) return;
    if (!this.#isOpened && !by.has(this.gateway)) return;
    this.#world.count('pipelinedAnswers');
    this.#open = this.#open.filter((one) => one !== sent);
    this.#isOpened = true;
    for (const ops of this.#late.splice(0)) this.#put(ops);
  }
}

/** How a net's client pipelines. */
export interface Pipelining {
  /** The ops of one batch, different from call to call. */
  ops(): readonly Uint8Array[];
}

const FIRST_BURST_MS = 300;
const BURST_EVERY_MS = 250;
const BURSTS = 12;
const BATCHES_PER_BURST = 5;

/** Puts a client into the world that sends bursts of batches through an honest gateway. */
export function pipeline(world: World, seed: number, { ops }: Pipelining): PipelinedClient {
  const honest = world.hosts.filter(({ index }) => world.honest(index));
  const gateway = honest[seed % honest.length]?.index ?? 0;
  const client = new PipelinedClient(world, 'p0', gateway);
  for (let i = 0; i < BURSTS; i++) {
    world.after(FIRST_BURST_MS + i * BURST_EVERY_MS, () => {
      client.burst(Array.from({ length: BATCHES_PER_BURST }, () => ops()));
    });
  }
  return client;
}
