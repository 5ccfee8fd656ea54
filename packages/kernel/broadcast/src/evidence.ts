// The record of a lie: two signed headers that no honest author signs.
import { ACCEPT, compareBytes, decode, equalBytes, reject } from '@fatty/codec';
import type { Outcome, Verdict } from '@fatty/interface';
import {
  type BlockHead,
  type Evidence,
  HEADER_BYTES_MAX,
  type Header,
  headerDigest,
  headerShape,
  type SignedHeader,
} from './block.ts';
import { checkHeader, type HeaderRules, openHeader } from './header.ts';

function headerOf(signed: SignedHeader): SignedHeader {
  return { header: signed.header, sig: signed.sig };
}

/**
 * R14: `high` leaves out the slot that `low` of the same author fills, so that they are on no common
 * chain. An honest block's own parent is its author's last one, however many rounds it left out.
 */
export function hasSkipped(high: Header, low: Header): boolean {
  const own = high.parents[0];
  return own !== undefined && own.round < low.round && low.round < high.round;
}

/**
 * Evidence that one author filled one slot twice or left its chain: lower round first, in one slot
 * lower header digest first.
 */
export function contradiction(one: BlockHead, two: BlockHead): Evidence {
  const { round } = one.ref;
  const byDigest = compareBytes(one.ref.digest, two.ref.digest);
  const inOrder = (round - two.ref.round || byDigest) <= 0;
  const [a, b] = inOrder ? [one, two] : [two, one];
  return { a: headerOf(a.signed), b: headerOf(b.signed) };
}

/** Evidence that an author signed a header that is invalid by itself. */
export function selfContradiction(signed: SignedHeader): Evidence {
  return { a: headerOf(signed), b: headerOf(signed) };
}

/** Committee index of the accused. Only meaningful for evidence that `checkEvidence` accepted. */
export function evidenceAuthor(evidence: Evidence): number | undefined {
  const opened: Outcome<Header> = decode(headerShape, evidence.a.header, HEADER_BYTES_MAX);
  return opened.ok ? opened.value.author : undefined;
}

/**
 * Accepts only what no honest author can have signed: one slot twice, a slot and a later block that
 * leaves it out (both in one order, so that a contradiction has one encoding), or one header that
 * R8–R10 refuse. Codes of `openHeader` and `header_valid`, `different_slots`, `evidence_order`.
 */
export function checkEvidence(evidence: Evidence, rules: HeaderRules): Verdict {
  const a = openHeader(evidence.a, rules);
  if (a.kind !== 'accept') return a;
  if (equalBytes(evidence.a.header, evidence.b.header)) {
    if (!equalBytes(evidence.a.sig, evidence.b.sig)) {
      return reject('evidence_order', 'one signature of one header', 'two');
    }
    if (checkHeader(a.header, rules) !== undefined) return ACCEPT;
    return reject('header_valid', 'two headers, or one invalid', 'one valid header');
  }
  const b = openHeader(evidence.b, rules);
  if (b.kind !== 'accept') return b;
  return checkPair(a.header, b.header, evidence);
}

/** Two signed headers that differ. */
function checkPair(a: Header, b: Header, evidence: Evidence): Verdict {
  if (a.author === b.author && a.round === b.round) {
    const inOrder = compareBytes(headerDigest(evidence.a.header), headerDigest(evidence.b.header));
    if (inOrder <= 0) return ACCEPT;
    return reject('evidence_order', 'lower digest first', 'higher digest first');
  }
  if (a.author === b.author && hasSkipped(b, a)) return ACCEPT;
  if (a.author === b.author && hasSkipped(a, b)) {
    return reject('evidence_order', 'lower round first', 'higher round first');
  }
  return reject('different_slots', 'one slot, or one that the later block skipped', 'two slots');
}
