// A frame as it is kept on disk.
import {
  array,
  bytes,
  decode,
  encode,
  equalBytes,
  fail,
  isMachineFailure,
  ok,
  record,
  type Shape,
  u16,
  viewBytes,
} from '@fatty/codec';
import type { Digest, Outcome, StateMachine } from '@fatty/interface';
import {
  type Cert,
  type CertRules,
  certShape,
  checkCert,
  type EpochLink,
  type Frame,
  frameRootOf,
  frameShape,
  LINK_BYTES_MAX,
  openVote,
  type Vote,
} from '@fatty/protocol';

/** A frame as it is kept, without its payload. */
export interface StoredFrame {
  readonly frame: Frame;
  readonly cert: Cert;
  /** The chain from the genesis to the epoch of the frame (R31), each link as its canonical bytes. */
  readonly links: readonly Uint8Array[];
  /** Of whose folder it is: no part of what others could use. */
  readonly author: number;
  /** The newest own block when it was kept, as SignedBlock bytes; empty when there was none. */
  readonly own: Uint8Array;
}

/** A frame that its certificate proves. */
export interface ProvedFrame {
  readonly stored: StoredFrame;
  readonly stateRoot: Digest;
  /** It ended the epoch before: the state goes on, and nothing else of it. */
  readonly isBefore: boolean;
}

const BYTES_HARD_MAX = 4 * 1024 * 1024;
/** Beyond it no head is read: some thousands of epochs of the largest cell. */
export const HEAD_BYTES_MAX: number = 64 * 1024 * 1024;
const LINKS_HARD_MAX = 1 << 20;

/** Canonical form of {@link StoredFrame}. */
export const storedFrameShape: Shape<StoredFrame> = record({
  frame: frameShape,
  cert: certShape,
  links: array(viewBytes(LINK_BYTES_MAX), LINKS_HARD_MAX),
  author: u16,
  own: bytes(BYTES_HARD_MAX),
});

/** What a kept frame is held against. */
export interface FrameRules extends CertRules {
  /** The chain to the epoch of the rules, checked; the frame that ends the epoch before is good, too. */
  readonly links: readonly EpochLink[];
}

/**
 * Reads the head of a kept frame and checks it: certificate and frame. Pure. Codes: those of `decode` and of
 * {@link proveFrame}.
 */
export function openFrame(rules: FrameRules, head: Uint8Array): Outcome<ProvedFrame> {
  const stored = decode(storedFrameShape, head, HEAD_BYTES_MAX);
  if (!stored.ok) return stored;
  const before = rules.links.at(-1);
  const isBefore = before !== undefined && before.frame.epoch === stored.value.frame.epoch;
  const vote = isBefore ? proveBefore(before, stored.value.frame) : proveFrame(rules, stored.value);
  if (!vote.ok) return vote;
  return ok({ stored: stored.value, stateRoot: vote.value.stateRoot, isBefore });
}

/** The chain has the certificate of the final frame before, checked against that epoch's members. */
function proveBefore({ cert }: EpochLink, frame: Frame): Outcome<Vote> {
  const vote = openVote(cert.core);
  return vote.ok ? named(vote, frame) : vote;
}

/** Pure: a certificate proves a frame when it names it. Codes: those of `checkCert`, `wrong_frame`. */
export function proveFrame(
  rules: CertRules,
  { frame, cert }: Pick<StoredFrame, 'frame' | 'cert'>,
): Outcome<Vote> {
  const vote = checkCert(rules, cert);
  return vote.ok ? named(vote, frame) : vote;
}

function named(vote: Extract<Outcome<Vote>, { ok: true }>, frame: Frame): Outcome<Vote> {
  const { frameRoot, commitDigest, index } = vote.value;
  const isNamed = equalBytes(frameRootOf(frame), frameRoot);
  const isSame = equalBytes(frame.commitDigest, commitDigest) && frame.index === index;
  if (isNamed && isSame) return vote;
  return fail('wrong_frame', 'the frame that the certificate names', 'another');
}

/**
 * Puts the state of a proved frame into a machine without a past; one that is not what was signed leaves it as it was.
 * Code `wrong_state`.
 */
export function restoreState(
  machine: StateMachine,
  stateRoot: Digest,
  state: Uint8Array,
): Outcome<true> {
  const before = machine.snapshot();
  if (hasRoot(machine, stateRoot, state)) return ok(true);
  machine.restore(before);
  return fail('wrong_state', 'the state that the certificate names', 'another');
}

/** A snapshot that an algorithm cannot read is not the one it made. */
function hasRoot(machine: StateMachine, root: Digest, state: Uint8Array): boolean {
  try {
    machine.restore(state);
    return equalBytes(machine.root(), root);
  } catch (error) {
    if (isMachineFailure(error)) throw error;
    return false;
  }
}

/** The bytes that {@link openFrame} reads. */
export function encodeStored(stored: StoredFrame): Uint8Array {
  return encode(storedFrameShape, stored);
}
