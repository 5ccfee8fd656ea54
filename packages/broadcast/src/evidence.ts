import { ACCEPT, compareBytes, decode, equalBytes, reject } from '@fatty/codec';
import type { Outcome, Verdict } from '@fatty/interface';
import {
  type Block,
  type Evidence,
  HEADER_BYTES_MAX,
  type Header,
  headerDigest,
  headerShape,
  type SignedBlock,
  type SignedHeader,
} from './block.ts';
import { checkHeader, type HeaderRules, openHeader } from './header.ts';

function headerOf(signed: SignedBlock): SignedHeader {
  return { header: signed.header, sig: signed.sig };
}

/** Evidence that one author filled one slot twice; the lower header digest goes first. */
export function contradiction(one: Block, two: Block): Evidence {
  const inOrder = compareBytes(one.ref.digest, two.ref.digest) <= 0;
  const [a, b] = inOrder ? [one, two] : [two, one];
  return { a: headerOf(a.signed), b: headerOf(b.signed) };
}

/** Evidence that an author signed a header that is invalid by itself. */
export function selfContradiction(signed: SignedBlock): Evidence {
  return { a: headerOf(signed), b: headerOf(signed) };
}

/** Committee index of the accused. Only meaningful for evidence that `checkEvidence` accepted. */
export function evidenceAuthor(evidence: Evidence): number | undefined {
  const opened: Outcome<Header> = decode(headerShape, evidence.a.header, HEADER_BYTES_MAX);
  return opened.ok ? opened.value.author : undefined;
}

/**
 * Accepts only what no honest author can have signed: one slot twice (ordered by digest, so that a
 * contradiction has one encoding), or one header that R8–R10 refuse.
 * Codes of `openHeader` and `header_valid`, `different_slots`, `evidence_order`.
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
  if (a.header.author !== b.header.author || a.header.round !== b.header.round) {
    return reject('different_slots', 'one author and one round', 'two slots');
  }
  if (compareBytes(headerDigest(evidence.a.header), headerDigest(evidence.b.header)) > 0) {
    return reject('evidence_order', 'lower digest first', 'higher digest first');
  }
  return ACCEPT;
}
