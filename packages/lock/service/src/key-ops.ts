// Ops on keys: one follows another, or nobody acts any more.
import { type ErrorResult, errorResult, type Op, type Result, rotationMessage } from '@fatty/api';
import { ACCEPT, reject, type SignatureScheme, toHex } from '@fatty/codec';
import type { CellId, PublicKey, Verdict } from '@fatty/interface';
import type { State } from './state.ts';
import type { Turn } from './turn.ts';

type Of<K extends Op['kind']> = Extract<Op, { kind: K }>;

/**
 * Whether the new key is one, and says itself that it follows the key that signed. Pure, so that it is part of
 * validity. Codes of `admit`, `bad_signature`.
 */
export function checkRotation(
  { newKey, proof }: Of<'rotateKey'>,
  oldKey: PublicKey,
  { cellId, scheme }: { readonly cellId: CellId; readonly scheme: SignatureScheme },
): Verdict {
  const admitted = scheme.admit(newKey);
  if (admitted.kind !== 'accept') return admitted;
  if (scheme.verify(newKey, rotationMessage(cellId, { oldKey, newKey }), proof)) return ACCEPT;
  return reject('bad_signature', 'the signature of the new key', 'another');
}

/** Codes `key_in_use`, `too_many_keys`, `cell_full`, `commit_full`. */
export function rotateKey(state: State, { newKey }: Of<'rotateKey'>, turn: Turn): Result {
  const { session, at, ledger } = turn;
  const { owner: name, client: oldKey, identity } = session;
  const own = state.sessions.countOf(name);
  const refusal =
    refuseUsed(state, newKey) ??
    state.keys.refuseMore(name, state.access.isAdministrator(name)) ??
    ledger.refuseFull(own);
  if (refusal) return refusal;
  ledger.spend(own);
  state.keys.rotate(oldKey, newKey, at);
  state.sessions.rekey(name, newKey);
  return { kind: 'keyRotated', identity, position: at };
}

/** Whoever has acted under this key would be cut off from what he has. */
function refuseUsed({ keys, sessions, accounts }: State, key: PublicKey): ErrorResult | undefined {
  const name = toHex(key);
  const isUsed = keys.recordOf(key) || sessions.countOf(name) > 0 || accounts.has(name);
  return isUsed ? errorResult('key_in_use', 'a fresh key', name) : undefined;
}

/**
 * What the identity's sessions hold goes when their leases do, for until then it may believe in them, whether it hears
 * of this or not (S13). Codes `access_denied`, `key_revoked`, `still_administrator`, `too_many_keys`, `cell_full`.
 */
export function revokeKey(state: State, { key }: Of<'revokeKey'>, turn: Turn): Result {
  const { session, at } = turn;
  const identity = state.keys.identityOf(key);
  const refusal = refuseRevocation(state, identity, session.owner);
  if (refusal) return refusal;
  state.keys.revoke(identity, at);
  state.sessions.seal(toHex(identity));
  return { kind: 'keyRevoked', identity, position: at };
}

function refuseRevocation(
  { access, keys }: State,
  identity: PublicKey,
  asker: string,
): ErrorResult | undefined {
  const name = toHex(identity);
  const isTrusted = access.isAdministrator(asker);
  if (asker !== name && !isTrusted) {
    return errorResult('access_denied', 'the client itself, or an administrator', asker);
  }
  if (keys.isRevoked(name)) return errorResult('key_revoked', 'a key that acts', name);
  // The list is never empty, so somebody is left who may change every list.
  if (access.isNamedAdministrator(name)) {
    return errorResult(
      'still_administrator',
      'a key that the change list of / does not name',
      name,
    );
  }
  const isKnown = keys.recordOf(keys.currentOf(identity)) !== undefined;
  return isKnown ? undefined : keys.refuseMore(name, isTrusted);
}
