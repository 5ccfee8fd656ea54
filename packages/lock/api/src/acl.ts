// Who may do what at a node: access control lists, and groups of keys.
import {
  ACCEPT,
  array,
  compareBytes,
  encode,
  fromHex,
  fromUtf8,
  publicKey,
  quote,
  record,
  reject,
  type Shape,
  text,
  toHex,
  union,
} from '@fatty/codec';
import type { PublicKey, Verdict } from '@fatty/interface';
import { joinPath, SEGMENT_BYTES_MAX, splitPath } from './path.ts';

/** Somebody that a list names. `group`: the keys in the file {@link groupPath}. */
export type Principal =
  | { readonly kind: 'anyone' }
  | { readonly kind: 'key'; readonly key: PublicKey }
  | { readonly kind: 'group'; readonly name: string };

/** `change`: of the lists themselves. */
export type AclList = 'read' | 'write' | 'change';

/** Who may do what at a node. Each list ascending in its bytes, nobody twice: see {@link aclOf}. */
export type Acl = { readonly [L in AclList]: readonly Principal[] };

/** All lists of an ACL, in the order of its bytes. */
export const ACL_LISTS: readonly AclList[] = ['read', 'write', 'change'];
/** Most principals of one list; more belong in a group. */
export const PRINCIPALS_MAX = 64;
/** Most groups among them: each is looked up for each client, and again after every change of a group. */
export const GROUPS_MAX = 8;
/** The directory of the groups. */
export const GROUPS_PATH = '/.groups';
/** A longer group file has no members. Bytes. */
export const GROUP_BYTES_MAX: number = 64 * 1024;

const ANYONE: readonly Principal[] = [{ kind: 'anyone' }];
/** What holds where nobody has restricted anything. */
export const OPEN_ACL: Acl = { read: ANYONE, write: ANYONE, change: ANYONE };

/** Canonical bytes of a principal. */
export const principalShape: Shape<Principal> = union<Principal>({
  anyone: [0, record({})],
  key: [1, record({ key: publicKey })],
  group: [2, record({ name: text(SEGMENT_BYTES_MAX) })],
});

const list = array(principalShape, PRINCIPALS_MAX);
/** Canonical bytes of an ACL. */
export const aclShape: Shape<Acl> = record<Acl>({ read: list, write: list, change: list });

function compare(a: Principal, b: Principal): number {
  return compareBytes(encode(principalShape, a), encode(principalShape, b));
}

/** An ACL of these principals: sorted, each once. */
export function aclOf(lists: Acl): Acl {
  const sorted = (principals: readonly Principal[]): readonly Principal[] =>
    [...principals]
      .sort(compare)
      .filter((one, i, all) => i === 0 || compare(all[i - 1] as Principal, one) !== 0);
  return { read: sorted(lists.read), write: sorted(lists.write), change: sorted(lists.change) };
}

/** The form of an ACL at this path. Code `bad_acl`. */
export function checkAcl(acl: Acl, path: string): Verdict {
  for (const name of ACL_LISTS) {
    const groups = acl[name].filter(({ kind }) => kind === 'group').length;
    if (groups > GROUPS_MAX) {
      return reject('bad_acl', `${name}: at most ${GROUPS_MAX} groups`, String(groups));
    }
    for (const [i, one] of acl[name].entries()) {
      const before = acl[name][i - 1];
      if (before !== undefined && compare(before, one) >= 0) {
        return reject('bad_acl', `${name}: principals in ascending order, each once`, `at ${i}`);
      }
      if (one.kind === 'group' && !isGroupName(one.name)) {
        return reject('bad_acl', `${name}: the name of a group`, quote(one.name));
      }
    }
  }
  // Nobody could ever set it right again.
  if (path !== '/' || acl.change.length > 0) return ACCEPT;
  return reject('bad_acl', 'somebody in the change list of /', 'nobody');
}

/** Whether a group can be called so. */
export function isGroupName(name: string): boolean {
  const segments = splitPath(`/${name}`);
  return segments.ok && segments.value.length === 1;
}

/** Where the keys of a group stand. */
export function groupPath(name: string): string {
  return joinPath([GROUPS_PATH.slice(1), name]);
}

/**
 * The keys in a group's file, in lower-case hex: one a line, blank lines and what follows a `#` apart. Other
 * lines name nobody; a file that is no UTF-8, or longer than {@link GROUP_BYTES_MAX}, has no members.
 */
export function groupKeys(content: Uint8Array): ReadonlySet<string> {
  const whole = content.length > GROUP_BYTES_MAX ? undefined : fromUtf8(content);
  const keys = new Set<string>();
  for (const line of whole?.split('\n') ?? []) {
    const [key = ''] = line.split('#');
    const bytes = fromHex(key.trim());
    if (bytes?.length === 32) keys.add(toHex(bytes));
  }
  return keys;
}
