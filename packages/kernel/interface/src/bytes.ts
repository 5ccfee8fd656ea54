// Byte strings that types tell apart: digests, keys, signatures, ids.
declare const brand: unique symbol;

/** A value that only its constructor function (package codec) may make: same bytes, one meaning. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** SHA-256 output, 32 bytes. */
export type Digest = Brand<Uint8Array, 'Digest'>;
/** Ed25519 public key, 32 bytes; also the identity of a client or a replica. */
export type PublicKey = Brand<Uint8Array, 'PublicKey'>;
/** Ed25519 signature, 64 bytes. */
export type Signature = Brand<Uint8Array, 'Signature'>;
/** H(genesis committee bytes), 32 bytes: names a cell for ever. */
export type CellId = Brand<Uint8Array, 'CellId'>;
/** H(client key, nonce, basis of its opening), 32 bytes: names a client session, for ever (R3). */
export type SessionId = Brand<Uint8Array, 'SessionId'>;
