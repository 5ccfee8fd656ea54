// Test helper: clients, sessions and commits without replicas.
import {
  type Answer,
  decodeNotice,
  decodeResult,
  encodeOp,
  type NoticeBody,
  type Op,
  type Query,
  type Result,
  rotationMessage,
} from '@fatty/api';
import { asCellId, encode, hash, type Signer, standIn, toHex, utf8 } from '@fatty/codec';
import { nodeScheme } from '@fatty/codec/node';
import type {
  CommitInput,
  Digest,
  OrderedBatch,
  Position,
  PublicKey,
  SessionId,
  Unsigned,
} from '@fatty/interface';
import {
  type CellParams,
  DEFAULT_PARAMS,
  type KeepAlive,
  keepAliveLink,
  keepAliveShape,
  sessionIdOf,
} from '@fatty/protocol';
import { openKeepAlive } from '@fatty/sessions';
import { DEFAULT_QUOTAS, LockService, type Quotas } from '../src/index.ts';
import { type OpenedOp, openOp } from '../src/open.ts';

// Hashing is most of what these tests do; node's is several times as fast.
nodeScheme();
const scheme = standIn();
export const CELL = asCellId(hash('test-cell'));

export function keyOf(n: number): Signer {
  return scheme.signer(hash('test-key', Uint8Array.of(n)));
}

/** Key of a member of the committee. */
export function member(n: number): PublicKey {
  return keyOf(100 + n).publicKey;
}

/** A keep-alive chain: `links[i]` is i links from the anchor `links[0]`. */
function chain(seed: string, length: number): Digest[] {
  const links: Digest[] = [hash('test-chain', utf8(seed))];
  for (let i = 0; i < length; i++) links.unshift(keepAliveLink(links[0] as Digest));
  return links;
}

/** A client with one session; builds batches, applies nothing. */
export class Client {
  signer: Signer;
  readonly nonce: Uint8Array;
  readonly session: SessionId;
  readonly links: Digest[];
  readonly leaseMs: number;
  /** The commit that its opening is signed on. */
  readonly basis: number;
  seq = 0;
  link = 0;

  constructor(
    key: number,
    nonce = 0,
    { leaseMs = 12_000, basis = 0 }: { leaseMs?: number; basis?: number } = {},
  ) {
    this.signer = keyOf(key);
    this.nonce = new Uint8Array(16).fill(nonce);
    this.basis = basis;
    this.session = sessionIdOf(this.signer.publicKey, this.nonce, { epoch: 0, commit: basis });
    this.links = chain(`${key}/${nonce}`, 80);
    this.leaseMs = leaseMs;
  }

  opening(): Op {
    const [anchor] = this.links;
    if (anchor === undefined) throw new Error('a chain');
    return { kind: 'openSession', nonce: this.nonce, anchor, leaseMs: this.leaseMs };
  }

  /** What cannot be opened ends what is. */
  raw(ops: readonly Uint8Array[], seq = this.seq++, basis = this.basis): Sent {
    const id = hash('test-batch', this.session, utf8(String(seq)), ...ops);
    const { publicKey: client } = this.signer;
    return {
      id,
      client,
      session: this.session,
      seq,
      basis: { epoch: 0, commit: basis },
      author: member(0),
      ops,
      opened: openAll(ops),
    };
  }

  batch(...ops: readonly Op[]): Sent {
    return this.raw(ops.map(encodeOp));
  }

  open(...more: readonly Op[]): Sent {
    return this.batch(this.opening(), ...more);
  }

  /** Another key follows this client's; it signs with that from the next batch on. */
  rotation(to: Signer): Op {
    const { publicKey: newKey } = to;
    const proof = to.sign(rotationMessage(CELL, { oldKey: this.signer.publicKey, newKey }));
    return { kind: 'rotateKey', newKey, proof };
  }

  keepAlive(skip = 1): KeepAlive {
    this.link += skip;
    const preimage = this.links[this.link];
    if (preimage === undefined) throw new Error('a longer chain');
    return { session: this.session, i: this.link, preimage };
  }
}

/** A batch as a service gets it. */
export type Sent = OrderedBatch<OpenedOp>;

function openAll(ops: readonly Uint8Array[]): readonly OpenedOp[] {
  const opened: OpenedOp[] = [];
  for (const bytes of ops) {
    const op = openOp(bytes, DEFAULT_PARAMS);
    if (!op.ok) break;
    opened.push(op.value);
  }
  return opened;
}

export interface Told {
  readonly session: string;
  readonly notice: NoticeBody;
}

export interface Outcome {
  readonly commit: number;
  /** Results by batch, in order of receipts. */
  readonly results: readonly (readonly Result[])[];
  readonly notices: readonly Told[];
  readonly raw: ReturnType<LockService['applyCommit']>;
}

/** A keep-alive as blocks carry it. */
export function carried(keepAlive: KeepAlive): Unsigned {
  const opened = openKeepAlive(encode(keepAliveShape, keepAlive));
  if (!opened.ok) throw new Error(opened.failure.code);
  return opened.value;
}

