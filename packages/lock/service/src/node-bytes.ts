// What a node counts for its owner, in bytes.
import type { Node } from './names.ts';

/** So much of each ACL is free, bytes: an owner who has used up his quota stops nobody from restricting. */
const ACL_BYTES_FREE = 256;

/** What an ACL counts for the owner of its node, bytes. */
export function aclCost({ acl }: Pick<Node, 'acl'>): number {
  return acl === undefined ? 0 : Math.max(0, acl.bytes.length - ACL_BYTES_FREE);
}

/** Bytes of all concurrent contents of a file. */
export function contentBytes(node: Node): number {
  return node.siblings.reduce((sum, one) => sum + one.bytes.length, 0);
}
