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
} from '@fatty/codec';
import type { Digest, Outcome, StateMachine } from '@fatty/interface';
import { type Commit, type CommitCore, commitShape, sealCommit } from '@fatty/order';
import {
  type Cert,
  type CertRules,
  certShape,
  checkCert,
  type Frame,
  frameRootOf,
  frameShape,
} from '@fatty/protocol';

/** A frame as it is kept, without its state. */
export interface StoredFrame {
  readonly frame: Frame;
  /** From `firstCommit` to `index`. */
  readonly commits: readonly CommitCore[];
  readonly cert: Cert;
  /** Of whose folder it is: no part of what others could use. */
  readonly author: number;
  /** The newest own block when it was kept, as SignedBlock bytes; empty when there was none. */
  readonly own: Uint8Array;
}

/** A frame that its certificate proves. */
export interface ProvedFrame {
  readonly stored: StoredFrame;
  readonly commits: readonly Commit[];
  /** The last of these: the one that is certified. */
  readonly last: Commit;
  readonly stateRoot: Digest;
}

const COMMITS_HARD_MAX = 1 << 20;
const BYTES_HARD_MAX = 4 * 1024 * 1024;
/** Beyond it no frame is read: some 2,000 commits of 256 blocks each. */
const HEAD_BYTES_MAX = 64 * 1024 * 1024;

/** Canonical form of {@link StoredFrame}. */
export const storedFrameShape: Shape<StoredFrame> = record({
  frame: frameShape,
  commits: array(commitShape, COMMITS_HARD_MAX),
  cert: certShape,
  author: u16,
  own: bytes(BYTES_HARD_MAX),
});

/**
 * Reads a kept frame and checks all of it: certificate, frame, chain of commits. Pure. Codes: those of
 * `decode` and of `checkCert`, `wrong_frame`.
 */
export function openFrame(rules: CertRules, head: Uint8Array): Outcome<ProvedFrame> {
  const stored = decode(storedFrameShape, head, HEAD_BYTES_MAX);
  if (!stored.ok) return stored;
  const { frame, cert, commits } = stored.value;
  const vote = checkCert(rules, cert);
  if (!vote.ok) return vote;
  if (!equalBytes(frameRootOf(frame), vote.value.frameRoot)) {
    return fail('wrong_frame', 'the frame that the certificate names', 'another');
  }
  const isSame = equalBytes(frame.commitDigest, vote.value.commitDigest);
  const chain = isSame ? chainOf(frame, commits) : undefined;
  const last = chain?.at(-1);
  if (chain === undefined || last === undefined) {
    const expected = `commits ${frame.firstCommit} to ${frame.index} of one chain`;
    return fail('wrong_frame', expected, 'others');
  }
  return ok({ stored: stored.value, commits: chain, last, stateRoot: vote.value.stateRoot });
}

/** The commits, when each is named by the next and the last one by the frame. */
function chainOf(frame: Frame, cores: readonly CommitCore[]): readonly Commit[] | undefined {
  const commits = cores.map(sealCommit);
  const isChain = commits.every((commit, i) => {
    const next = commits[i + 1]?.prevDigest ?? frame.commitDigest;
    return commit.index === frame.firstCommit + i && equalBytes(commit.digest, next);
  });
  return isChain && commits.at(-1)?.index === frame.index ? commits : undefined;
}

/**
 * Puts the state of a proved frame into a machine; one that is not what was signed leaves the machine empty.
 * Code `wrong_state`.
 */
export function restoreState(
  machine: StateMachine,
  { stateRoot }: ProvedFrame,
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
