// Static validity of a block (R8–R11a).
import { ACCEPT, decode, equalBytes, failure, reject } from '@fatty/codec';
import type {
  Ask,
  Failure,
  Outcome,
  Source,
  UnsignedRules,
  Validation,
  Verdict,
} from '@fatty/interface';
import { BLOCK_WEIGHT_MAX, memberKey, openStatements } from '@fatty/protocol';
import { type BatchRules, checkBatchSignature, openOps, readBatches } from './batch.ts';
import {
  type Block,
  type BlockHead,
  type Body,
  bodyDigest,
  bodyShape,
  type CarriedBatch,
  type ClosedBatch,
  type Evidence,
  type Header,
} from './block.ts';
import { checkEvidence, evidenceAuthor, selfContradiction } from './evidence.ts';
import { checkHeader, checkSigner, type HeaderRules } from './header.ts';
import { type OpenedBlock, openBlock } from './open.ts';
import { openAllUnsigned } from './unsigned.ts';

/** What a block is judged by. Only caches may differ between replicas: they change no answer. */
export interface BlockRules extends HeaderRules, BatchRules {
  /** The algorithm's: what its ops are, and which of them may be said (R11a). */
  readonly open: (bytes: Uint8Array) => Outcome<unknown>;
  readonly validate: (source: Source, op: unknown) => Validation;
  /** Without it, no block may carry unsigned messages. */
  readonly openUnsigned?: UnsignedRules['open'] | undefined;
}

/**
 * For the own log: what it holds was judged before it went in, and checksums have guarded it since. So
 * signatures, keys and `validate` are not looked at again; form, limits and hashes are.
 */
export function trusting(rules: BlockRules): BlockRules {
  const { committee, cellId, origin, open, openUnsigned } = rules;
  const scheme = { ...rules.scheme, verify: () => true, admit: () => ACCEPT };
  const validate = (): Validation => ACCEPT;
  return { committee, cellId, origin, scheme, open, validate, openUnsigned, isKnown: true };
}

/**
 * `author` is set when the flaw is provably the author's own (shun it); `evidence` when others can
 * be shown (a signed header invalid by itself). Neither: only the sender is at fault.
 */
export type Checked =
  | { readonly kind: 'accept'; readonly block: Block; readonly asks: readonly Ask[] }
  | ({ readonly kind: 'ignore' } & Failure)
  | ({
      readonly kind: 'reject';
      readonly author: number | undefined;
      readonly evidence: Evidence | undefined;
    } & Failure);

function refused(flaw: Failure, author?: number, evidence?: Evidence): Checked {
  const { code, expected, actual } = flaw;
  return { kind: 'reject', code, expected, actual, author, evidence };
}

/** {@link openBlock}, then {@link checkOpened}. */
export function checkBlock(bytes: Uint8Array, rules: BlockRules): Checked {
  const opened = openBlock(bytes, rules.committee.params.limits.blockBytesMax);
  return opened.ok ? checkOpened(opened.value, rules) : refused(opened.failure);
}

/**
 * Static validity (R8–R11a): pure, the same on live and sync paths. The block is good once every
 * ask is answered with accept, and {@link checkAgainstParent} holds where the parent is known.
 * Codes of `decode`, `checkSigner`, `checkHeader`, `checkEvidence`, `openBatch`, of the algorithm's
 * `open` and `validate`, of its unsigned messages, of `openStatements`, and: `body_mismatch`, `unexpected_field`, `sealed_batches`, `evidence_unsorted`,
 * `unsigned_unsorted`, `too_many_block_ops`, `too_many_keys`, `batches_unsorted`, `bad_key`,
 * `bad_batch_signature`, `too_heavy`, `too_many_proofs`.
 */
export function checkOpened(opened: OpenedBlock, rules: BlockRules): Checked {
  const { header, signed } = opened;
  const signer = checkSigner(header, signed, rules);
  if (signer.kind === 'ignore') return signer;
  if (signer.kind === 'reject') return refused(signer);
  const flaw = checkHeader(header, rules);
  if (flaw) return refused(flaw, header.author, selfContradiction(signed));
  if (!equalBytes(bodyDigest(signed.body), header.bodyHash)) {
    // Anyone can put another body next to a good header: the author is not to blame.
    return refused(failure('body_mismatch', 'the body the header names', 'another body'));
  }
  const body = decode(bodyShape, signed.body, rules.committee.params.limits.blockBytesMax);
  if (!body.ok) return refused(body.failure, header.author);
  return checkBody(opened, body.value, rules);
}

