// Transactions as applications write them.
import {
  type Compare,
  type Dot,
  type FileOp,
  type Op,
  type Order,
  type Stat,
  sequentialPath,
} from '@fatty/api';
import { asSessionId, sha256 } from '@fatty/codec';
import type { Position } from '@fatty/interface';
import { expectResult } from './answers.ts';
import { bytesOf } from './arguments.ts';
import { checkArgument, isObject, must } from './checks.ts';
import type { CallOptions } from './driver.ts';
import { clientError, isFattyError } from './error.ts';
import type { FileClient, SeenFile } from './files.ts';
import type { CreateOptions } from './options.ts';

/** One condition of a transaction. All but `exists: false` are false where nothing has the path. */
export type TxnCompare = { readonly path: string } & (
  | { readonly exists: boolean }
  /** A generation of the node; `of` is `contentGen` and `is` is `equal` unless given. One it has not got is less than all. */
  | {
      readonly generation: Position;
      readonly of?: 'instance' | 'contentGen' | 'lockGen';
      readonly is?: Order;
    }
  /** What the file shows first, whole. */
  | { readonly content: Uint8Array | string; readonly is?: 'equal' | 'notEqual' }
  /** Somebody holds the lock of the path by this grant: of a `Lock` its `generation`. */
  | { readonly held: Position }
);

/** One op of a branch. What `put` and `remove` replace is what this client reads right before it asks. */
export type TxnOp =
  | ({ readonly create: string } & Pick<
      CreateOptions,
      'content' | 'ephemeral' | 'exclusive' | 'mode' | 'node' | 'sequential'
    >)
  | {
      readonly put: string;
      readonly content: Uint8Array | string;
      /** Guarded files: only over this content generation. */
      readonly generation?: Position;
      /** Guarded files: only under the exclusive lock of the file, in this generation. */
      readonly lock?: Position;
    }
  | { readonly remove: string };

/** Conditions, what to do when all hold, and what to do else. */
export interface TxnSpec {
  readonly compares?: readonly TxnCompare[];
  readonly success?: readonly TxnOp[];
  readonly failure?: readonly TxnOp[];
}

/** What one op of the branch did. */
export interface TxnStep {
  /** Of the node; with the end of its name, where it is a sequential one. */
  readonly path: string;
  /** Where the op stands: the generation of what it made or wrote. */
  readonly position: Position;
}

/** All of one branch is done. */
export interface TxnDone {
  /** All conditions held. */
  readonly succeeded: boolean;
  readonly position: Position;
  /** Of the branch that was taken, in order. */
  readonly steps: readonly TxnStep[];
}

type Client = Pick<FileClient, 'seen' | 'stat' | 'submit'>;

/** Names nothing: an op that carries it is refused where its branch is taken, and harmless where it is not. */
const NO_DOT: Dot = { session: asSessionId(new Uint8Array(32)), seq: 0, index: 0 };

const list = must('an array of objects', (value) => Array.isArray(value) && value.every(isObject));

/**
 * Reads what the ops replace, and submits.
 * @throws FattyError `bad_argument`, the code of the op that was refused, `access_denied`…
 */
export async function transact(
  client: Client,
  spec: TxnSpec,
  options: CallOptions,
): Promise<TxnDone> {
  checkArgument('txn', must('an object', isObject), spec);
  const { compares = [], success = [], failure = [] } = spec;
  for (const [name, value] of Object.entries({ compares, success, failure })) {
    checkArgument(name, list, value);
  }
  const op: Op = {
    kind: 'txn',
    compares: compares.map(compareOf),
    success: await branchOf(client, 'success', success, options),
    failure: await branchOf(client, 'failure', failure, options),
  };
  const [only, ...more] = [...op.success, ...op.failure];
  const about = only !== undefined && more.length === 0 ? only.path : undefined;
  const [result] = await client.submit([op], options, about);
  const { succeeded, position } = expectResult(result, 'txnDone', about);
  const taken = succeeded ? op.success : op.failure;
  return { succeeded, position, steps: taken.map((one, part) => stepOf(one, position, part)) };
}

function stepOf(op: FileOp, { commit, index }: Position, part: number): TxnStep {
  const position = { commit, index: index + part };
  const path = op.kind === 'createSequential' ? sequentialPath(op.path, position) : op.path;
  return { path, position };
}

function compareOf(compare: TxnCompare, i: number): Compare {
  const { path } = compare;
  if ('exists' in compare) return { kind: 'exists', path, exists: compare.exists };
  if ('held' in compare) return { kind: 'held', path, lockGen: compare.held };
  if ('generation' in compare) {
    const { of = 'contentGen', is = 'equal', generation: position } = compare;
    return { kind: 'generation', path, of, is, position };
  }
  if (!('content' in compare)) {
    throw wrong(`compares[${i}]`, 'exists, generation, content or held', compare);
  }
  const checksum = sha256(bytesOf(compare.content, `compares[${i}].content`));
  return { kind: 'checksum', path, is: compare.is ?? 'equal', checksum };
}

function wrong(at: string, expected: string, actual: object): Error {
  const names = Object.keys(actual).join(', ');
  return clientError('bad_argument', `${at}: ${expected}`, names === '' ? 'neither' : names);
}

async function branchOf(
  client: Client,
  name: string,
  ops: readonly TxnOp[],
  options: CallOptions,
): Promise<readonly FileOp[]> {
  return Promise.all(ops.map((op, i) => fileOp(client, op, `${name}[${i}]`, options)));
}

async function fileOp(
  client: Client,
  op: TxnOp,
  at: string,
  options: CallOptions,
): Promise<FileOp> {
  if ('create' in op) return createOf(op, at);
  if ('remove' in op) {
    const { remove: path } = op;
    const found = await unlessAbsent(client.stat(path, options));
    return { kind: 'remove', path, dots: found?.dots ?? [NO_DOT] };
  }
  if ('put' in op) return putOf(client, op, at, options);
  throw wrong(at, 'create, put or remove', op);
}

function createOf(op: Extract<TxnOp, { readonly create: string }>, at: string): FileOp {
  const { create: path, node = 'file', mode = 'shared', ephemeral = false } = op;
  const { exclusive = true, sequential = false } = op;
  const what = { path, node, mode, ephemeral, content: bytesOf(op.content ?? '', `${at}.content`) };
  if (sequential) return { kind: 'createSequential', ...what };
  return { kind: 'create', ...what, exclusive };
}

async function putOf(
  client: Client,
  op: Extract<TxnOp, { readonly put: string }>,
  at: string,
  options: CallOptions,
): Promise<FileOp> {
  const { put: path, generation, lock: lockGen } = op;
  const content = bytesOf(op.content, `${at}.content`);
  if (generation !== undefined || lockGen !== undefined) {
    return { kind: 'compareAndSet', path, content, generation, lockGen };
  }
  const seen = await unlessAbsent(client.seen(path, options));
  if (seen === undefined) return createOf({ create: path, content }, at);
  return { kind: 'write', path, content, observed: seen.dots };
}

async function unlessAbsent<T extends Stat | SeenFile>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (isFattyError(error, 'not_found')) return undefined;
    throw error;
  }
}
