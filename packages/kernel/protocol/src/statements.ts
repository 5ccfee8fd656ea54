// What is said about the next committee: motions of members, and that a key is ready (R30).
import {
  bytes,
  compareBytes,
  decode,
  encode,
  fail,
  failure,
  ok,
  publicKey,
  record,
  type Shape,
  type Signer,
  signature,
  signedBytes,
  u16,
  u32,
  u53,
  union,
} from '@fatty/codec';
import type { CellId, Failure, Outcome, PublicKey, Signature } from '@fatty/interface';
import { type Change, changeShape, checkChange } from './changes.ts';
import type { CertRules } from './checkpoint.ts';

/** A member wants this change in this epoch. `number` grows with each motion of a member. */
export interface Motion {
  readonly epoch: number;
  readonly number: number;
  readonly change: Change;
}

/** Who has this key has the state of a commit and follows: it could be a member from the next epoch on. */
export interface Ready {
  readonly epoch: number;
  /** Of a certified commit whose state the signer has. */
  readonly index: number;
  readonly key: PublicKey;
}

/** As statements travel: canonical bytes of a motion or of a ready, and the signature over them. */
export type SignedStatement =
  | {
      readonly kind: 'motion';
      /** Committee index. */
      readonly author: number;
      readonly core: Uint8Array;
      readonly sig: Signature;
    }
  | { readonly kind: 'ready'; readonly core: Uint8Array; readonly sig: Signature };

/** A statement that is signed and can be meant. */
export type Statement =
  | ({ readonly kind: 'motion'; readonly author: number } & Motion)
  | ({ readonly kind: 'ready' } & Ready);

/** Most bytes of a signed statement; a change of parameters is the longest. */
export const STATEMENT_BYTES_MAX = 512;
/** Most statements of one block: each costs two signatures, and a fresh key what ten of them do. */
export const STATEMENTS_MAX = 16;

const CORE_BYTES_MAX = 384;

/** Canonical bytes of a motion, which its signature covers. */
export const motionShape: Shape<Motion> = record({ epoch: u32, number: u53, change: changeShape });

/** Canonical bytes of a ready, which its signature covers. */
export const readyShape: Shape<Ready> = record({ epoch: u32, index: u53, key: publicKey });

/** Canonical bytes of a signed statement. */
export const signedStatementShape: Shape<SignedStatement> = union<SignedStatement>({
  motion: [1, record({ author: u16, core: bytes(CORE_BYTES_MAX), sig: signature })],
  ready: [2, record({ core: bytes(CORE_BYTES_MAX), sig: signature })],
});

/** The bytes of a signed motion; `author`: index of the signer in the committee. */
export function signMotion(
  cellId: CellId,
  signer: Signer,
  author: number,
  motion: Motion,
): Uint8Array {
  const core = encode(motionShape, motion);
  const sig = signer.sign(signedBytes('motion', cellId, core));
  return encode(signedStatementShape, { kind: 'motion', author, core, sig });
}

/** The bytes of a signed ready. */
export function signReady(
  cellId: CellId,
  signer: Signer,
  ready: Pick<Ready, 'epoch' | 'index'>,
): Uint8Array {
  const { epoch, index } = ready;
  const core = encode(readyShape, { epoch, index, key: signer.publicKey });
  const sig = signer.sign(signedBytes('ready', cellId, core));
  return encode(signedStatementShape, { kind: 'ready', core, sig });
}

/**
 * Reads a statement and checks all of it against its epoch's committee; signatures last. Pure. Codes: those
 * of `decode`, of {@link checkChange}, and `wrong_epoch`, `not_a_member`, `already_member`, `bad_signature`.
 */
export function openStatement(rules: CertRules, input: Uint8Array): Outcome<Statement> {
  const signed = decode(signedStatementShape, input, STATEMENT_BYTES_MAX);
  if (!signed.ok) return signed;
  return signed.value.kind === 'motion'
    ? openMotion(rules, signed.value)
    : openReady(rules, signed.value);
}

function openMotion(
  rules: CertRules,
  { author, core, sig }: Extract<SignedStatement, { kind: 'motion' }>,
): Outcome<Statement> {
  const motion = decode(motionShape, core, CORE_BYTES_MAX);
  if (!motion.ok) return motion;
  const key = rules.committee.members[author];
  if (key === undefined) return fail('not_a_member', 'a motion of a member', `${author}`);
  const flaw =
    wrongEpoch(rules, motion.value.epoch) ??
    checkChange(rules.committee, motion.value.change, rules.scheme) ??
    badSignature(rules, key, 'motion', core, sig);
  return flaw ? { ok: false, failure: flaw } : ok({ kind: 'motion', author, ...motion.value });
}

function openReady(
  rules: CertRules,
  { core, sig }: Extract<SignedStatement, { kind: 'ready' }>,
): Outcome<Statement> {
  const ready = decode(readyShape, core, CORE_BYTES_MAX);
  if (!ready.ok) return ready;
  const { epoch, key } = ready.value;
  const flaw =
    wrongEpoch(rules, epoch) ??
    checkChange(rules.committee, { kind: 'add', key }, rules.scheme) ??
    badSignature(rules, key, 'ready', core, sig);
  return flaw ? { ok: false, failure: flaw } : ok({ kind: 'ready', ...ready.value });
}

function wrongEpoch({ committee }: CertRules, epoch: number): Failure | undefined {
  if (epoch === committee.epoch) return undefined;
  return failure('wrong_epoch', `epoch ${committee.epoch}`, `${epoch}`);
}

function badSignature(
  { cellId, scheme }: CertRules,
  key: PublicKey,
  domain: 'motion' | 'ready',
  core: Uint8Array,
  sig: Signature,
): Failure | undefined {
  if (scheme.verify(key, signedBytes(domain, cellId, core), sig)) return undefined;
  return failure('bad_signature', 'the signature of the key it names', 'another');
}

/**
 * The statements of one block: at most {@link STATEMENTS_MAX}, strictly ascending by their bytes. Codes:
 * `too_many_statements`, `statements_unsorted`, those of {@link openStatement}.
 */
export function openStatements(
  rules: CertRules,
  all: readonly Uint8Array[],
): Outcome<readonly Statement[]> {
  if (all.length > STATEMENTS_MAX) {
    return fail('too_many_statements', `at most ${STATEMENTS_MAX}`, `${all.length}`);
  }
  const opened: Statement[] = [];
  for (const [i, one] of all.entries()) {
    const before = all[i - 1];
    if (before && compareBytes(before, one) >= 0) {
      return fail('statements_unsorted', 'strictly ascending bytes', 'others');
    }
    const statement = openStatement(rules, one);
    if (!statement.ok) return statement;
    opened.push(statement.value);
  }
  return ok(opened);
}
