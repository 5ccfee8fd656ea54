// Options of the calls, and what they answer.
import type { AclList, ContentMode, LockMode, Sibling, Stat } from '@fatty/api';
import type { Position } from '@fatty/interface';
import type { Cell, EpochLink } from '@fatty/protocol';
import type { Fact } from '@fatty/verify';
import type { CallOptions, DriverConfig } from './driver.ts';
import type { Lock } from './lock.ts';

/**
 * How much a read promises. `delivered`: one replica's freshest view, on its word alone.
 * `committed`: f+1 replicas agree, at or after everything this client has seen (default).
 * `linearizable`: no older than the call. One exchange when all replicas answer alike, else one ordered
 * no-op and an answer of f+1. `certified`: one replica's answer with its proof, signed by a quorum; no older
 * than this client's own ops and earlier certified reads, otherwise up to 250 ms behind the cell. For
 * `get`, `stat` and `ls`.
 */
export type ReadLevel = 'delivered' | 'committed' | 'linearizable' | 'certified';

/** Options of reads. */
export interface ReadOptions extends CallOptions {
  readonly level?: ReadLevel | undefined;
}

/** Options of `prove`, and of certified reads. */
export interface ProveOptions extends CallOptions {
  /** The state must have come to this: a generation, or where an op landed. */
  readonly minPosition?: Position | undefined;
  /**
   * The proof comes as a bundle, with the genesis committee and the links to its epoch: whoever knows the cell id checks
   * it (`checkBundle`, `Fence` of `@fatty/verify`), whatever epoch the cell is in. Default false.
   */
  readonly bundle?: boolean | undefined;
}

/** Options of `lock.certificate`. */
export type CertificateOptions = CallOptions & Pick<ProveOptions, 'bundle'>;

/** Options of `get`, `stat` and `ls`. */
export interface FileReadOptions extends ReadOptions, Omit<ProveOptions, 'bundle'> {
  /** The same as `level: 'certified'`. */
  readonly proof?: boolean | undefined;
}

/** A cell as a client has followed it: `committee` has the members of now, `addresses` the newest of everybody. */
export interface Followed extends Cell {
  /** From the first committee on, checked: whoever has the cell id can check them again (`followChain`). */
  readonly links: readonly EpochLink[];
}

/** What was proved: by whom does not matter. */
export interface Certified<F extends Fact = Fact> {
  /** What was so at `fact.head.commit`. */
  readonly fact: F;
  /** The certified answer: `checkCertified` of `@fatty/verify` finds the same fact in it, offline. */
  readonly proof: Uint8Array;
  /** Of a file that was asked for, in order. */
  readonly contents: readonly Uint8Array[];
}

/** What a read found, and who says so. */
export interface Found<T> {
  readonly value: T;
  readonly level: ReadLevel;
  /**
   * {@link value} is that of the state at this commit or a later one. More than f replicas say so,
   * unless `level` or the method asked one: then it is that one's word.
   */
  readonly commit: number;
  /** Committee indices of the replicas that gave exactly this answer. */
  readonly replicas: readonly number[];
}

/** A file as read. */
export interface FileValue {
  /** The value shown first. */
  readonly content: Uint8Array;
  /** Every concurrent value of a shared file; one entry for a guarded one. */
  readonly siblings: readonly Sibling[];
  readonly stat: Stat;
  /** As in {@link Found}. */
  readonly commit: number;
  /** Of a certified read: what proves it. */
  readonly proof?: Uint8Array;
  /** {@link content} as UTF-8. @throws FattyError `bad_answer` when it is not */
  text(): string;
}

/** Options of `put`. */
export interface PutOptions extends CallOptions {
  /** Guarded files: write only over this content generation. */
  readonly generation?: Position | undefined;
  /** Guarded files: write only while this lock is held. */
  readonly lock?: Lock | undefined;
  /** Make the directories above it first. */
  readonly parents?: boolean | undefined;
  /** A new file dies with this client's session. */
  readonly ephemeral?: boolean | undefined;
  /** How a new file is written from now on. Default `shared`. */
  readonly mode?: ContentMode | undefined;
}

/** Options of `create`. */
export interface CreateOptions extends CallOptions {
  /** Default `file`. */
  readonly node?: 'directory' | 'file' | undefined;
  readonly content?: Uint8Array | string | undefined;
  readonly mode?: ContentMode | undefined;
  readonly ephemeral?: boolean | undefined;
  /** Fail with `exists` on a live name. Default true. */
  readonly exclusive?: boolean | undefined;
  /**
   * The name goes on with the position of the create: `/q/job-` makes `/q/job-0000000000000023.0000000004`. No
   * name comes twice, and each sorts behind all that were made before, also after deletes. Always exclusive.
   */
  readonly sequential?: boolean | undefined;
  readonly parents?: boolean | undefined;
}

/** Options of `remove`. */
export interface RemoveOptions extends CallOptions {
  /** The whole subtree, in ordered steps of at most 1,000 nodes, children first. */
  readonly recursive?: boolean | undefined;
}

/** Options of `acquire`. */
export interface AcquireOptions extends CallOptions {
  /** Default `exclusive`. */
  readonly mode?: LockMode | undefined;
  /** Longest wait as the cell counts it, lease-clock ms; `max_wait` after it. Default: for ever. */
  readonly maxWaitMs?: number | undefined;
  /** Pause before others may have it if we fail, ms, at most 60,000. Default 0. */
  readonly lockDelayMs?: number | undefined;
}

/** What a client is made of. */
export interface ClientConfig extends DriverConfig {
  /** ms; for every call that does not name its own. Default 30,000; waits for locks: none. */
  readonly timeoutMs?: number | undefined;
}

/** One of the three lists of a node. `write`: and lock, remove, and create below it. `change`: of the lists. */
export type AclListName = AclList;

/** Principals by list: `anyone`, a client key as 64 hex digits, or `group:NAME`. What is left out stays. */
export type AclLists = { readonly [L in AclListName]?: readonly string[] | undefined };

/** Who may do what at a node. */
export interface AclValue {
  readonly read: readonly string[];
  readonly write: readonly string[];
  readonly change: readonly string[];
  /** Of the last change; what `set` can be bound to. */
  readonly generation: Position;
}

/** Options of `acl(path).set`. */
export interface AclSetOptions extends CallOptions {
  /** Only over this one. */
  readonly generation?: Position | undefined;
}
