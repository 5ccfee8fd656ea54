// What is to be said of the members of today, and of the own key among them.
import { equalBytes, toHex } from '@fatty/codec';
import type { PublicKey } from '@fatty/interface';
import { quorum } from '@fatty/protocol';
import { bad, type Finding, good, warning } from './doctor/finding.ts';
import type { ShownChange, ShownMotion } from './members-shown.ts';
import { goneWith, type Today } from './members-today.ts';

/** So much of a key tells it from others. */
const nameOf = (key = ''): string => key.slice(0, 16);

const words = ({ kind, old, key }: ShownChange): string =>
  [kind, nameOf(old), kind === 'replace' ? 'by' : '', nameOf(key)].filter((one) => one).join(' ');

function motionWords({ change, movers, needed, isReady }: ShownMotion): string {
  const ready = isReady === undefined ? '' : isReady ? ', ready' : ', not ready';
  return `${words(change)} (${movers.length} of ${needed} needed${ready})`;
}

/** Committee index of a key today; below 0: it is no member's. */
export function placeOf({ members }: Pick<Today, 'members'>, key: PublicKey | undefined): number {
  return members.findIndex((member) => key !== undefined && equalBytes(member, key));
}

/**
 * What the own key is in the cell.
 * @param isFollower its folder was made by `fatty join`
 */
export function examineOwnKey(
  today: Today,
  key: PublicKey | undefined,
  isFollower: boolean,
): Finding {
  const { epoch, members, cell } = today;
  const id = toHex(cell.cellId);
  const me = placeOf(today, key);
  if (me >= 0) return good('cell', `${id}, epoch ${epoch}, member ${me} of ${members.length}`);
  const gone = key && goneWith(today, key);
  if (gone !== undefined) {
    const detail = `${id}, epoch ${epoch}: this key is no member since epoch ${gone} ended`;
    return bad('cell', detail, 'stop it; its machine comes back under a new key, by "fatty join"');
  }
  if (isFollower && key) {
    const advice = `where members run: fatty member add ${toHex(key)}, or replace OLD by it`;
    return warning('cell', `${id}, epoch ${epoch}: this key follows, and is no member`, advice);
  }
  const isKnown = epoch === 0 || today.changes.length > 0;
  const advice = isKnown ? 'the key of a member, or a folder made by "fatty join"' : 'ask again';
  return bad('cell', `${id}, epoch ${epoch}: this key is no member`, advice);
}

/** Who came and went, who is to come and go; and whether the own replica knows. */
export function examineMembers(today: Today): Finding {
  const { epoch, members, changes, own } = today;
  const parts = [
    `epoch ${epoch}, ${members.length} members, quorum ${quorum(today)}`,
    ...changes.map((one) => `epoch ${one.epoch} ended with ${words(one)}`),
    ...(own?.motions ?? []).map((one) => `moved: ${motionWords(one)}`),
  ];
  const detail = parts.join('; ');
  if (own === undefined || own.epoch === epoch) return good('epoch', detail);
  const advice = 'it comes by itself when members are in reach; else restart it';
  return warning('epoch', `${detail}; this replica is in epoch ${own.epoch} yet`, advice);
}
