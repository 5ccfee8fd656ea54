// Static validity of a header (R8–R10).
import { ACCEPT, decode, equalBytes, failure, type SignatureScheme } from '@fatty/codec';
import type { CellId, Failure, Verdict } from '@fatty/interface';
import { type Committee, type Origin, quorum } from '@fatty/protocol';
import type { SignedHeader } from './block.ts';
import { HEADER_BYTES_MAX, type Header, headerMessage, headerShape, virtualRef } from './block.ts';

/** What a header is judged by; fixed for an epoch. */
export interface HeaderRules {
  readonly committee: Committee;
  readonly cellId: CellId;
  readonly scheme: SignatureScheme;
  /** Where the epoch begins; none: it is the first one of the cell. */
  readonly origin?: Origin | undefined;
  /** Set by `trusting`: these bytes were judged before. */
  readonly isKnown?: boolean;
}

type Refusal = Exclude<Verdict, { kind: 'accept' }>;

/** A header whose signature holds, or why nobody can be held to it. */
export type OpenedHeader = { readonly kind: 'accept'; readonly header: Header } | Refusal;

/**
 * R8: reads a header and ties it to its author. Past this point every flaw is the author's own.
 * Rejects with the codes of `decode`; beside that as {@link checkSigner}.
 */
export function openHeader(signed: SignedHeader, rules: HeaderRules): OpenedHeader {
  const opened = decode(headerShape, signed.header, HEADER_BYTES_MAX);
  if (!opened.ok) return { kind: 'reject', ...opened.failure };
  const verdict = checkSigner(opened.value, signed, rules);
  return verdict.kind === 'accept' ? { kind: 'accept', header: opened.value } : verdict;
}

/**
 * R8: whether the author that a header names has signed it, for this cell and epoch. Rejects with
 * `wrong_cell`, `unknown_author`, `bad_signature`; ignores with `other_epoch`.
 */
export function checkSigner(header: Header, signed: SignedHeader, rules: HeaderRules): Verdict {
  const { cellId, epoch, author } = header;
  if (!equalBytes(cellId, rules.cellId)) return refuse('wrong_cell', 'this cell', 'another cell');
  const ours = rules.committee.epoch;
  if (epoch !== ours) {
    return { kind: 'ignore', code: 'other_epoch', expected: `${ours}`, actual: `${epoch}` };
  }
  const key = rules.committee.members[author];
  if (key === undefined) {
    return refuse('unknown_author', `below ${rules.committee.members.length}`, `${author}`);
  }
  if (rules.isKnown) return ACCEPT;
  // The signature covers the received bytes, never a re-encoding of them.
  if (!rules.scheme.verify(key, headerMessage(rules.cellId, signed.header), signed.sig)) {
    return refuse('bad_signature', `signature of member ${author}`, 'another');
  }
  return ACCEPT;
}

function refuse(code: string, expected: string, actual: string): Refusal {
  return { kind: 'reject', code, expected, actual };
}

/**
 * R8–R10 for a signed header, from its own bytes alone; undefined when valid.
 * Codes: `round_zero`, `own_parent_missing`, `own_parent_round`, `parent_round`, `parent_order`,
 * `parent_unknown`, `parent_not_virtual`, `too_few_parents`.
 */
export function checkHeader(header: Header, rules: HeaderRules): Failure | undefined {
  const { round, author, parents } = header;
  if (round < 1) return failure('round_zero', 'at least 1', `${round}`);
  const own = parents[0];
  if (own === undefined || own.author !== author) {
    return failure('own_parent_missing', `a block of ${author} first`, `${own?.author ?? 'none'}`);
  }
  if (own.round >= round) return failure('own_parent_round', `below ${round}`, `${own.round}`);
  return checkOthers(header, rules) ?? checkVirtual(header, rules) ?? checkQuorum(header, rules);
}

/** R9: the others strictly ascend by author, so each author is referenced at most once. */
function checkOthers(header: Header, rules: HeaderRules): Failure | undefined {
  let last = -1;
  for (let i = 1; i < header.parents.length; i++) {
    const { round, author } = header.parents[i] as Header['parents'][number];
    if (round !== header.round - 1) {
      return failure('parent_round', `${header.round - 1}`, `${round}`);
    }
    if (author <= last || author === header.author) {
      return failure('parent_order', 'ascending authors, not its own', `${author}`);
    }
    if (author >= rules.committee.members.length) {
      return failure('parent_unknown', `below ${rules.committee.members.length}`, `${author}`);
    }
    last = author;
  }
  return undefined;
}

/** R9: at round 0 there are the epoch's virtual blocks and nothing else. */
function checkVirtual(header: Header, rules: HeaderRules): Failure | undefined {
  for (const parent of header.parents) {
    if (parent.round > 0) continue;
    const expected = virtualRef(rules.origin?.root ?? rules.cellId, parent.author);
    if (!equalBytes(parent.digest, expected.digest)) {
      return failure('parent_not_virtual', 'the virtual block', `another of ${parent.author}`);
    }
  }
  return undefined;
}

/** R10: own counts only if it is of the round before. */
function checkQuorum(header: Header, rules: HeaderRules): Failure | undefined {
  // Authors are distinct by R9, so counting refs counts authors.
  const below = header.parents.filter((parent) => parent.round === header.round - 1).length;
  const needed = quorum(rules.committee);
  if (below >= needed) return undefined;
  return failure('too_few_parents', `${needed} of round ${header.round - 1}`, `${below}`);
}
