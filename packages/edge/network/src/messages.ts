// The bytes of the handshake.
import {
  array,
  cellId,
  fixed,
  oneToOne,
  publicKey,
  record,
  type Shape,
  signature,
  u16,
  u32,
  u53,
  uint,
  union,
} from '@fatty/codec';
import type { CellId, PublicKey, Role, Signature } from '@fatty/interface';

/** Versions of the link protocol that this build speaks. */
export const LINK_VERSIONS: readonly number[] = [1];
/** No handshake message is larger, bytes. */
export const HANDSHAKE_BYTES_MAX = 1024;
/** Bytes of a handshake's nonce. */
export const NONCE_BYTES = 32;

/** Opens the handshake; dialler to acceptor. Its shape is frozen: versions are negotiated by it. */
export interface Hello {
  readonly kind: 'hello';
  readonly versions: readonly number[];
  readonly cellId: CellId;
  readonly epoch: number;
  readonly role: Role;
  readonly key: PublicKey;
  readonly nonce: Uint8Array;
}

/** The acceptor's choice of version, who it claims to be, and its fresh nonce. */
export interface Challenge {
  readonly kind: 'challenge';
  readonly version: number;
  readonly cellId: CellId;
  readonly epoch: number;
  readonly role: Role;
  readonly key: PublicKey;
  readonly nonce: Uint8Array;
}

/** The dialler's signature over the transcript (domain `link-proof`). */
export interface Proof {
  readonly kind: 'proof';
  readonly signature: Signature;
}

/** What the acceptor will take from the dialler. */
export interface WelcomeLimits {
  /** Bytes. */
  readonly messageBytesMax: number;
  /** Milliseconds of silence after which the acceptor cuts the link. */
  readonly silenceMsMax: number;
}

/** The acceptor's signature over transcript and limits (domain `link-welcome`): the link is up. */
export interface Welcome {
  readonly kind: 'welcome';
  readonly limits: WelcomeLimits;
  readonly signature: Signature;
}

/** Every message of the handshake. */
export type HandshakeMessage = Hello | Challenge | Proof | Welcome;

/** Everything both ends said; what both sign, so that neither half can be moved to another link. */
export interface Transcript {
  readonly versions: readonly number[];
  readonly version: number;
  readonly cellId: CellId;
  readonly epoch: number;
  readonly diallerRole: Role;
  readonly acceptorRole: Role;
  readonly diallerKey: PublicKey;
  readonly acceptorKey: PublicKey;
  readonly diallerNonce: Uint8Array;
  readonly acceptorNonce: Uint8Array;
}

const role: Shape<Role> = oneToOne(
  uint(1),
  (tag) => (tag === 0 ? 'replica' : 'client'),
  (name) => (name === 'replica' ? 0 : 1),
);
const versions: Shape<readonly number[]> = array(u16, 8);
const nonce: Shape<Uint8Array> = fixed(NONCE_BYTES);

/** Canonical bytes of the limits in a welcome. */
export const welcomeLimitsShape: Shape<WelcomeLimits> = record<WelcomeLimits>({
  messageBytesMax: u32,
  silenceMsMax: u32,
});

/** Canonical bytes of a handshake message. */
export const handshakeShape: Shape<HandshakeMessage> = union<HandshakeMessage>({
  hello: [
    1,
    record<Omit<Hello, 'kind'>>({ versions, cellId, epoch: u53, role, key: publicKey, nonce }),
  ],
  challenge: [
    2,
    record<Omit<Challenge, 'kind'>>({
      version: u16,
      cellId,
      epoch: u53,
      role,
      key: publicKey,
      nonce,
    }),
  ],
  proof: [3, record<Omit<Proof, 'kind'>>({ signature })],
  welcome: [4, record<Omit<Welcome, 'kind'>>({ limits: welcomeLimitsShape, signature })],
});

/** Canonical bytes of the transcript that both ends sign. */
export const transcriptShape: Shape<Transcript> = record<Transcript>({
  versions,
  version: u16,
  cellId,
  epoch: u53,
  diallerRole: role,
  acceptorRole: role,
  diallerKey: publicKey,
  acceptorKey: publicKey,
  diallerNonce: nonce,
  acceptorNonce: nonce,
});