/** The body is bound by the signed header, so all its flaws are its author's. */
function checkBody(block: OpenedBlock, body: Body, rules: BlockRules): Checked {
  const { author } = block.header;
  const form = checkForm(block.header, body);
  if (form) return refused(form, author);
  const unsigned = openAllUnsigned(body.unsigned, rules.openUnsigned);
  if (!unsigned.ok) return refused(unsigned.failure, author);
  const flaw = checkAccusations(body, rules);
  if (flaw) return refused(flaw, author);
  const said = openStatements(rules, body.statements);
  if (!said.ok) return refused(said.failure, author);
  // Counts and order first: they bound the signatures and proofs that cost time.
  const batches = readBatches(body.batches, rules);
  if (!batches.ok) return refused(batches.failure, author);
  for (const batch of batches.value) {
    const bad = checkBatchSignature(batch, rules);
    if (bad) return refused(bad, author);
  }
  const opened = { ...block, body, unsigned: unsigned.value, statements: said.value };
  return validateOps(opened, batches.value, rules);
}

/** R10 and this version's closed fields. */
function checkForm(header: Header, body: Body): Failure | undefined {
  const future = body.coinShare.length;
  if (future > 0) return failure('unexpected_field', 'no coin share', `${future}`);
  if (header.seal && body.batches.length > 0) {
    return failure('sealed_batches', 'no batches after the seal', `${body.batches.length}`);
  }
  return undefined;
}

/** One accusation per author, ascending: at most n pairs of signatures to check. */
function checkAccusations(body: Body, rules: BlockRules): Failure | undefined {
  let last = -1;
  for (const evidence of body.evidence) {
    const accused = evidenceAuthor(evidence) ?? -1;
    if (accused <= last) return failure('evidence_unsorted', `author above ${last}`, `${accused}`);
    last = accused;
    const verdict = checkEvidence(evidence, rules);
    if (verdict.kind !== 'accept') return verdict;
  }
  return undefined;
}

/** R11a: the algorithm's own gate, op by op; slow checks come out as asks. */
function validateOps(
  block: Omit<Block, 'batches'>,
  closed: readonly (ClosedBatch | CarriedBatch)[],
  rules: BlockRules,
): Checked {
  const by = block.header.author;
  const author = memberKey(rules.committee, by);
  const proofsMax = rules.committee.params.limits.blockProofsMax;
  const batches: CarriedBatch[] = [];
  const asks: Ask[] = [];
  let weight = 0;
  for (const one of closed) {
    const { client, session, seq, basis } = one.batch;
    const { opened, flaw } =
      'opened' in one ? { ...one, flaw: undefined } : openOps(one, rules.open);
    for (const [index, op] of opened.entries()) {
      const answer = rules.validate({ client, session, seq, index, author, basis }, op);
      if (answer.kind === 'ignore') return answer;
      if (answer.kind === 'reject') return refused(answer, by);
      weight += answer.weight ?? 1;
      if (weight > BLOCK_WEIGHT_MAX) {
        const most = `at most ${BLOCK_WEIGHT_MAX}`;
        return refused(failure('too_heavy', most, `${weight} or more`), by);
      }
      if (answer.kind === 'ask') asks.push(answer);
      if (asks.length > proofsMax) {
        const most = `at most ${proofsMax}`;
        return refused(failure('too_many_proofs', most, `${asks.length} or more`), by);
      }
    }
    if (flaw) return refused(flaw, by);
    batches.push('opened' in one ? one : { ...one, opened });
  }
  return { kind: 'accept', block: { ...block, batches }, asks };
}

/**
 * R10, R11: what needs the own parent, checked once that is known.
 * Codes: `ts_backwards`, `seal_cleared`.
 */
export function checkAgainstParent(block: BlockHead, parent: BlockHead): Verdict {
  const { ts, seal } = block.header;
  if (ts < parent.header.ts) return reject('ts_backwards', `≥ ${parent.header.ts}`, `${ts}`);
  if (parent.header.seal && !seal) return reject('seal_cleared', 'sealed', 'not sealed');
  return ACCEPT;
}
