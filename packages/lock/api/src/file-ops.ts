// Ops on files and directories, and their bytes: alone or as parts of a transaction.
import { array, bool, bytes, choice, optional, record, type Shape, union } from '@fatty/codec';
import type { Position } from '@fatty/interface';
import { type Dot, opIdShape, positionShape } from './ids.ts';
import { pathShape } from './path.ts';

/** `shared`: concurrent writes are kept as siblings. `guarded`: ordered writes only. */
export type ContentMode = 'shared' | 'guarded';

/** What changes one file or directory. */
export type FileOp =
  | {
      readonly kind: 'create';
      readonly path: string;
      readonly node: 'directory' | 'file';
      readonly mode: ContentMode;
      readonly ephemeral: boolean;
      /** Fails with `exists` on a live name instead of joining it. */
      readonly exclusive: boolean;
      readonly content: Uint8Array;
    }
  /**
   * A new node at `path` and its own position, as a token: see {@link sequentialPath}. No other node has
   * had this name, or will; later ones sort behind it.
   */
  | {
      readonly kind: 'createSequential';
      readonly path: string;
      readonly node: 'directory' | 'file';
      readonly mode: ContentMode;
      readonly ephemeral: boolean;
      readonly content: Uint8Array;
    }
  /** Shared content: replaces exactly the siblings that were seen. */
  | {
      readonly kind: 'write';
      readonly path: string;
      readonly content: Uint8Array;
      readonly observed: readonly Dot[];
    }
  /**
   * Guarded content: at least one of `generation` and `lockGen` must be given, and all given must
   * match.
   */
  | {
      readonly kind: 'compareAndSet';
      readonly path: string;
      readonly content: Uint8Array;
      readonly generation: Position | undefined;
      readonly lockGen: Position | undefined;
    }
  /** Observed-remove: takes the named dots; the node dies with its last one. */
  | { readonly kind: 'remove'; readonly path: string; readonly dots: readonly Dot[] };

/** Most bytes of a file's content. */
export const CONTENT_BYTES_MAX: number = 256 * 1024;
/** Most dots that one op names. */
export const DOTS_MAX = 1024;

/** Canonical bytes of a content mode. */
export const contentModeShape: Shape<ContentMode> = choice('shared', 'guarded');

const content = bytes(CONTENT_BYTES_MAX);
const dots = array(opIdShape, DOTS_MAX);

type Arms = Parameters<typeof union<FileOp>>[0];

/** Arms of the union of ops: the tags are those of ops that stand alone. */
export const fileOpArms: Arms = {
  create: [
    10,
    record({
      path: pathShape,
      node: choice('directory', 'file'),
      mode: contentModeShape,
      ephemeral: bool,
      exclusive: bool,
      content,
    }),
  ],
  createSequential: [
    17,
    record({
      path: pathShape,
      node: choice('directory', 'file'),
      mode: contentModeShape,
      ephemeral: bool,
      content,
    }),
  ],
  write: [11, record({ path: pathShape, content, observed: dots })],
  compareAndSet: [
    12,
    record({
      path: pathShape,
      content,
      generation: optional(positionShape),
      lockGen: optional(positionShape),
    }),
  ],
  remove: [13, record({ path: pathShape, dots })],
};

/** Canonical bytes of one of them. */
export const fileOpShape: Shape<FileOp> = union<FileOp>(fileOpArms);
