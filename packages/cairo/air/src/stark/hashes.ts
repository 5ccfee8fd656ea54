// Keccak-256 and BLAKE2s by their names in Stone, whole and masked.
import { createBLAKE2s, createKeccak } from 'hash-wasm';

/** 32 bytes for any bytes. */
export type Hash = (bytes: Uint8Array) => Uint8Array;

/** The byte hashes of Stone by name. */
export interface Hashes {
  readonly keccak256: Hash;
  readonly blake256: Hash;
}

/** Compiles the WebAssembly hashers once; what comes back is synchronous. */
export function loadHashes(): Promise<Hashes> {
  return Promise.all([createKeccak(256), createBLAKE2s(256)]).then(([keccak, blake]) => ({
    keccak256: (bytes) => keccak.init().update(bytes).digest('binary'),
    blake256: (bytes) => blake.init().update(bytes).digest('binary'),
  }));
}

/** A commitment hash by its Stone name: a byte hash and the part of its output that counts. */
export interface CommitmentHash {
  readonly base: keyof Hashes;
  /** The bytes kept are [from, to); the rest is zero. */
  readonly from: number;
  readonly to: number;
}

const isByteHash = (name: string): name is keyof Hashes =>
  name === 'keccak256' || name === 'blake256';

/** Undefined for every hash that is not a byte hash of this package. */
export function byteHash(name: string): keyof Hashes | undefined {
  return isByteHash(name) ? name : undefined;
}

/** `keccak256`, `blake256`, or one of them with `_masked160_` or `_masked248_`, `msb` or `lsb`. */
export function commitmentHash(name: string): CommitmentHash | undefined {
  const parts = /^([a-z0-9]+?)(?:_masked(160|248)_(msb|lsb))?$/.exec(name);
  const base = byteHash(parts?.[1] ?? '');
  if (base === undefined) return undefined;
  const size = parts?.[2] === undefined ? 32 : Number(parts[2]) / 8;
  return parts?.[3] === 'lsb' ? { base, from: 32 - size, to: 32 } : { base, from: 0, to: size };
}

/** The hash function that {@link commitmentHash} describes. */
export function masked(hashes: Hashes, { base, from, to }: CommitmentHash): Hash {
  const hash = hashes[base];
  return (bytes) => hash(bytes).fill(0, 0, from).fill(0, to);
}
