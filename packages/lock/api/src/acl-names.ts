// Principals as people write them.
import { asPublicKey, excerpt, fail, fromHex, ok, quote, toHex } from '@fatty/codec';
import type { Outcome } from '@fatty/interface';
import { isGroupName, type Principal } from './acl.ts';

/** `anyone`, `group:NAME`, or a key as 64 hex digits. Code `bad_acl`. */
export function parsePrincipal(name: unknown): Outcome<Principal> {
  if (name === 'anyone') return ok({ kind: 'anyone' });
  if (typeof name === 'string' && name.startsWith('group:')) {
    const group = name.slice('group:'.length);
    if (isGroupName(group)) return ok({ kind: 'group', name: group });
  }
  const key = typeof name === 'string' ? fromHex(name) : undefined;
  if (key?.length === 32) return ok({ kind: 'key', key: asPublicKey(key) });
  const actual = typeof name === 'string' ? excerpt(name, 80) : quote(name);
  return fail('bad_acl', 'anyone, group:NAME, or a key as 64 hex digits', actual);
}

/** Inverse of {@link parsePrincipal}. */
export function showPrincipal(principal: Principal): string {
  if (principal.kind === 'anyone') return 'anyone';
  return principal.kind === 'key' ? toHex(principal.key) : `group:${principal.name}`;
}
