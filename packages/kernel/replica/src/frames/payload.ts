// The bytes that bring another replica to a commit.
import { array, decode, encode, equalBytes, fail, ok } from '@fatty/codec';
import type { Digest, Outcome } from '@fatty/interface';
import { type Commit, type CommitCore, commitShape, sealCommit } from '@fatty/order';
import { CHUNKS_MAX, chunkDigestOf, type Frame, type FrameCopy } from '@fatty/protocol';

const COMMITS_HARD_MAX = 1 << 20;
/** Beyond it no commits are read: some 2,000 of 256 blocks each. */
const COMMITS_BYTES_MAX = 64 * 1024 * 1024;
const commitsShape = array(commitShape, COMMITS_HARD_MAX);

/** A payload, and what a frame says of it. */
export interface Payload {
  readonly copy: FrameCopy;
  readonly bytes: Uint8Array;
}

/** A payload taken apart. */
export interface OpenPayload {
  readonly commits: readonly Commit[];
  /** The last of these: the one that is certified. */
  readonly last: Commit;
  /** Snapshot of the state. */
  readonly state: Uint8Array;
}

/** Pure. Undefined: it has more chunks than a frame can name. */
export function payloadOf(
  commits: readonly Commit[],
  state: Uint8Array,
  chunkBytes: number,
): Payload | undefined {
  const head = encode(commitsShape, commits.map(coreOf));
  const bytes = new Uint8Array(head.length + state.length);
  bytes.set(head);
  bytes.set(state, head.length);
  const count = Math.ceil(bytes.length / chunkBytes);
  if (count > CHUNKS_MAX) return undefined;
  const chunks: Digest[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    chunks.push(chunkDigestOf(bytes.subarray(at, at + chunkBytes)));
  }
  const sizes = { commitsBytes: head.length, stateBytes: state.length, chunkBytes };
  return { copy: { ...sizes, chunks }, bytes };
}

/**
 * Pure: takes apart the payload of a frame. Whether the state is the right one its root says. Codes: those of
 * `decode`, `wrong_frame`, `wrong_state`.
 */
export function openPayload(frame: Frame, payload: Uint8Array): Outcome<OpenPayload> {
  const { copy } = frame;
  if (copy === undefined) return fail('wrong_frame', 'a frame with a payload', 'one without');
  const bytes = copy.commitsBytes + copy.stateBytes;
  if (payload.length !== bytes) {
    return fail('wrong_state', `a payload of ${bytes} bytes`, `${payload.length}`);
  }
  const cores = decode(commitsShape, payload.subarray(0, copy.commitsBytes), COMMITS_BYTES_MAX);
  if (!cores.ok) return cores;
  const commits = chainOf(frame, cores.value);
  const last = commits?.at(-1);
  if (commits === undefined || last === undefined) {
    const expected = `commits ${frame.firstCommit} to ${frame.index} of one chain`;
    return fail('wrong_frame', expected, 'others');
  }
  return ok({ commits, last, state: payload.subarray(copy.commitsBytes) });
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

/** What the digest of a commit covers. */
function coreOf(commit: Commit): CommitCore {
  const { index, prevDigest, leader, blocks, commitTs, leaseClock, horizon } = commit;
  return { index, prevDigest, leader, blocks, commitTs, leaseClock, horizon };
}
