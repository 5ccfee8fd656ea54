// The id of a program, and the cell that binds a renewal to its lessee.
import { felt, LIMITS, P, readUint } from '@fatty/cairo-air';
import {
  array,
  cellId,
  encode,
  hash,
  publicKey,
  record,
  type Shape,
  text,
  u53,
} from '@fatty/codec';
import type { CellId, Digest, Position, PublicKey } from '@fatty/interface';

/**
 * What a program is: its words as they stand in memory from address 1, and what it needs around
 * it.
 */
export interface ProgramKey {
  readonly layout: string;
  readonly builtins: readonly string[];
  readonly words: readonly bigint[];
}

const programShape: Shape<ProgramKey> = record({
  layout: text(LIMITS.name),
  builtins: array(text(LIMITS.name), LIMITS.segments),
  words: array(felt, LIMITS.publicCells),
});

/** SHA-256 over (layout, builtins, program words): the name by which machines pin a program. */
export function programId(program: ProgramKey): Digest {
  return hash('cairo-program', encode(programShape, program));
}

interface Binding {
  readonly cellId: CellId;
  readonly path: string;
  readonly lessee: PublicKey;
  readonly commit: number;
  readonly index: number;
}

/** A path has at most 32 segments of at most 255 bytes. */
const bindingShape: Shape<Binding> = record({
  cellId,
  path: text(32 * 256),
  lessee: publicKey,
  commit: u53,
  index: u53,
});

/**
 * The binding cell of a renewal: H(cell id, path, lessee key, nonce) reduced into the field.
 * `nonce` is the position of the machine's last applied declare, take, renew, release or loss,
 * so that nobody can prove ahead, replay, or send somebody else's proof.
 */
export function bindingCell(
  cell: CellId,
  path: string,
  lessee: PublicKey,
  nonce: Position,
): bigint {
  const { commit, index } = nonce;
  const digest = hash(
    'cairo-binding',
    encode(bindingShape, { cellId: cell, path, lessee, commit, index }),
  );
  return readUint(digest, 0, 32) % P;
}
