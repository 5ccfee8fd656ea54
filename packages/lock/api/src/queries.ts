// Queries of the lock service, and their bytes.
import {
  array,
  bytes,
  decode,
  encode,
  optional,
  publicKey,
  record,
  type Shape,
  sessionId,
  text,
  u32,
  union,
} from '@fatty/codec';
import type { Outcome, PublicKey, SessionId } from '@fatty/interface';
import { DOTS_MAX } from './file-ops.ts';
import { type Dot, opIdShape } from './ids.ts';
import { pathShape, SEGMENT_BYTES_MAX } from './path.ts';

/** What a client can read. Answers come from one replica and are believed at f+1 (R32). */
export type Query =
  /** A file, with as many of its concurrent values as one answer holds. */
  | { readonly kind: 'get'; readonly path: string }
  | { readonly kind: 'stat'; readonly path: string }
  /** Children in byte order of their names, after `after`, at most `limit` (1..1024). */
  | {
      readonly kind: 'list';
      readonly path: string;
      readonly after: string | undefined;
      readonly limit: number;
    }
  | { readonly kind: 'session'; readonly id: SessionId }
  | { readonly kind: 'lock'; readonly path: string }
  | { readonly kind: 'machine'; readonly path: string }
  | { readonly kind: 'members' }
  | { readonly kind: 'status' }
  /** A question to the algorithm that the cell hosts in place of the lock service. */
  | { readonly kind: 'own'; readonly question: Uint8Array }
  /** Who may do what at a node. */
  | { readonly kind: 'acl'; readonly path: string }
  /** Of these concurrent values of a file as many as one answer holds; see `more` of `get`. */
  | { readonly kind: 'contents'; readonly path: string; readonly dots: readonly Dot[] }
  | { readonly kind: 'job'; readonly path: string }
  /** The jobs of a queue, ended ones too, paged as a `list`. */
  | {
      readonly kind: 'jobs';
      readonly path: string;
      readonly after: string | undefined;
      readonly limit: number;
    }
  /** What became of a client's key, and whose it is. */
  | { readonly kind: 'key'; readonly key: PublicKey };

/** Most entries of one page of a listing. */
export const LIST_MAX = 1024;

/** Longest question to a hosted algorithm. */
export const QUESTION_BYTES_MAX: number = 60 * 1024;

/** Canonical bytes of a query. Tags are wire format: never reused, never renumbered. */
export const queryShape: Shape<Query> = union<Query>({
  get: [1, record({ path: pathShape })],
  stat: [2, record({ path: pathShape })],
  list: [3, record({ path: pathShape, after: optional(text(SEGMENT_BYTES_MAX)), limit: u32 })],
  session: [4, record({ id: sessionId })],
  lock: [5, record({ path: pathShape })],
  machine: [6, record({ path: pathShape })],
  members: [7, record({})],
  status: [8, record({})],
  own: [10, record({ question: bytes(QUESTION_BYTES_MAX) })],
  acl: [12, record({ path: pathShape })],
  contents: [9, record({ path: pathShape, dots: array(opIdShape, DOTS_MAX) })],
  job: [13, record({ path: pathShape })],
  jobs: [14, record({ path: pathShape, after: optional(text(SEGMENT_BYTES_MAX)), limit: u32 })],
  key: [15, record({ key: publicKey })],
});

const QUERY_BYTES_MAX = 64 * 1024;

/** Canonical bytes of a query. */
export function encodeQuery(query: Query): Uint8Array {
  return encode(queryShape, query);
}

/** Reads the bytes of a query. Codes of `decode`. */
export function decodeQuery(input: Uint8Array): Outcome<Query> {
  return decode(queryShape, input, QUERY_BYTES_MAX);
}
