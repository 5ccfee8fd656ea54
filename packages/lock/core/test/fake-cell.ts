// A cell in virtual time that applies batches at once; its replicas lie, are silent or slow as they are told.
import {
  type Answer,
  type ClientMessage,
  decodeClientMessage,
  decodeNotice,
  decodeOp,
  encodeGatewayMessage,
  encodeNotice,
  errorResult,
  type GatewayMessage,
  type NoticeBody,
  type Op,
} from '@fatty/api';
import { compareBytes, decode, equalBytes, type Signer, standIn, toHex } from '@fatty/codec';
import type { Failure, Position, PublicKey, SessionId } from '@fatty/interface';
import {
  batchId,
  batchShape,
  type Cell,
  type Change,
  type Committee,
  cellIdOf,
  DEFAULT_PARAMS,
  type EpochLink,
  keepAliveShape,
  type NowReading,
  signNow,
} from '@fatty/protocol';
import { FakeLedger } from './fake-ledger.ts';
import { linkFor, linksFrom } from './links-of.ts';

export const scheme: ReturnType<typeof standIn> = standIn();

/** How a replica behaves towards clients; the committed order itself is always honest. */
/** Whatever receives what the cell says. */
export interface Hearer {
  hear(replica: number, bytes: Uint8Array): void;
}

export interface Behaviour {
  /** Rewrites or drops what it says. */
  lie?(message: GatewayMessage, cell: FakeCell): GatewayMessage | undefined;
  /** As a gateway, does not pass batches on. */
  readonly swallows?: boolean;
  readonly refuses?: Failure;
  /** Only batches with an op of this kind are refused. */
  readonly refusesOnly?: Op['kind'];
  /** One-way delay, ms. Default 5. */
  readonly delayMs?: number;
}

/** The kind of a message; of a notice, that of its news. */
export function kindOf(message: GatewayMessage): string {
  if (message.kind !== 'notice') return message.kind;
  const body = decodeNotice(message.body);
  return body.ok ? body.value.kind : 'unreadable';
}

interface Scheduled {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

function concerns({ refusesOnly }: Behaviour, core: Uint8Array): boolean {
  const batch = decode(batchShape, core, 2_000_000);
  if (refusesOnly === undefined || !batch.ok) return true;
  return batch.value.ops.some((bytes) => {
    const op = decodeOp(bytes);
    return op.ok && op.value.kind === refusesOnly;
  });
}

const isIn = ({ members }: Committee, key: PublicKey): boolean =>
  members.some((member) => equalBytes(member, key));

/**
 * A cell in virtual time: one honest order, n replicas that show it to clients, f of which may lie
 * about it. Small on purpose, and it shares no code with the client.
 */
export class FakeCell extends FakeLedger {
  readonly cell: Pick<Cell, 'cellId' | 'committee'>;
  readonly behaviours: Behaviour[];
  readonly clients: Hearer[] = [];
  /** Wall clock minus virtual time, per replica: within ±ε of the truth. */
  readonly skewMs: number[];
  /** offset of TIME.md; grows when the lease clock stands still. */
  stalledMs = 0;
  stopped = false;
  commitDelayMs = 20;
  readonly #pending: { batch: Uint8Array; client: number }[] = [];
  readonly #keepAlives: { session: string; i: number; preimage: Uint8Array }[] = [];
  readonly #events: Scheduled[] = [];
  /** By number: members of the first epoch by their index there, later ones behind them. */
  readonly signers: Signer[];
  /** How epochs have ended, and who are members now. */
  readonly chain: EpochLink[] = [];
  committee: Committee;
  #order = 0;
  #committing = false;

  constructor(n: number, behaviours: Record<number, Behaviour> = {}, skewMs: number[] = []) {
    super();
    this.signers = Array.from({ length: n }, (_, i) =>
      scheme.signer(new Uint8Array(32).fill(i + 1)),
    ).sort((a, b) => compareBytes(a.publicKey, b.publicKey));
    const committee: Committee = {
      epoch: 0,
      members: this.signers.map((one) => one.publicKey),
      genesisTs: 1_000,
      params: DEFAULT_PARAMS,
    };
    this.cell = { cellId: cellIdOf(committee), committee };
    this.committee = committee;
    this.behaviours = Array.from({ length: n }, (_, i) => behaviours[i] ?? {});
    this.skewMs = Array.from({ length: n }, (_, i) => skewMs[i] ?? 0);
    this.#tick();
  }

  /** Real time: what an honest clock shows, give or take ε. */
  wallMs(): number {
    return 1_000_000 + this.nowMs;
  }

  leaseClock(): number {
    return this.wallMs() - this.stalledMs;
  }

  at(delayMs: number, run: () => void): void {
    const entry = { atMs: this.nowMs + delayMs, order: this.#order++, run };
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const mid = (low + high) >> 1;
      const other = this.#events[mid] as Scheduled;
      const before = other.atMs - entry.atMs || other.order - entry.order;
      if (before < 0) low = mid + 1;
      else high = mid;
    }
    this.#events.splice(low, 0, entry);
  }

  run(untilMs: number): void {
    for (;;) {
      const next = this.#events[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#events.shift();
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.run();
    }
    this.nowMs = untilMs;
  }

  /** Expiry needs commits: the heartbeat of a cell with sessions. */
  #tick(): void {
    this.at(1_000, () => {
      this.#schedule();
      this.#tick();
    });
  }

  #schedule(): void {
    if (this.#committing || this.stopped) return;
    this.#committing = true;
    this.at(this.commitDelayMs, () => {
      this.#committing = false;
      if (!this.stopped) this.#applyCommit();
    });
  }

