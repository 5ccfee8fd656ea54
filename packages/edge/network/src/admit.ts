// Rules of who may be at the other end of a link.
import { ACCEPT, reject, toHex } from '@fatty/codec';
import type { PublicKey, Role, Verdict } from '@fatty/interface';

/** Admits exactly these keys, as replicas: the rule of a replica port and of every dialler. */
export function admitOnly(keys: Iterable<PublicKey>): (key: PublicKey, role: Role) => Verdict {
  const known = new Set(Array.from(keys, toHex));
  return (key, role) => {
    if (role !== 'replica') return reject('wrong_role', 'replica', role);
    return known.has(toHex(key)) ? ACCEPT : reject('stranger', 'a committee key', toHex(key));
  };
}

/** Admits every key in the client role: the rule of a client port. */
export function admitClients(_key: PublicKey, role: Role): Verdict {
  return role === 'client' ? ACCEPT : reject('wrong_role', 'client', role);
}
