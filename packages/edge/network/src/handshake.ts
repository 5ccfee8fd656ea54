// The handshake: both ends prove their keys.
import {
  compareBytes,
  concatBytes,
  decode,
  encode,
  equalBytes,
  fail,
  ok,
  type SignatureScheme,
  type Signer,
  signedBytes,
} from '@fatty/codec';
import type { CellId, Outcome, PublicKey, Role, Signature, Verdict } from '@fatty/interface';
import {
  type Challenge,
  HANDSHAKE_BYTES_MAX,
  type HandshakeMessage,
  type Hello,
  handshakeShape,
  LINK_VERSIONS,
  NONCE_BYTES,
  type Transcript,
  transcriptShape,
  type WelcomeLimits,
  welcomeLimitsShape,
} from './messages.ts';

/** Who this end is and whom it talks to. */
export interface LinkIdentity {
  readonly cellId: CellId;
  /** The epoch right now; asked once per handshake. The other end may be in another one. */
  epoch(): number;
  /** What this end is. An acceptor is a replica. */
  readonly role: Role;
  readonly signer: Signer;
  readonly scheme: SignatureScheme;
  /**
   * Whether a key may link in a role; asked before any signature is looked at.
   * `reject` closes 4401 with the verdict's code, `ignore` closes 4429.
   */
  admit(key: PublicKey, role: Role): Verdict;
  /** Link protocol versions to offer or take. Default {@link LINK_VERSIONS}. */
  readonly versions?: readonly number[];
}

/** What the other end proved. */
export interface Peer {
  readonly key: PublicKey;
  readonly role: Role;
  /** Link protocol version in force. */
  readonly version: number;
  /** Largest message the peer takes, bytes. */
  readonly messageBytesMax: number;
}

/** One answer of a handshake: bytes to send, and the peer once everything is proved. */
export interface Step {
  readonly reply?: Uint8Array;
  /** The admitted key that the dialler says it has; nothing is proved yet. */
  readonly claimed?: PublicKey;
  readonly peer?: Peer;
}

/**
 * One end of the handshake, without IO. Failure codes: `malformed`, `wrong_version`, `wrong_cell`,
 * `wrong_role`, `own_key`, `bad_key`, `bad_signature`, `slow_down`, and whatever `admit` rejects with.
 * Links hold across epochs: who is behind learns on them of those that it has slept through (R31), and what
 * counts in one epoch only names that epoch itself.
 */
export interface Handshake {
  /** What this end says unasked. */
  start(): Uint8Array | undefined;
  step(message: Uint8Array): Outcome<Step>;
}

const encodeMessage = (message: HandshakeMessage): Uint8Array => encode(handshakeShape, message);

function read<K extends HandshakeMessage['kind']>(
  message: Uint8Array,
  kind: K,
): Outcome<Extract<HandshakeMessage, { kind: K }>> {
  const read = decode(handshakeShape, message, HANDSHAKE_BYTES_MAX);
  if (!read.ok) return fail('malformed', kind, read.failure.actual);
  if (read.value.kind !== kind) return fail('malformed', kind, read.value.kind);
  return ok(read.value as Extract<HandshakeMessage, { kind: K }>);
}

/** The checks both ends make of what the other claims. Undefined when it may go on. */
function refuse(self: LinkIdentity, peer: Hello | Challenge): Outcome<never> | undefined {
  if (!equalBytes(peer.cellId, self.cellId)) return fail('wrong_cell', 'our cell', 'another cell');
  if (equalBytes(peer.key, self.signer.publicKey)) {
    // Two live processes with one key would equivocate (R26): better no link than a twin.
    return fail('own_key', 'another key', 'our own key');
  }
  const admitted = self.admit(peer.key, peer.role);
  if (admitted.kind === 'reject') return fail(admitted.code, admitted.expected, admitted.actual);
  if (admitted.kind === 'ignore') return fail('slow_down', admitted.expected, admitted.actual);
  const form = self.scheme.admit(peer.key);
  return form.kind === 'accept' ? undefined : fail('bad_key', form.expected, form.actual);
}

const proofBytes = (transcript: Transcript): Uint8Array =>
  signedBytes('link-proof', transcript.cellId, encode(transcriptShape, transcript));

const welcomeBytes = (transcript: Transcript, limits: WelcomeLimits): Uint8Array =>
  signedBytes(
    'link-welcome',
    transcript.cellId,
    concatBytes(encode(transcriptShape, transcript), encode(welcomeLimitsShape, limits)),
  );

function transcriptOf(hello: Hello, challenge: Challenge): Transcript {
  return {
    versions: hello.versions,
    version: challenge.version,
    cellId: hello.cellId,
    epoch: hello.epoch,
    diallerRole: hello.role,
    acceptorRole: challenge.role,
    diallerKey: hello.key,
    acceptorKey: challenge.key,
    diallerNonce: hello.nonce,
    acceptorNonce: challenge.nonce,
  };
}

