// Cells of test worlds, with all their secrets.
import { compareBytes, hash, type SignatureScheme, type Signer, utf8 } from '@fatty/codec';
import type { CellId } from '@fatty/interface';
import { type CellParams, type Committee, cellIdOf, DEFAULT_PARAMS, quorum } from '@fatty/protocol';
import { Roll } from './roll.ts';

/** Virtual time starts here: an arbitrary moment, the same for every world. ms since the epoch. */
export const GENESIS_MS: number = 1_700_000_000_000;

/** A committee with all its secrets: what a test world owns and no replica may see of another. */
export interface Cell {
  readonly committee: Committee;
  readonly cellId: CellId;
  readonly scheme: SignatureScheme;
  /** By host: the members of the genesis by committee index, then keys that may come. */
  readonly signers: readonly Signer[];
  /** Of the genesis. */
  readonly faultsMax: number;
  readonly quorum: number;
  /** The epochs that the replicas of its world have come to. */
  readonly roll: Roll;
}

/** Commits after which a basis opens no session any more, in nets: less than a world has. */
export const BASIS_COMMITS_MAX = 32;

/** Windows small enough that short worlds cross them (V ≥ 2n and G > V, protocol: Windows). */
export function smallWindows(replicas: number): CellParams {
  const supportRoundsMax = Math.max(20, 2 * replicas);
  return { ...DEFAULT_PARAMS, supportRoundsMax, horizonRounds: 2 * supportRoundsMax };
}

/** The narrowest that a committee may have: who is away for a moment is below the horizon. */
export function narrowWindows(replicas: number): CellParams {
  const supportRoundsMax = 2 * replicas;
  return { ...DEFAULT_PARAMS, supportRoundsMax, horizonRounds: supportRoundsMax + 1 };
}

/**
 * Makes `replicas` members out of fixed secrets; members are sorted by key bytes (R1). `joiners`: keys that may
 * become members.
 */
export function makeCell(
  replicas: number,
  scheme: SignatureScheme,
  params: CellParams,
  joiners: number = 0,
): Cell {
  const founders = Array.from({ length: replicas }, (_, i) =>
    scheme.signer(hash('testnet-replica', utf8(String(i)))),
  ).sort((a, b) => compareBytes(a.publicKey, b.publicKey));
  const comers = Array.from({ length: joiners }, (_, i) =>
    scheme.signer(hash('testnet-joiner', utf8(String(i)))),
  );
  const signers = [...founders, ...comers];
  const members = founders.map((signer) => signer.publicKey);
  const committee: Committee = { epoch: 0, members, genesisTs: GENESIS_MS, params };
  const q = quorum(committee);
  return {
    committee,
    scheme,
    signers,
    quorum: q,
    cellId: cellIdOf(committee),
    faultsMax: replicas - q,
    roll: new Roll(committee, signers),
  };
}
