// The state root, computed from a snapshot alone.
import { utf8 } from '@fatty/codec';
import { rootByHand } from '../../../algorithms/crdt/test/root-by-hand.ts';
import { hashByHand, plainOf } from '../../../kernel/codec/test/by-hand.ts';
import { type Plain, reference } from '../../../kernel/codec/test/reference.ts';
import {
  bytesOf,
  listOf,
  sessionRootsByHand,
} from '../../../kernel/sessions/test/roots-by-hand.ts';
import { type Pair, trieByHand } from '../../../kernel/trie/test/by-hand.ts';

const [OWNER, DOTS, SIBLINGS, SLOT] = [1, 4, 11, 12];
const textOf = (item: Plain | undefined): string => Buffer.from(bytesOf(item)).toString();

/** [session, seq, index, mode, delay, position, deadline] of a snapshot as the trie of claims has it. */
function claimsByHand(rows: Plain | undefined, held: 0 | 1): readonly Pair[] {
  return listOf(rows).map((row) => {
    const [session, seq = 0, index = 0, mode = 0, delay = 0, position = 0, deadline = 0] =
      listOf(row);
    return [bytesOf(session), reference([seq, index, mode, delay, held, position, deadline])];
  });
}

function locksByHand(locks: Plain | undefined): Uint8Array {
  const pairs = listOf(locks).map((lock): Pair => {
    const [path, holders, queue, allFrom = 0, exclusiveFrom = 0] = listOf(lock);
    const claims = [...claimsByHand(holders, 1), ...claimsByHand(queue, 0)];
    const record = [allFrom, exclusiveFrom, trieByHand(claims), claims.length];
    return [utf8(String(path)), reference(record)];
  });
  return trieByHand(pairs);
}

interface Line {
  readonly path: string;
  readonly body: readonly Plain[];
}

/** The lines of a tree with their paths. */
function linesOf(names: Plain): readonly Line[] {
  const spine: string[] = [];
  return listOf(names).map((line) => {
    const [depth, name, body] = listOf(line);
    spine.length = Number(depth);
    if (Number(depth) > 0) spine[Number(depth) - 1] = textOf(name);
    return { path: `/${spine.join('/')}`, body: listOf(body) };
  });
}

/** Machines (1) or jobs (2) by path, without the tag that a snapshot has before them. */
function slotsByHand(lines: readonly Line[], tag: number): Uint8Array {
  const pairs = lines.flatMap(({ path, body }): Pair[] => {
    const [kind, ...slot] = listOf(listOf(body[SLOT])[0] ?? []);
    return kind === tag ? [[utf8(path), reference(slot)]] : [];
  });
  return trieByHand(pairs);
}

/** Creates count for whoever made them, contents for the owner of their node. */
function quotasByHand(lines: readonly Line[]): Uint8Array {
  const accounts = new Map<string, { key: Uint8Array; nodes: number; bytes: number }>();
  const charge = (key: Uint8Array, nodes: number, bytes: number): void => {
    const hex = Buffer.from(key).toString('hex');
    const account = accounts.get(hex) ?? { key, nodes: 0, bytes: 0 };
    accounts.set(hex, { key, nodes: account.nodes + nodes, bytes: account.bytes + bytes });
  };
  for (const { body } of lines) {
    for (const dot of listOf(body[DOTS])) charge(bytesOf(listOf(dot)[1]), 1, 0);
    for (const sibling of listOf(body[SIBLINGS])) {
      charge(bytesOf(body[OWNER]), 0, bytesOf(listOf(sibling)[2]).length);
    }
  }
  const used = [...accounts.values()].filter(({ nodes, bytes }) => nodes > 0 || bytes > 0);
  return trieByHand(used.map(({ key, nodes, bytes }): Pair => [key, reference([nodes, bytes])]));
}

/** The fields of the state record, from the bytes of a snapshot alone. */
export function stateRecordByHand(snapshot: Uint8Array): readonly Plain[] {
  const [tables, names] = listOf(plainOf(snapshot)).map((part) => plainOf(bytesOf(part)));
  const [head = [], sessions, graves, floors, locks, keys] = listOf(tables);
  const lines = linesOf(names ?? []);
  return [
    head,
    rootByHand(names ?? [], (slot) => listOf(listOf(slot)[0] ?? [])[0] ?? 0),
    ...sessionRootsByHand(sessions, graves, floors),
    locksByHand(locks),
    slotsByHand(lines, 1),
    quotasByHand(lines),
    slotsByHand(lines, 2),
    trieByHand(
      listOf(keys).map((row): Pair => {
        const [key, ...record] = listOf(row);
        return [bytesOf(key), reference(record)];
      }),
    ),
  ];
}

/** The state root, computed from nothing: none of the code under test is called. */
export function stateRootByHand(snapshot: Uint8Array): Uint8Array {
  return hashByHand('state', reference(stateRecordByHand(snapshot)));
}