const badSignature = (): Outcome<never> =>
  fail('bad_signature', 'a signature over this handshake', 'another signature');

const early = (): Outcome<never> => fail('malformed', 'silence until asked', 'a message too many');

/** The accepting end: Hello in, Challenge out, Proof in, Welcome out. One use. */
export function acceptor(
  self: LinkIdentity,
  limits: WelcomeLimits,
  random: (size: number) => Uint8Array,
): Handshake {
  let transcript: Transcript | undefined;
  let done = false;
  const onHello = (message: Uint8Array): Outcome<Step> => {
    const hello = read(message, 'hello');
    if (!hello.ok) return hello;
    const ours = self.versions ?? LINK_VERSIONS;
    const common = hello.value.versions.filter((version) => ours.includes(version));
    if (common.length === 0) {
      return fail('wrong_version', ours.join(' '), hello.value.versions.join(' '));
    }
    const refused = refuse(self, hello.value);
    if (refused !== undefined) return refused;
    const challenge: Challenge = {
      kind: 'challenge',
      version: Math.max(...common),
      cellId: self.cellId,
      epoch: hello.value.epoch,
      role: self.role,
      key: self.signer.publicKey,
      nonce: random(NONCE_BYTES),
    };
    transcript = transcriptOf(hello.value, challenge);
    return ok({ reply: encodeMessage(challenge), claimed: hello.value.key });
  };
  const onProof = (said: Transcript, message: Uint8Array): Outcome<Step> => {
    const proof = read(message, 'proof');
    if (!proof.ok) return proof;
    if (!self.scheme.verify(said.diallerKey, proofBytes(said), proof.value.signature)) {
      return badSignature();
    }
    done = true;
    const signature: Signature = self.signer.sign(welcomeBytes(said, limits));
    return ok({
      reply: encodeMessage({ kind: 'welcome', limits, signature }),
      // A dialler takes what we take: the limit is the cell's, only an acceptor announces it.
      peer: {
        key: said.diallerKey,
        role: said.diallerRole,
        version: said.version,
        messageBytesMax: limits.messageBytesMax,
      },
    });
  };
  return {
    start: () => undefined,
    step(message) {
      if (done) return early();
      return transcript === undefined ? onHello(message) : onProof(transcript, message);
    },
  };
}

/** The dialling end: Hello out, Challenge in, Proof out, Welcome in. One use. */
export function dialler(self: LinkIdentity, random: (size: number) => Uint8Array): Handshake {
  const hello: Hello = {
    kind: 'hello',
    versions: self.versions ?? LINK_VERSIONS,
    cellId: self.cellId,
    epoch: self.epoch(),
    role: self.role,
    key: self.signer.publicKey,
    nonce: random(NONCE_BYTES),
  };
  let transcript: Transcript | undefined;
  let done = false;
  const onChallenge = (message: Uint8Array): Outcome<Step> => {
    const challenge = read(message, 'challenge');
    if (!challenge.ok) return challenge;
    const { version, role, epoch } = challenge.value;
    if (epoch !== hello.epoch)
      return fail('malformed', `epoch ${hello.epoch}, as said`, `${epoch}`);
    if (!hello.versions.includes(version)) {
      return fail('wrong_version', hello.versions.join(' '), String(version));
    }
    if (role !== 'replica') return fail('wrong_role', 'replica', role);
    const refused = refuse(self, challenge.value);
    if (refused !== undefined) return refused;
    transcript = transcriptOf(hello, challenge.value);
    const signature = self.signer.sign(proofBytes(transcript));
    return ok({ reply: encodeMessage({ kind: 'proof', signature }) });
  };
  const onWelcome = (said: Transcript, message: Uint8Array): Outcome<Step> => {
    const welcome = read(message, 'welcome');
    if (!welcome.ok) return welcome;
    const { limits, signature } = welcome.value;
    if (!self.scheme.verify(said.acceptorKey, welcomeBytes(said, limits), signature)) {
      return badSignature();
    }
    done = true;
    return ok({
      peer: {
        key: said.acceptorKey,
        role: said.acceptorRole,
        version: said.version,
        messageBytesMax: limits.messageBytesMax,
      },
    });
  };
  return {
    start: () => encodeMessage(hello),
    step(message) {
      if (done) return early();
      return transcript === undefined ? onChallenge(message) : onWelcome(transcript, message);
    },
  };
}

/** Of two replicas that both could, the one with the lower key dials: one link per pair. */
export function dials(own: PublicKey, peer: PublicKey): boolean {
  return compareBytes(own, peer) < 0;
}
