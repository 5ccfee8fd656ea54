// One example of everything that is said, signed and hashed.
import { rotationShape } from '@fatty/api';
import {
  bodyShape,
  evidenceShape,
  headerDigest,
  headerShape,
  signedBlockShape,
} from '@fatty/broadcast';
import { ACCEPT, decode, encode, type Readable, type Signer, toHex } from '@fatty/codec';
import { nodeScheme } from '@fatty/codec/node';
import { commitShape } from '@fatty/order';
import {
  batchId,
  batchShape,
  type ClientMessageOf,
  certShape,
  committeeShape,
  epochLinkShape,
  frameRootOf,
  frameShape,
  type GatewayMessageOf,
  keepAliveShape,
  motionShape,
  readyShape,
  signedBatchShape,
  signedStatementShape,
  signedVoteShape,
  signNow,
  voteShape,
} from '@fatty/protocol';
import type { PeerMessage } from '@fatty/replica';
import { acceptor, dialler, type LinkIdentity } from '../../packages/edge/network/src/handshake.ts';
import { handshakeShape } from '../../packages/edge/network/src/messages.ts';
import * as values from './values.ts';

/** One listing: its bytes are the canonical bytes of a value of this shape. */
export interface Example {
  readonly name: string;
  readonly shape: Readable<unknown>;
  readonly bytes: Uint8Array;
  /** Under the listing: what is made of the bytes. */
  readonly after?: readonly string[];
  readonly about?: string;
}

const line = (what: string, bytes: Uint8Array): string => `${what}: \`${toHex(bytes)}\``;

/** What is signed and hashed, in the order in which one thing needs another. */
export function objects(): readonly Example[] {
  const { committee, cellId, client, session, nonce, block, commit, frame, signedVote, cert } =
    values;
  return [
    {
      name: 'committee',
      shape: committeeShape,
      bytes: encode(committeeShape, committee),
      about: 'Of the genesis committee (R1). Members ascend by their keys’ bytes.',
      after: [line('cell id = H(cell, these bytes)', cellId)],
    },
    {
      name: 'batch',
      shape: batchShape,
      bytes: values.signedBatch.core,
      about: 'What a client signs (R3); `core` of a signed batch.',
      after: [
        line(`session = H(session, client key ‖ nonce ${toHex(nonce)} ‖ basis)`, session),
        line('id = H(batch, these bytes)', batchId(values.signedBatch.core)),
      ],
    },
    {
      name: 'signed batch',
      shape: signedBatchShape,
      bytes: encode(signedBatchShape, values.signedBatch),
      about: 'The signature is of type `batch`, by the client.',
      after: [line('client key', client.publicKey)],
    },
    {
      name: 'keep-alive',
      shape: keepAliveShape,
      bytes: values.keepAliveBytes,
      about:
        'An unsigned message (R3, R11). The i-th preimage of the chain that the session’s opening has committed to.',
      after: [line('anchor = H(keep-alive, H(keep-alive, preimage))', values.anchor)],
    },
    {
      name: 'evidence',
      shape: evidenceShape,
      bytes: encode(evidenceShape, values.evidence),
      about: 'Two signed headers of one author (R4.3).',
    },
    {
      name: 'body',
      shape: bodyShape,
      bytes: block.signed.body,
      about: 'What a block carries (R4, R11).',
      after: [line('bodyHash = H(body, these bytes)', block.header.bodyHash)],
    },
    {
      name: 'header',
      shape: headerShape,
      bytes: block.signed.header,
      about: 'What a member signs (R4, R9). Member 1 in round 2; its own parent comes first.',
      after: [
        line('digest = H(block, these bytes)', headerDigest(block.signed.header)),
        line(
          'virtual block of member 2 = H(virtual, cell id ‖ 0002)',
          values.virtualOfMember2.digest,
        ),
      ],
    },
    {
      name: 'signed block',
      shape: signedBlockShape,
      bytes: block.bytes,
      about:
        'As blocks travel and as the log keeps them. The signature is of type `block`, over the header.',
    },
    {
      name: 'commit',
      shape: commitShape,
      bytes: encode(commitShape, values.commitCore),
      about: 'One step of the order (R5). It is not sent: everybody computes it.',
      after: [line('digest = H(commit, these bytes)', commit.digest)],
    },
    {
      name: 'frame',
      shape: frameShape,
      bytes: encode(frameShape, frame),
      about: 'What, with the state, resumes a replica (R6.4).',
      after: [line('frameRoot = H(frame, these bytes)', frameRootOf(frame))],
    },
    {
      name: 'vote',
      shape: voteShape,
      bytes: signedVote.core,
      about: 'A member’s word on a checkpoint (R6.1); `core` of a signed vote.',
    },
    {
      name: 'signed vote',
      shape: signedVoteShape,
      bytes: encode(signedVoteShape, signedVote),
      about: 'The signature is of type `vote`.',
    },
    {
      name: 'certificate',
      shape: certShape,
      bytes: encode(certShape, cert),
      about: 'q votes of one content (R6.3): members 0, 1 and 2.',
    },
    {
      name: 'motion',
      shape: motionShape,
      bytes: coreOf(values.motion),
      about: 'A member wants a change (R30); `core` of a signed motion.',
    },
    {
      name: 'signed motion',
      shape: signedStatementShape,
      bytes: values.motion,
      about: 'The signature is of type `motion`.',
    },
    {
      name: 'ready',
      shape: readyShape,
      bytes: coreOf(values.ready),
      about: 'Whoever has this key follows (R30); `core` of a signed ready.',
    },
    {
      name: 'signed ready',
      shape: signedStatementShape,
      bytes: values.ready,
      about: 'The signature is of type `ready`, by the key itself.',
    },
    {
      name: 'rotation',
      shape: rotationShape,
      bytes: encode(rotationShape, { oldKey: client.publicKey, newKey: values.joiner.publicKey }),
      about:
        'One key of a client follows another: the new one signs it, type `rotation` (`proof` of the op `rotateKey`).',
    },
  ];
}