interface CommitOptions {
  readonly keepAlives?: readonly KeepAlive[];
  readonly evidence?: readonly PublicKey[];
  readonly epoch?: number;
}

/** A service on a clock that the test moves. */
export class World {
  service: LockService;
  commit = 0;
  leaseClock = 0;

  constructor(quotas: Partial<Quotas> = {}, params: Partial<CellParams> = {}) {
    this.service = new LockService({
      cell: { cellId: CELL, epoch: 0, members: [keyOf(200).publicKey] },
      scheme,
      params: { ...DEFAULT_PARAMS, ...params },
      quotas: { ...DEFAULT_QUOTAS, ...quotas },
    });
  }

  input(
    advanceMs: number,
    batches: readonly Sent[],
    options: CommitOptions = {},
  ): CommitInput<OpenedOp> {
    this.commit += 1;
    this.leaseClock += advanceMs;
    const { keepAlives = [], evidence = [], epoch = 0 } = options;
    return {
      index: this.commit,
      epoch,
      commitTs: 1_800_000_000_000 + this.leaseClock,
      leaseClock: this.leaseClock,
      batches,
      unsigned: keepAlives.map(carried),
      evidence,
    };
  }

  step(advanceMs: number, batches: readonly Sent[] = [], options: CommitOptions = {}): Outcome {
    return read(this.service.applyCommit(this.input(advanceMs, batches, options)), this.commit);
  }

  /** Applies one batch in a commit of its own and answers its results. */
  run(batch: Sent): readonly Result[] {
    const [results] = this.step(0, [batch]).results;
    if (results === undefined) throw new Error('a receipt');
    return results;
  }

  one(client: Client, op: Op): Result {
    const [result] = this.run(client.batch(op));
    if (result === undefined) throw new Error('a result');
    return result;
  }

  open(client: Client, ...ops: readonly Op[]): readonly Result[] {
    return this.run(client.open(...ops));
  }

  ask<K extends Query['kind']>(query: Extract<Query, { kind: K }>): Answer {
    return this.service.query(query);
  }
}

export function read(applied: ReturnType<LockService['applyCommit']>, commit: number): Outcome {
  return {
    commit,
    results: applied.receipts.map(({ results }) => results.map(result)),
    notices: applied.notices.map(({ session, body }) => {
      const notice = decodeNotice(body);
      if (!notice.ok) throw new Error(notice.failure.code);
      return { session: toHex(session), notice: notice.value };
    }),
    raw: applied,
  };
}

function result(bytes: Uint8Array): Result {
  const decoded = decodeResult(bytes);
  if (!decoded.ok) throw new Error(decoded.failure.code);
  return decoded.value;
}

export function at(commit: number, index: number): Position {
  return { commit, index };
}

const content = (text: string): Uint8Array => utf8(text);

/** Short forms of the common ops. */
export const op = {
  dir: (path: string): Op => ({
    kind: 'create',
    path,
    node: 'directory',
    mode: 'shared',
    ephemeral: false,
    exclusive: false,
    content: content(''),
  }),
  file: (path: string, text = '', extra: Partial<Extract<Op, { kind: 'create' }>> = {}): Op => ({
    kind: 'create',
    path,
    node: 'file',
    mode: 'shared',
    ephemeral: false,
    exclusive: false,
    content: content(text),
    ...extra,
  }),
  next: (
    path: string,
    text = '',
    extra: Partial<Extract<Op, { kind: 'createSequential' }>> = {},
  ): Op => ({
    kind: 'createSequential',
    path,
    node: 'file',
    mode: 'shared',
    ephemeral: false,
    content: content(text),
    ...extra,
  }),
  acquire: (path: string, extra: Partial<Extract<Op, { kind: 'acquire' }>> = {}): Op => ({
    kind: 'acquire',
    path,
    mode: 'exclusive',
    maxWaitMs: undefined,
    lockDelayMs: 0,
    ...extra,
  }),
  tryAcquire: (path: string, extra: Partial<Extract<Op, { kind: 'tryAcquire' }>> = {}): Op => ({
    kind: 'tryAcquire',
    path,
    mode: 'exclusive',
    lockDelayMs: 0,
    ...extra,
  }),
  release: (path: string, lockGen?: Position): Op => ({ kind: 'release', path, lockGen }),
  write: (
    path: string,
    text: string,
    ...observed: Extract<Op, { kind: 'write' }>['observed']
  ): Op => ({
    kind: 'write',
    path,
    content: content(text),
    observed,
  }),
  set: (path: string, text: string, generation?: Position, lockGen?: Position): Op => ({
    kind: 'compareAndSet',
    path,
    content: content(text),
    generation,
    lockGen,
  }),
  remove: (path: string, ...dots: Extract<Op, { kind: 'remove' }>['dots']): Op => ({
    kind: 'remove',
    path,
    dots,
  }),
};
