// Batches inside a block: form, order, signatures (R11).
import { compareBytes, fail, failure, ok, type SignatureScheme, toHex } from '@fatty/codec';
import type { CellId, Digest, Failure, Outcome, Signature } from '@fatty/interface';
import { batchId, batchMessage, type Limits, openBatch, type SignedBatch } from '@fatty/protocol';
import { type CarriedBatch, CLIENT_KEYS_MAX, type ClosedBatch } from './block.ts';
import type { SeenCache } from './cache.ts';
import type { HeaderRules } from './header.ts';

/** What a batch's signature is judged by. Caches change no answer. */
export interface BatchRules {
  readonly cellId: CellId;
  readonly scheme: SignatureScheme;
  /** Batches whose signature and key were found good, by {@link batchKey}. */
  readonly batchVerified?: SeenCache;
  /** Client keys that passed admission, by hex: admission costs as much as several signatures. */
  readonly keyAdmitted?: SeenCache;
  /** The same batch, with the same signature, that this replica holds opened already. */
  readonly heldBatch?: (id: Digest, sig: Signature) => CarriedBatch | undefined;
}

/** Key of {@link BatchRules.batchVerified}: a signature is only good for the bytes it came with. */
export function batchKey(id: Digest, sig: Signature): string {
  return toHex(id) + toHex(sig);
}

/** R11: the order of batches inside a block, by (session, seq). */
export function compareBatches(a: ClosedBatch, b: ClosedBatch): number {
  return compareBytes(a.batch.session, b.batch.session) || a.batch.seq - b.batch.seq;
}

/** Reads one batch: form only, its ops stay closed unless it is held. Codes of `openBatch`. */
export function readBatch(
  signed: SignedBatch,
  limits: Limits,
  heldBatch?: BatchRules['heldBatch'],
): Outcome<ClosedBatch | CarriedBatch> {
  const id = batchId(signed.core);
  const held = heldBatch?.(id, signed.sig);
  if (held) return ok(held);
  const opened = openBatch(signed.core, limits);
  return opened.ok ? ok({ id, batch: opened.value, signed }) : opened;
}

/** The ops of a batch as far as they can be opened, and why the next one cannot. */
export interface OpenedOps {
  readonly opened: readonly unknown[];
  readonly flaw: Failure | undefined;
}

/** Opens the ops of a batch, in order, up to the first that cannot be opened. */
export function openOps(
  { batch }: ClosedBatch,
  open: (bytes: Uint8Array) => Outcome<unknown>,
): OpenedOps {
  const opened: unknown[] = [];
  for (const bytes of batch.ops) {
    const op = open(bytes);
    if (!op.ok) return { opened, flaw: op.failure };
    opened.push(op.value);
  }
  return { opened, flaw: undefined };
}

/** R11: forms, counts and order of a block's batches; no signature yet, and no op opened. */
export function readBatches(
  all: readonly SignedBatch[],
  { committee, heldBatch }: Pick<HeaderRules, 'committee'> & Pick<BatchRules, 'heldBatch'>,
): Outcome<readonly (ClosedBatch | CarriedBatch)[]> {
  const { limits } = committee.params;
  const batches: (ClosedBatch | CarriedBatch)[] = [];
  const clients = new Set<string>();
  let ops = 0;
  for (const signed of all) {
    const next = readBatch(signed, limits, heldBatch);
    if (!next.ok) return next;
    ops += next.value.batch.ops.length;
    if (ops > limits.blockOpsMax) {
      return fail('too_many_block_ops', `at most ${limits.blockOpsMax}`, `${ops} or more`);
    }
    clients.add(toHex(next.value.batch.client));
    if (clients.size > CLIENT_KEYS_MAX) {
      return fail('too_many_keys', `at most ${CLIENT_KEYS_MAX} clients`, `${clients.size} or more`);
    }
    const before = batches[batches.length - 1];
    if (before && compareBatches(before, next.value) >= 0) {
      return fail('batches_unsorted', '(session, seq) strictly ascending', 'equal or below');
    }
    batches.push(next.value);
  }
  return ok(batches);
}

/** Key admission and signature of a client. Codes: `bad_key`, `bad_batch_signature`. */
export function checkBatchSignature(carried: ClosedBatch, rules: BatchRules): Failure | undefined {
  if (isVerified(carried, rules)) return undefined;
  const flaw = checkKey(carried, rules);
  if (flaw) return flaw;
  const { batch, signed } = carried;
  if (!rules.scheme.verify(batch.client, batchMessage(rules.cellId, signed.core), signed.sig)) {
    return BAD_SIGNATURE;
  }
  remember(carried, rules);
  return undefined;
}

/**
 * The same at a gateway's door, where a forged batch must cost little. The quick check comes first;
 * it passes whatever a client's library signs. The key's admission comes after it. What passes here
 * passes a block's check.
 */
export function checkBatchAtDoor(carried: ClosedBatch, rules: BatchRules): Failure | undefined {
  if (isVerified(carried, rules)) return undefined;
  const { batch, signed } = carried;
  if (!rules.scheme.accepts(batch.client, batchMessage(rules.cellId, signed.core), signed.sig)) {
    return BAD_SIGNATURE;
  }
  const flaw = checkKey(carried, rules);
  if (flaw) return flaw;
  remember(carried, rules);
  return undefined;
}

const BAD_SIGNATURE = failure('bad_batch_signature', 'signature of the client', 'another');

function isVerified({ id, signed }: ClosedBatch, { batchVerified }: BatchRules): boolean {
  return batchVerified?.has(batchKey(id, signed.sig)) ?? false;
}

function remember({ id, signed }: ClosedBatch, { batchVerified }: BatchRules): void {
  batchVerified?.add(batchKey(id, signed.sig));
}

function checkKey(
  { batch }: ClosedBatch,
  { scheme, keyAdmitted }: BatchRules,
): Failure | undefined {
  const client = toHex(batch.client);
  if (keyAdmitted?.has(client)) return undefined;
  const admitted = scheme.admit(batch.client);
  if (admitted.kind !== 'accept') return admitted;
  keyAdmitted?.add(client);
  return undefined;
}
