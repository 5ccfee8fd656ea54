// Parts of a state, held to its root.
import { decode, equalBytes, fail, hash, ok, type Shape } from '@fatty/codec';
import { checkPath, type Path, SEGMENT_BYTES_MAX } from '@fatty/crdt';
import type { Digest, Outcome } from '@fatty/interface';
import { checkKey, valueDigest } from '@fatty/trie';
import { type EntryProof, type PathProof, RECORD_BYTES_MAX } from './proofs.ts';
import { type NodeRecord, nodeRecordShape, type StateRecord, stateRecordShape } from './records.ts';

/** A proof that does not show what it has to. Code `bad_proof`. */
export function badProof(expected: string, actual: string): Outcome<never> {
  return fail('bad_proof', expected, actual);
}

/** The record that this state root is the hash of. Codes of `decode`, `wrong_root`. */
export function checkState(stateRoot: Digest, state: Uint8Array): Outcome<StateRecord> {
  if (!equalBytes(hash('state', state), stateRoot)) {
    return fail('wrong_root', 'the state that was certified', 'another');
  }
  return decode(stateRecordShape, state, RECORD_BYTES_MAX);
}

/** The value of a key in the trie of this root; undefined: the key is not in it. */
export function checkEntry(
  root: Digest,
  key: Uint8Array,
  { step, value }: EntryProof,
): Outcome<Uint8Array | undefined> {
  const found = checkKey(root, key, step, RECORD_BYTES_MAX);
  if (!found.ok) return found;
  if (found.value === undefined) {
    return value === undefined ? ok(value) : badProof('no value of a key that is not there', 'one');
  }
  if (value !== undefined && equalBytes(valueDigest(value), found.value)) return ok(value);
  return badProof('the value that the root covers', value === undefined ? 'none' : 'another');
}

/** {@link checkEntry}, the value read. */
export function readEntry<T>(
  root: Digest,
  key: Uint8Array,
  entry: EntryProof,
  shape: Shape<T>,
): Outcome<T | undefined> {
  const value = checkEntry(root, key, entry);
  if (!value.ok || value.value === undefined) return value.ok ? ok(undefined) : value;
  return decode(shape, value.value, RECORD_BYTES_MAX);
}

/**
 * The node at a path of the namespace with this root (`StateRecord.names`); undefined: there is none.
 * Codes of `decode` and `checkKey`, `bad_path`, `bad_proof`, `wrong_root`.
 */
export function checkNodeAt(
  names: Digest,
  path: Path,
  { records, steps }: PathProof,
): Outcome<NodeRecord | undefined> {
  const checked = checkPath(path);
  if (!checked.ok) return checked;
  const top = records[0];
  if (top === undefined || !equalBytes(hash('tree', top), names)) {
    return fail('wrong_root', 'the namespace that was certified', 'another');
  }
  let bytes = top;
  for (const [depth, segment] of path.entries()) {
    const node = decode(nodeRecordShape, bytes, RECORD_BYTES_MAX);
    if (!node.ok) return node;
    const { children } = node.value;
    // Nothing is below a file.
    if (children === undefined) return endsAt(depth, depth, records, steps);
    const step = steps[depth];
    if (step === undefined) return badProof(`a step for name ${depth}`, 'none');
    const found = checkKey(children.root, segment, step, SEGMENT_BYTES_MAX);
    if (!found.ok) return found;
    if (found.value === undefined) return endsAt(depth, depth + 1, records, steps);
    const next = records[depth + 1];
    if (next === undefined || !equalBytes(valueDigest(next), found.value)) {
      return badProof(
        'the record that the directory covers',
        next === undefined ? 'none' : 'another',
      );
    }
    bytes = next;
  }
  const excess = endsAt(path.length, path.length, records, steps);
  return excess.ok ? decode(nodeRecordShape, bytes, RECORD_BYTES_MAX) : excess;
}

/** A proof has one form: nothing is left over behind the last record and step that were looked at. */
function endsAt(
  lastRecord: number,
  stepCount: number,
  records: readonly Uint8Array[],
  steps: readonly Uint8Array[],
): Outcome<undefined> {
  if (records.length === lastRecord + 1 && steps.length === stepCount) return ok(undefined);
  const expected = `${lastRecord + 1} records and ${stepCount} steps`;
  return badProof(expected, `${records.length} and ${steps.length}`);
}
