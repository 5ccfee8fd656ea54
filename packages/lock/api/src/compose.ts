// What an application hands over, made into canonical bytes or refused.
import { decode, encode, type Flaw, fail, ok, quote, type Shape } from '@fatty/codec';
import type { Failure, Outcome, Verdict } from '@fatty/interface';
import { BLOCK_WEIGHT_MAX, type CellParams } from '@fatty/protocol';
import { checkOp, checkQuery } from './op-form.ts';
import { type Op, opShape } from './ops.ts';
import { splitPath } from './path.ts';
import { type Query, queryShape } from './queries.ts';
import { weightOf } from './weight.ts';

/** No query is longer, bytes: a path, and a name to go on after. */
const QUERY_BYTES_MAX = 64 * 1024;

function badArgument({ at, expected, actual }: Flaw): Outcome<never> {
  return fail('bad_argument', at === '' ? expected : `${at}: ${expected}`, actual);
}

/** Reading what a caller hands over may run code of his: getters, proxies. */
function guarded<T>(read: () => Outcome<T>): Outcome<T> {
  try {
    return read();
  } catch {
    return fail('bad_argument', 'plain data', 'an object that throws when it is read');
  }
}

/**
 * The bytes of what a caller hands over, who may write plain JavaScript: first its path, then the
 * kinds of its fields, then the rules of form, then the bounds of the encoding.
 */
function compose<T>(
  shape: Shape<T>,
  value: unknown,
  check: (value: T) => Verdict,
): Outcome<Uint8Array> {
  if (typeof value === 'object' && value !== null && 'path' in value) {
    const path = splitPath(value.path);
    if (!path.ok) return path;
  }
  const flaw = shape.flawOf(value);
  if (flaw !== undefined && !flaw.isBound) return badArgument(flaw);
  const verdict = check(value as T);
  if (verdict.kind !== 'accept') return fail(verdict.code, verdict.expected, verdict.actual);
  return flaw === undefined ? ok(encode(shape, value as T)) : badArgument(flaw);
}

/**
 * An op that nobody has checked yet, as bytes: what a client runs before anything is queued or
 * signed. Never throws. Codes: `bad_argument`, which names the field, and those of {@link checkOp}.
 */
export function composeOp(op: unknown, params: CellParams): Outcome<Uint8Array> {
  return guarded(() => compose<Op>(opShape, op, (known) => checkOp(known, params)));
}

/**
 * The ops of one batch, each as {@link composeOp}, and all of them within the cell's limits.
 * Never throws. Codes besides: `empty_batch`, `too_many_ops`, `op_too_large`, `too_heavy`, `too_large`.
 */
export function composeOps(ops: unknown, params: CellParams): Outcome<readonly Uint8Array[]> {
  return guarded(() => composeBatch(ops, params));
}

/** What a batch takes beside its ops, and an op beside its bytes; never less than it really is. */
const BATCH_HEAD_BYTES = 512;
const OP_HEAD_BYTES = 8;

function composeBatch(ops: unknown, params: CellParams): Outcome<readonly Uint8Array[]> {
  if (!Array.isArray(ops)) return fail('bad_argument', 'an array of ops', quote(ops));
  const { batchOpsMax, opBytesMax, batchBytesMax } = params.limits;
  if (ops.length === 0) return fail('empty_batch', 'at least one op', 'none');
  if (ops.length > batchOpsMax) {
    return fail('too_many_ops', `at most ${batchOpsMax}`, String(ops.length));
  }
  const composed: Uint8Array[] = [];
  let bytes = BATCH_HEAD_BYTES;
  let weight = 0;
  for (let i = 0; i < ops.length; i++) {
    const op = composeOp(ops[i], params);
    if (!op.ok) return ops.length === 1 ? op : inBatch(i, op.failure);
    if (op.value.length > opBytesMax) {
      return fail('op_too_large', `at most ${opBytesMax} bytes`, String(op.value.length));
    }
    bytes += op.value.length + OP_HEAD_BYTES;
    weight += weightOf(op.value);
    composed.push(op.value);
  }
  if (weight > BLOCK_WEIGHT_MAX) {
    return fail('too_heavy', `at most ${BLOCK_WEIGHT_MAX}`, String(weight));
  }
  if (bytes <= batchBytesMax) return ok(composed);
  return fail('too_large', `at most ${batchBytesMax} bytes`, String(bytes));
}

function inBatch(i: number, { code, expected, actual }: Failure): Outcome<never> {
  return fail(code, `op ${i}: ${expected}`, actual);
}

/**
 * A copy of a query that nobody has checked yet, which its caller cannot change any more. Never
 * throws. Codes: `bad_argument`, which names the field, and those of {@link checkQuery}.
 */
export function composeQuery(query: unknown): Outcome<Query> {
  const bytes = guarded(() => compose<Query>(queryShape, query, checkQuery));
  return bytes.ok ? decode(queryShape, bytes.value, QUERY_BYTES_MAX) : bytes;
}
