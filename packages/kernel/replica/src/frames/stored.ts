// A frame as it is kept on disk.
import {
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
} from '@fatty/codec';
import type { Digest, Outcome, StateMachine } from '@fatty/interface';
import {
  type Cert,
  type CertRules,
  certShape,
  checkCert,
  type Frame,
  frameRootOf,
  frameShape,
  type Vote,
} from '@fatty/protocol';

/** A frame as it is kept, without its payload. */
export interface StoredFrame {
  readonly frame: Frame;
  readonly cert: Cert;
  /** Of whose folder it is: no part of what others could use. */
  readonly author: number;
  /** The newest own block when it was kept, as SignedBlock bytes; empty when there was none. */
  readonly own: Uint8Array;
}

/** A frame that its certificate proves. */
export interface ProvedFrame {
  readonly stored: StoredFrame;
  readonly stateRoot: Digest;
}

const BYTES_HARD_MAX = 4 * 1024 * 1024;
/** Beyond it no head is read. */
const HEAD_BYTES_MAX = 8 * 1024 * 1024;

/** Canonical form of {@link StoredFrame}. */
export const storedFrameShape: Shape<StoredFrame> = record({
  frame: frameShape,
  cert: certShape,
  author: u16,
  own: bytes(BYTES_HARD_MAX),
});

/**
 * Reads the head of a kept frame and checks it: certificate and frame. Pure. Codes: those of `decode` and of
 * {@link proveFrame}.
 */
export function openFrame(rules: CertRules, head: Uint8Array): Outcome<ProvedFrame> {
  const stored = decode(storedFrameShape, head, HEAD_BYTES_MAX);
  if (!stored.ok) return stored;
  const vote = proveFrame(rules, stored.value);
  return vote.ok ? ok({ stored: stored.value, stateRoot: vote.value.stateRoot }) : vote;
}

/** Pure: a certificate proves a frame when it names it. Codes: those of `checkCert`, `wrong_frame`. */
export function proveFrame(
  rules: CertRules,
  { frame, cert }: Pick<StoredFrame, 'frame' | 'cert'>,
): Outcome<Vote> {
  const vote = checkCert(rules, cert);
  if (!vote.ok) return vote;
  const { frameRoot, commitDigest, index } = vote.value;
  const isNamed = equalBytes(frameRootOf(frame), frameRoot);
  const isSame = equalBytes(frame.commitDigest, commitDigest) && frame.index === index;
  if (isNamed && isSame) return vote;
  return fail('wrong_frame', 'the frame that the certificate names', 'another');
}

/**
 * Puts the state of a proved frame into a machine; one that is not what was signed leaves the machine empty.
 * Code `wrong_state`.
 */
export function restoreState(
  machine: StateMachine,
  stateRoot: Digest,
  state: Uint8Array,
): Outcome<true> {
  const empty = machine.fresh().snapshot();
  if (hasRoot(machine, stateRoot, state)) return ok(true);
  machine.restore(empty);
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
