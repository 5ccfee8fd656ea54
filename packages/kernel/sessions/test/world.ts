// Clients and commits for tests of hosted algorithms.
import {
  ACCEPT,
  asCellId,
  asDigest,
  asPublicKey,
  concatBytes,
  encode,
  fail,
  fromUtf8,
  hash,
  ok,
  reject,
  utf8,
} from '@fatty/codec';
import { nodeScheme } from '@fatty/codec/node';
import type {
  Algorithm,
  Applied,
  Basis,
  CommitInput,
  Digest,
  OrderedBatch,
  Outcome,
  PublicKey,
  SessionId,
  Unsigned,
} from '@fatty/interface';
import { keepAliveLink, keepAliveShape, sessionIdOf } from '@fatty/protocol';
import {
  decodeHostedResult,
  encodeHostedOp,
  type Hosted,
  type HostedOp,
  type HostedOptions,
  hosted,
  type OpenedHostedOp,
  openKeepAlive,
  ownOp,
} from '../src/index.ts';

// Hashing is most of what these tests do; node's is several times as fast.
nodeScheme();

const fill = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
export const context = {
  cellId: asCellId(fill(0xce)),
  epoch: 0,
  members: [1, 2, 3, 4].map((byte) => asPublicKey(fill(byte))),
};

/** Appends what it is told to a hash chain, so that order and number show. */
export class Chain implements Algorithm<Uint8Array> {
  state: Digest = hash('chain');
  length = 0;

  open(bytes: Uint8Array): Outcome<Uint8Array> {
    if (bytes[0] === 0xfb) throw new Error('open threw');
    return bytes[0] === 0xfa ? fail('bad_bytes', 'good bytes', 'bad ones') : ok(bytes.slice());
  }

  validate(_source: unknown, op: Uint8Array) {
    if (op[0] === 0xff) throw new Error('validate threw');
    return op[0] === 0xfe ? reject('bad_op', 'a good op', 'a bad one') : ACCEPT;
  }

  deliver(_source: unknown, op: Uint8Array): void {
    this.state = hash('chain', this.state, op);
    this.length += 1;
  }

  apply(source: unknown, op: Uint8Array): Uint8Array {
    if (op[0] === 0xfd) throw new Error('apply threw');
    this.deliver(source, op);
    return op[0] === 0xfc ? new Uint8Array(5_000) : utf8(`${this.length}`);
  }

  snapshot(): Uint8Array {
    return concatBytes(this.state, utf8(String(this.length)));
  }

  restore(bytes: Uint8Array): void {
    this.state = asDigest(bytes.slice(0, 32));
    this.length = Number(fromUtf8(bytes.slice(32)));
  }

  root(): Digest {
    return hash('root', this.snapshot());
  }

  query(question: Uint8Array): Uint8Array {
    if (question[0] === 1) return new Uint8Array(2 * 1024 * 1024);
    if (question[0] === 2) throw new Error('query threw');
    return utf8(`${this.length}`);
  }
}

/** Keep-alives of one session: `chain[i]` is `i` links from its anchor. */
function chainOf(secret: string, links: number): Digest[] {
  const chain = [hash('chain-end', utf8(secret))];
  for (let i = 0; i < links; i++) chain.unshift(keepAliveLink(chain[0] ?? hash('none')));
  return chain;
}

/** A batch as a hosted algorithm gets it. */
export type Sent = OrderedBatch<OpenedHostedOp>;

const OPENER = hosted(() => new Chain(), context);

/** Key of a member of the committee. */
export function member(n: number): PublicKey {
  return asPublicKey(hash('member', utf8(`${n}`)));
}

/** One session of one client. */
export class Client {
  readonly key = asPublicKey(fill(0));
  readonly basis: Basis;
  readonly nonce: Uint8Array;
  readonly session: SessionId;
  readonly chain: readonly Digest[];
  seq = 0;

  constructor(client: number, nonce = 0, basis = 0, links = 8) {
    this.key = asPublicKey(hash('client', utf8(`${client}`)));
    this.basis = { epoch: 0, commit: basis };
    this.nonce = hash('nonce', utf8(`${nonce}`)).slice(0, 16);
    this.session = sessionIdOf(this.key, this.nonce, this.basis);
    this.chain = chainOf(`${client}.${nonce}`, links);
  }

  batch(ops: readonly (HostedOp | string)[], seq = this.seq++, author = member(0)): Sent {
    const carried = ops.map((op) =>
      typeof op === 'string' ? ownOp(utf8(op)) : encodeHostedOp(op),
    );
    const { key: client, session, basis } = this;
    const id = hash('batch', client, session, utf8(`${seq}`), ...carried);
    const opened = carried.flatMap((bytes) => {
      const op = OPENER.open(bytes);
      return op.ok ? [op.value] : [];
    });
    return { id, client, session, seq, basis, author, ops: carried, opened };
  }

  open(leaseMs = 10_000, ...more: readonly (HostedOp | string)[]): Sent {
    const anchor = this.chain[0] ?? hash('none');
    return this.batch([{ kind: 'openSession', nonce: this.nonce, anchor, leaseMs }, ...more]);
  }

  keepAlive(i: number): Unsigned {
    const preimage = this.chain[i] ?? hash('none');
    const opened = openKeepAlive(encode(keepAliveShape, { session: this.session, i, preimage }));
    if (!opened.ok) throw new Error(opened.failure.code);
    return opened.value;
  }
}

/** A hosted chain, one commit after another. */
export class World {
  readonly algorithm: Chain;
  machine: Hosted;
  commit = 0;
  leaseClock = 0;

  constructor(options: HostedOptions = {}) {
    const made: Chain[] = [];
    this.machine = hosted(
      () => {
        const one = new Chain();
        made.push(one);
        return one;
      },
      context,
      options,
    );
    this.algorithm = made[0] ?? new Chain();
  }

  input(batches: readonly Sent[], unsigned: readonly Unsigned[] = []): CommitInput<OpenedHostedOp> {
    this.commit += 1;
    const { commit: index, leaseClock } = this;
    return { index, epoch: 0, commitTs: leaseClock, leaseClock, batches, unsigned, evidence: [] };
  }

  run(batches: readonly Sent[], unsigned: readonly Unsigned[] = []): Applied {
    return this.machine.applyCommit(this.input(batches, unsigned));
  }

  /** What the ops of one batch answered: text of the algorithm, or the kind or code of another result. */
  say(batch: Sent): readonly string[] {
    const [receipt] = this.run([batch]).receipts;
    return (receipt?.results ?? []).map(words);
  }
}

export function words(result: Uint8Array): string {
  const read = decodeHostedResult(result);
  if (!read.ok) return read.failure.code;
  if (read.value.kind === 'own') return fromUtf8(read.value.answer) ?? 'bytes';
  return read.value.kind === 'error' ? read.value.code : read.value.kind;
}
