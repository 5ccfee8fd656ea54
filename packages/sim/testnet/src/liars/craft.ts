// What liars make blocks with.
import {
  type Body,
  bodyDigest,
  bodyShape,
  type Header,
  headerMessage,
  headerShape,
  type Ref,
  type SignedBlock,
  signedBlockShape,
} from '@fatty/broadcast';
import { decode, encode, type Signer } from '@fatty/codec';
import type { Origin } from '@fatty/protocol';
import type { Cell } from '../world/cell.ts';
import type { SeededRng } from '../world/rng.ts';

/** What a liar has besides an honest replica to wrap: its key, the public facts and dice. */
export interface Insider {
  readonly index: number;
  readonly signer: Signer;
  /** Its committee is that of the liar's epoch, and signers are by place. */
  readonly cell: Cell;
  /** Where that epoch begins; default: the genesis. */
  readonly origin?: Origin;
  readonly rng: SeededRng;
  /** Called for every lie that leaves, with its kind. */
  readonly lied: (lie: string) => void;
}

const BYTES_MAX = 4 * 1024 * 1024;

/** A block of the liar's own, opened so that it can be bent. */
export interface Draft {
  readonly header: Header;
  readonly body: Body;
  readonly bytes: Uint8Array;
}

/** Opens a block of the liar's own; undefined when it cannot be read. */
export function openDraft(bytes: Uint8Array): Draft | undefined {
  const signed = decode(signedBlockShape, bytes, BYTES_MAX);
  if (!signed.ok) return undefined;
  const header = decode(headerShape, signed.value.header, BYTES_MAX);
  const body = decode(bodyShape, signed.value.body, BYTES_MAX);
  if (!header.ok || !body.ok) return undefined;
  return { header: header.value, body: body.value, bytes };
}

/** Signs a bent version of a block: properly, or with whatever `sign` answers. */
export function bend(
  insider: Insider,
  draft: Draft,
  change: Partial<Header>,
  body: Partial<Body> = {},
): Uint8Array {
  const bodyBytes = encode(bodyShape, { ...draft.body, ...body });
  const header = { ...draft.header, bodyHash: bodyDigest(bodyBytes), ...change };
  const headerBytes = encode(headerShape, header);
  const sig = insider.signer.sign(headerMessage(insider.cell.cellId, headerBytes));
  const signed: SignedBlock = { header: headerBytes, sig, body: bodyBytes };
  return encode(signedBlockShape, signed);
}

/** The same refs with `from` replaced by `to`. */
export function swapParent(parents: readonly Ref[], at: number, to: Ref): readonly Ref[] {
  return parents.map((parent, i) => (i === at ? to : parent));
}
