// Test helper: a cell of replicas in one process.
import {
  ACCEPT,
  asSessionId,
  compareBytes,
  concatBytes,
  encode,
  hash,
  ignore,
  ok,
  reject,
  type Signer,
  standIn,
  utf8,
} from '@fatty/codec';
import { nodeScheme } from '@fatty/codec/node';
import type { Algorithm, CellId, SessionId } from '@fatty/interface';
import {
  type Batch,
  BLOCK_WEIGHT_MAX,
  type CellParams,
  type Committee,
  cellIdOf,
  DEFAULT_PARAMS,
  type Origin,
  signBatch,
  signedBatchShape,
} from '@fatty/protocol';

export const START_MS = 1_700_000_000_000;
// Installs the fast hash function; signatures are stand-ins.
nodeScheme();
export const scheme = standIn();

/** First byte of an op decides its fate in `validate`; everything else is appended to the list. */
export const REJECTED = 0xff;
export const ASKED = 0xfe;
/** Weighs a quarter of what a block may. */
export const HEAVY = 0xfc;
export const IGNORED = 0xfd;

export function listAlgorithm(): Algorithm<Uint8Array> {
  let state: Uint8Array = new Uint8Array();
  const append = (op: Uint8Array): void => {
    state = hash('list', state, op);
  };
  return {
    open: (bytes) => ok(bytes.slice()),
    validate(_source, op) {
      if (op[0] === REJECTED) return reject('bad_op', 'a good op', 'a bad one');
      if (op[0] === IGNORED) return ignore('not_yet', 'a later time', 'now');
      if (op[0] === HEAVY) return { ...ACCEPT, weight: BLOCK_WEIGHT_MAX / 4 };
      return op[0] === ASKED ? { kind: 'ask', job: op } : ACCEPT;
    },
    deliver: (_source, op) => append(op),
    apply(_source, op) {
      append(op);
      return op;
    },
    snapshot: () => state,
    restore(bytes) {
      state = bytes;
    },
    root: () => hash('root', state),
  };
}

export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }
  /** mulberry32, in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }
  below(n: number): number {
    return Math.floor(this.next() * n);
  }
}

export interface Cell {
  readonly committee: Committee;
  readonly cellId: CellId;
  readonly signers: readonly Signer[];
  /** Where its epoch begins; none: it is the first one. */
  readonly origin?: Origin;
}

export function makeCell(n: number, params: Partial<CellParams> = {}): Cell {
  const signers = Array.from({ length: n }, (_, i) => scheme.signer(hash('r', utf8(`${i}`)))).sort(
    (a, b) => compareBytes(a.publicKey, b.publicKey),
  );
  const committee: Committee = {
    epoch: 0,
    members: signers.map((signer) => signer.publicKey),
    genesisTs: START_MS,
    params: { ...DEFAULT_PARAMS, ...params },
  };
  return { committee, cellId: cellIdOf(committee), signers };
}

/** A client with one session. */
export class Client {
  readonly signer: Signer;
  readonly session: SessionId;
  readonly name: string;
  readonly cell: Cell;
  seq = 0;
  constructor(cell: Cell, name: string) {
    this.cell = cell;
    this.name = name;
    this.signer = scheme.signer(hash('client', utf8(name)));
    this.session = asSessionId(hash('session', utf8(name)));
  }
  batch(ops: readonly Uint8Array[], seq: number = this.seq++): Uint8Array {
    const batch: Batch = {
      client: this.signer.publicKey,
      session: this.session,
      seq,
      basis: { epoch: 0, commit: 0 },
      ops,
    };
    return encode(signedBatchShape, signBatch(this.cell.cellId, this.signer, batch));
  }
  op(text: string): Uint8Array {
    return this.batch([utf8(`${this.name}:${text}`)]);
  }
}

export function opOf(first: number, text: string): Uint8Array {
  return concatBytes(Uint8Array.of(first), utf8(text));
}