  receive(replica: number, client: number, bytes: Uint8Array): void {
    const message = decodeClientMessage(bytes, 2_000_000);
    if (!message.ok) throw new Error(`client sent ${message.failure.code}`);
    this.#handle(replica, client, message.value);
  }

  #handle(replica: number, client: number, message: ClientMessage): void {
    const behaviour = this.behaviours[replica] as Behaviour;
    if (message.kind === 'now') {
      const { nonce } = message;
      const ts = this.wallMs() + (this.skewMs[replica] ?? 0);
      const reading = {
        nonce,
        ts,
        commit: this.commit,
        leaseClock: this.leaseClock(),
        offset: this.stalledMs,
      };
      const signer = this.signers[replica];
      if (signer) this.say(replica, client, signNow(this.cell.cellId, signer, reading));
    } else if (message.kind === 'submit') {
      if (behaviour.swallows) return;
      const id = batchId(message.batch.core);
      if (behaviour.refuses && concerns(behaviour, message.batch.core)) {
        this.say(replica, client, { kind: 'refused', batch: id, failure: behaviour.refuses });
        return;
      }
      this.#pending.push({ batch: message.batch.core, client });
      this.#schedule();
    } else if (message.kind === 'unsigned') {
      if (behaviour.swallows) return;
      const keepAlive = decode(keepAliveShape, message.message, 128);
      if (!keepAlive.ok) return;
      const { session, i, preimage } = keepAlive.value;
      this.#keepAlives.push({ session: toHex(session), i, preimage });
      this.#schedule();
    } else if (message.kind === 'read') {
      this.#read(replica, client, message);
    } else if (message.kind === 'getLinks') {
      this.say(replica, client, linksFrom(this.chain, message.from));
    }
  }

  #read(replica: number, client: number, read: Extract<ClientMessage, { kind: 'read' }>): void {
    if (read.minCommit > this.commit) {
      this.at(10, () => this.#read(replica, client, read));
      return;
    }
    const { request, view, query } = read;
    let answer: Answer = errorResult('not_found', 'a node', 'none');
    if (query.kind === 'session') answer = this.sessionAnswer(toHex(query.id));
    if (query.kind === 'get') answer = this.fileAnswer(query.path);
    this.say(replica, client, { kind: 'readResult', request, commit: this.commit, view, answer });
  }

  say(replica: number, client: number, message: GatewayMessage): void {
    const behaviour = this.behaviours[replica] as Behaviour;
    const said = behaviour.lie ? behaviour.lie(message, this) : message;
    if (said === undefined) return;
    const bytes = encodeGatewayMessage(said);
    this.at(behaviour.delayMs ?? 5, () => this.clients[client]?.hear(replica, bytes));
  }

  everybody(client: number, message: GatewayMessage): void {
    for (const replica of this.behaviours.keys()) this.say(replica, client, message);
  }

  notify(id: string, body: NoticeBody): void {
    const client = this.live.get(id)?.client;
    if (client === undefined) return;
    const session = Uint8Array.from(Buffer.from(id, 'hex')) as SessionId;
    const notice = {
      kind: 'notice',
      session,
      commit: this.commit,
      body: encodeNotice(body),
    } as const;
    this.everybody(client, notice);
  }

  #applyCommit(): void {
    this.commit += 1;
    let index = 0;
    const next = (): Position => ({ commit: this.commit, index: index++ });
    for (const { batch, client } of this.#pending.splice(0)) this.batch(batch, client, next);
    for (const { session, i, preimage } of this.#keepAlives.splice(0)) {
      this.keepAlive(session, i, preimage);
    }
    for (const path of this.locks.keys()) this.promote(path, next);
    for (const [id, session] of Array.from(this.live)) {
      if (session.expiry > this.leaseClock()) continue;
      this.notify(id, { kind: 'sessionExpired', position: next() });
      this.endSession(id, next);
    }
  }

  /** Another one, which is no member yet; answers its number. */
  addReplica(behaviour: Behaviour = {}): number {
    this.behaviours.push(behaviour);
    this.skewMs.push(0);
    const signer = scheme.signer(new Uint8Array(32).fill(50 + this.signers.length));
    return this.signers.push(signer) - 1;
  }

  keyOf(replica: number): PublicKey {
    return (this.signers[replica] as Signer).publicKey;
  }

  /**
   * An epoch ends with these changes, at a commit of its own. Who is honest and stays tells its clients; who is
   * honest and goes says nothing any more.
   */
  change(...changes: readonly Change[]): EpochLink {
    this.commit += 1;
    const { cellId } = this.cell;
    const link = linkFor({ committee: this.committee, cellId, scheme }, this.signers, changes, {
      index: this.commit,
      leaseClock: this.leaseClock(),
    });
    const before = this.committee;
    this.chain.push(link);
    this.committee = link.frame.end?.next ?? before;
    for (const [replica, behaviour] of this.behaviours.entries()) {
      const isMember = isIn(this.committee, this.keyOf(replica));
      if (behaviour.lie) continue;
      if (isMember) for (const client of this.clients.keys()) this.tellEpoch(replica, client);
      else if (isIn(before, this.keyOf(replica)))
        this.behaviours[replica] = { ...behaviour, lie: () => undefined };
    }
    return link;
  }

  /** As a gateway does when its epoch begins, or when a link comes up in a later one. */
  tellEpoch(replica: number, client: number): void {
    this.say(replica, client, linksFrom(this.chain, this.chain.length - 1));
  }

  /** Every session is over, as if its lease had run out. */
  expireAll(): void {
    for (const session of this.live.values()) session.expiry = 0;
    this.#applyCommit();
  }

  /** A liar signs whatever it likes, but only with its own key. */
  resign(replica: number, reading: NowReading): GatewayMessage | undefined {
    const signer = this.signers[replica];
    return signer && signNow(this.cell.cellId, signer, reading);
  }
}