function coreOf(statement: Uint8Array): Uint8Array {
  const signed = decode(signedStatementShape, statement, statement.length);
  if (!signed.ok) throw new Error(signed.failure.code);
  return signed.value.core;
}

/** The four messages of a handshake: the client dials member 0. */
export function handshake(): readonly (Example & { readonly kind: string })[] {
  const ends = (signer: Signer, role: 'client' | 'replica'): LinkIdentity => {
    return {
      cellId: values.cellId,
      epoch: () => 0,
      role,
      signer,
      scheme: nodeScheme(),
      admit: () => ACCEPT,
    };
  };
  const limits = { messageBytesMax: 1_310_720, silenceMsMax: 5_000 };
  const dialling = dialler(ends(values.client, 'client'), (size) =>
    new Uint8Array(size).fill(0x33),
  );
  const accepting = acceptor(ends(values.signerAt(0), 'replica'), limits, (size) =>
    new Uint8Array(size).fill(0x44),
  );
  const said: { kind: string; name: string; shape: Readable<unknown>; bytes: Uint8Array }[] = [];
  let next = dialling.start();
  for (const [i, kind] of ['hello', 'challenge', 'proof', 'welcome'].entries()) {
    if (next === undefined) throw new Error(`${kind} is said`);
    said.push({ kind, name: kind, shape: handshakeShape, bytes: next });
    const step = (i % 2 === 0 ? accepting : dialling).step(next);
    if (!step.ok) throw new Error(step.failure.code);
    next = step.value.reply;
  }
  return said;
}

/** One of each message between replicas. */
export function peerMessages(): readonly PeerMessage[] {
  const { block, signedBatch, signedVote, cert, frame, voteEvidence } = values;
  return [
    { kind: 'push', block: block.bytes },
    { kind: 'getBlocks', refs: [block.ref] },
    { kind: 'blocks', blocks: [block.bytes] },
    { kind: 'getRounds', from: 1, to: 8 },
    { kind: 'rounds', from: 1, to: 8, blocks: [block.bytes], last: true },
    {
      kind: 'status',
      epoch: 0,
      lastOwnRound: 2,
      highestRound: 2,
      commitIndex: 1,
      yourRound: 1,
      ask: true,
    },
    { kind: 'clock', ms: values.GENESIS_TS + 30, ask: true },
    { kind: 'handOver', round: 3, batches: [signedBatch] },
    { kind: 'vote', vote: signedVote },
    { kind: 'cert', cert },
    { kind: 'getLinks', from: 0 },
    { kind: 'links', links: [{ frame, cert }] },
    { kind: 'getFrame', above: 16 },
    { kind: 'frame', fromRound: 1, offer: { frame: values.frame, cert } },
    { kind: 'getChunk', index: 1, n: 0 },
    { kind: 'chunk', index: 1, n: 0, bytes: values.op },
    { kind: 'accusation', accusation: { kind: 'votes', evidence: voteEvidence } },
    { kind: 'statement', statement: values.ready },
  ];
}

/** What a client says; `query` is an item of the algorithm. */
export function clientMessages(): readonly ClientMessageOf<Uint8Array>[] {
  const { signedBatch, keepAliveBytes, nonce, op } = values;
  return [
    { kind: 'submit', batch: signedBatch },
    { kind: 'unsigned', message: keepAliveBytes },
    { kind: 'read', request: 1, minCommit: 1, view: 'current', query: op },
    { kind: 'now', nonce },
    { kind: 'prove', request: 2, minCommit: 1, question: op },
    { kind: 'watch', watch: 3, topic: 'tree /config', from: { commit: 1, index: 0 }, room: 256 },
    { kind: 'watchMore', watch: 3, room: 128 },
    { kind: 'unwatch', watch: 3 },
    { kind: 'getLinks', from: 0 },
    { kind: 'ping', id: 7 },
    { kind: 'pong', id: 7 },
  ];
}

/** What a gateway says; `answer` is an item of the algorithm. */
export function gatewayMessages(): readonly GatewayMessageOf<Uint8Array>[] {
  const { cellId, cert, signedBatch, session, nonce, op } = values;
  const batch = batchId(signedBatch.core);
  const failure = {
    code: 'slow_down',
    expected: 'at most 5000 messages/s',
    actual: 'retry after 4 ms',
  };
  const [ts, leaseClock] = [values.GENESIS_TS + 40, values.commit.leaseClock];
  const reading = { nonce, ts, commit: 1, leaseClock, offset: 0 };
  return [
    { kind: 'receipt', batch, session, seq: 0, commit: 1, results: [op] },
    { kind: 'readResult', request: 1, commit: 1, view: 'current', answer: op },
    { kind: 'refused', batch, failure },
    signNow(cellId, values.signerAt(0), reading),
    { kind: 'notice', session, commit: 1, body: op },
    { kind: 'proved', request: 2, cert, proof: op },
    { kind: 'error', request: 1, failure },
    {
      kind: 'watched',
      watch: 3,
      until: { commit: 2, index: 0 },
      events: [{ position: { commit: 1, index: 0 }, body: op }],
    },
    { kind: 'watchEnded', watch: 3, first: 0, failure },
    { kind: 'links', epoch: 1, links: [encode(epochLinkShape, { frame: values.frame, cert })] },
    { kind: 'ping', id: 7 },
    { kind: 'pong', id: 7 },
  ];
}
