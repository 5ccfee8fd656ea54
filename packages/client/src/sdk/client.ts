import {
  type Answer,
  type Cell,
  type Dot,
  type Entry,
  LIST_MAX,
  type Op,
  parentPath,
  type Query,
  type Result,
  type Stat,
  type View,
} from '@fatty/api';
import { utf8 } from '@fatty/codec';
import type { PublicKey } from '@fatty/interface';
import type { SessionState, SessionStatus } from '../core/types.ts';
import { clientError, isFattyError } from '../error.ts';
import { expectResult, failureError, resultError, resultsOf } from './answers.ts';
import { abortError, type CallOptions, Driver } from './driver.ts';
import { type Lock, makeLock } from './lock.ts';
import { Machine, type MachineAnswer, type MachineClient } from './machine.ts';
import type {
  AcquireOptions,
  ClientConfig,
  CreateOptions,
  FileValue,
  Found,
  PutOptions,
  ReadLevel,
  ReadOptions,
  RemoveOptions,
} from './options.ts';
import { type ReadValue, readFile, removeTree } from './steps.ts';

type StatusListener = (status: SessionStatus) => void;

/** Default of `timeoutMs`. */
export const TIMEOUT_MS = 30_000;
/** A barrier needs an op that changes nothing: cancelling one that cannot exist. */
const BARRIER: Op = { kind: 'cancel', seq: Number.MAX_SAFE_INTEGER, index: 0 };

function bytesOf(content: Uint8Array | string): Uint8Array {
  return typeof content === 'string' ? utf8(content) : content;
}

/**
 * A client of one cell: links to every replica, one session, opened when first needed and kept
 * alive until `close()`. Every promise rejects with a {@link FattyError} only.
 */
export class Client implements AsyncDisposable {
  readonly cell: Cell;
  /** The key this client signs with: the lessee in a machine's proofs. */
  readonly key: PublicKey;
  readonly #driver: Driver;
  readonly #timeoutMs: number;
  readonly #listeners = new Map<SessionState, Set<StatusListener>>();

  constructor(config: ClientConfig) {
    this.cell = config.cell;
    this.key = config.signer.publicKey;
    this.#timeoutMs = config.timeoutMs ?? TIMEOUT_MS;
    this.#driver = new Driver(config);
    void this.#announce();
  }

  async #announce(): Promise<void> {
    for await (const status of this.#driver.statuses.iterate(this.session)) {
      for (const listener of this.#listeners.get(status.state) ?? []) listener(status);
    }
  }

  get session(): SessionStatus {
    return this.#driver.core.status;
  }

  /** Every change of the session and of the number of links; begins with the present. */
  status(options: { readonly signal?: AbortSignal } = {}): AsyncIterableIterator<SessionStatus> {
    return this.#driver.statuses.iterate(this.session, options.signal);
  }

  /** Hears of `connected`, `jeopardy`, `safe` or `expired`. Answers the way to stop hearing. */
  on(state: SessionState, listener: StatusListener): () => void {
    const listeners = this.#listeners.get(state) ?? new Set();
    listeners.add(listener);
    this.#listeners.set(state, listeners);
    return () => void listeners.delete(listener);
  }

  /** Resolves when `count` replicas are linked. @throws FattyError `unreachable`, `aborted` */
  async linked(count: number, options: CallOptions = {}): Promise<void> {
    const timeoutMs = options.timeoutMs ?? this.#timeoutMs;
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), timeoutMs);
    const stop = (): void => controller.abort();
    options.signal?.addEventListener('abort', stop, { once: true });
    try {
      if (options.signal?.aborted) throw abortError(options.signal);
      for await (const status of this.status({ signal: controller.signal })) {
        if (status.links >= count) return;
      }
      if (options.signal?.aborted) throw abortError(options.signal);
      throw clientError('unreachable', `${count} replicas`, this.#driver.core.linkage);
    } finally {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', stop);
    }
  }

  // ── ops ────────────────────────────────────────────────────────────────────

  /**
   * Signs the ops as one batch at one place of the order; answers a result per op, errors included.
   * Calls need not wait for one another: up to 64 batches are in flight at once.
   */
  async submit(ops: readonly Op[], options: CallOptions = {}): Promise<readonly Result[]> {
    const all = this.#options(options);
    const { outcome } = this.#driver.call({ kind: 'ops', ops }, all);
    return resultsOf(await outcome, all.signal).results;
  }

  #options(options: CallOptions): CallOptions {
    return { timeoutMs: this.#timeoutMs, ...options };
  }

  async create(
    path: string,
    options: CreateOptions = {},
  ): Promise<Extract<Result, { kind: 'created' }>> {
    const { node = 'file', content = '', mode = 'shared', ephemeral = false } = options;
    const op: Op = {
      kind: 'create',
      path,
      node,
      mode,
      ephemeral,
      exclusive: options.exclusive ?? true,
      content: bytesOf(content),
    };
    const above = options.parents ? await this.#missingParents(path, options) : [];
    const results = await this.submit([...above, op], options);
    return expectResult(results.at(-1), 'created');
  }

  /** Creates of the directories that are not there, from the top. */
  async #missingParents(path: string, options: CallOptions): Promise<Op[]> {
    const missing: Op[] = [];
    for (let above = parentPath(path); above !== '/'; above = parentPath(above)) {
      if (await this.#exists(above, options)) break;
      missing.unshift({
        kind: 'create',
        path: above,
        node: 'directory',
        mode: 'shared',
        ephemeral: false,
        exclusive: false,
        content: new Uint8Array(),
      });
    }
    return missing;
  }

  async #exists(path: string, options: CallOptions): Promise<boolean> {
    try {
      await this.stat(path, options);
      return true;
    } catch (error) {
      if (isFattyError(error, 'not_found')) return false;
      throw error;
    }
  }

  /**
   * Writes a file, and makes it where there is none. A shared file keeps what others write at the
   * same time as siblings; a guarded one needs `generation` or `lock`.
   */
  async put(path: string, content: Uint8Array | string, options: PutOptions = {}): Promise<void> {
    const bytes = bytesOf(content);
    const { generation, lock } = options;
    if (generation !== undefined || lock !== undefined) {
      await this.#compareAndSet(path, bytes, options);
      return;
    }
    const observed = await this.#observed(path, options);
    if (observed === undefined) {
      await this.create(path, { ...options, content: bytes, exclusive: false });
      return;
    }
    const [result] = await this.submit(
      [{ kind: 'write', path, content: bytes, observed }],
      options,
    );
    expectResult(result, 'written');
  }

  /** The siblings there are; undefined when there is no file. */
  async #observed(path: string, options: CallOptions): Promise<readonly Dot[] | undefined> {
    try {
      const { value } = await this.read({ kind: 'get', path }, 'value', options);
      return [...value.siblings.map((sibling) => sibling.dot), ...value.more];
    } catch (error) {
      if (isFattyError(error, 'not_found')) return undefined;
      throw error;
    }
  }

  async #compareAndSet(path: string, content: Uint8Array, options: PutOptions): Promise<void> {
    const { generation, lock } = options;
    if (lock?.signal.aborted) {
      throw clientError('lock_lost', 'a held lock', 'one that was lost', {
        cause: lock.signal.reason,
      });
    }
    const lockGen = lock?.generation;
    const [result] = await this.submit(
      [{ kind: 'compareAndSet', path, content, generation, lockGen }],
      options,
    );
    expectResult(result, 'written');
  }

  /**
   * Removes exactly the node that is there now; what somebody creates meanwhile stays. `recursive`:
   * and whatever is below it, in steps of at most 1,000 nodes, the deepest first; others see the
   * steps. `timeoutMs` is that of a step; when one fails, the error tells its outcome alone: what
   * went in steps before it is gone, and the call can be made again.
   */
  async remove(path: string, options: RemoveOptions = {}): Promise<void> {
    if (options.recursive) return removeTree((ops) => this.submit(ops, options), path);
    const { dots } = await this.stat(path, options);
    const [result] = await this.submit([{ kind: 'remove', path, dots }], options);
    expectResult(result, 'removed');
  }

  // ── reads ──────────────────────────────────────────────────────────────────

  /** A read that is believed at its level. @throws FattyError with the answer's code */
  async read<K extends Answer['kind']>(
    query: Query,
    kind: K,
    options: ReadOptions = {},
  ): Promise<Found<Extract<Answer, { kind: K }>>> {
    const { level = 'committed' } = options;
    // The barrier's receipt moves the floor of reads past everything committed before the call.
    if (level === 'linearizable') await this.submit([BARRIER], options);
    return this.#read(query, kind, level, undefined, options);
  }

  async #read<K extends Answer['kind']>(
    query: Query,
    kind: K,
    level: ReadLevel,
    replica: number | undefined,
    options: CallOptions,
  ): Promise<Found<Extract<Answer, { kind: K }>>> {
    const view: View = level === 'delivered' ? 'delivered' : 'committed';
    const all = this.#options(options);
    const { outcome } = this.#driver.call({ kind: 'read', query, view, replica }, all);
    const found = await outcome;
    if (found.kind === 'failed') throw failureError(found, all.signal);
    if (found.kind !== 'answer') throw clientError('bad_answer', 'an answer', found.kind);
    const { answer, commit, replicas } = found;
    if (answer.kind === 'error') throw resultError(answer);
    if (answer.kind !== kind) throw clientError('bad_answer', kind, answer.kind);
    return { value: answer as Extract<Answer, { kind: K }>, level, commit, replicas };
  }

  async get(path: string, options: ReadOptions = {}): Promise<FileValue> {
    // After the barrier of a linearizable read the floor of all reads is where it has to be.
    const rest = options.level === 'linearizable' ? { ...options, level: undefined } : options;
    const read: ReadValue = (query) =>
      this.read(query, 'value', query.kind === 'get' ? options : rest);
    return readFile(read, path);
  }

  async stat(path: string, options: ReadOptions = {}): Promise<Stat> {
    return (await this.read({ kind: 'stat', path }, 'stat', options)).value.stat;
  }

  /** Every child, in byte order of the names. Pages may be from different commits. */
  async ls(path: string, options: ReadOptions = {}): Promise<readonly Entry[]> {
    const entries: Entry[] = [];
    let after: string | undefined;
    for (;;) {
      const query: Query = { kind: 'list', path, after, limit: LIST_MAX };
      const { value } = await this.read(query, 'list', options);
      entries.push(...value.entries);
      after = value.entries.at(-1)?.name;
      if (!value.more || after === undefined) return entries;
    }
  }

  /** Who holds the lock and who waits for it. */
  async lockState(
    path: string,
    options: ReadOptions = {},
  ): Promise<Extract<Answer, { kind: 'lock' }>> {
    return (await this.read({ kind: 'lock', path }, 'lock', options)).value;
  }

  /** What the cell knows of this client's session; `session_unknown` when there is none. */
  async sessionState(options: ReadOptions = {}): Promise<Extract<Answer, { kind: 'session' }>> {
    const { session } = this.session;
    if (session === undefined) throw clientError('session_expired', 'an open session', 'none');
    return (await this.read({ kind: 'session', id: session }, 'session', options)).value;
  }

  async members(options: ReadOptions = {}): Promise<Extract<Answer, { kind: 'members' }>> {
    return (await this.read({ kind: 'members' }, 'members', options)).value;
  }

  /** One replica's own account of itself; nobody vouches for it. */
  async replicaStatus(
    replica: number,
    options: CallOptions = {},
  ): Promise<Extract<Answer, { kind: 'status' }>> {
    const found = await this.#read({ kind: 'status' }, 'status', 'committed', replica, options);
    return found.value;
  }

  /** A read put to one replica alone; nobody vouches for the answer. */
  async askReplica<K extends Answer['kind']>(
    replica: number,
    query: Query,
    kind: K,
    options: ReadOptions = {},
  ): Promise<Extract<Answer, { kind: K }>> {
    return (await this.#read(query, kind, options.level ?? 'committed', replica, options)).value;
  }

  // ── locks and machines ─────────────────────────────────────────────────────

  /**
   * Waits its turn for the lock of a node. Aborting takes the wait back.
   * @throws FattyError `max_wait`, `not_found`, `already_held`, `aborted`, `timeout`…
   */
  acquire(path: string, options: AcquireOptions = {}): Promise<Lock> {
    return this.#acquire(path, true, options);
  }

  /** Takes the lock now or throws `lock_held` or `lock_delay` (with `waitMs`). */
  tryAcquire(path: string, options: Omit<AcquireOptions, 'maxWaitMs'> = {}): Promise<Lock> {
    return this.#acquire(path, false, this.#options(options));
  }

  async #acquire(path: string, wait: boolean, options: AcquireOptions): Promise<Lock> {
    const { mode = 'exclusive', maxWaitMs, lockDelayMs = 0, signal } = options;
    const request = { kind: 'acquire', path, mode, wait, maxWaitMs, lockDelayMs } as const;
    const { call, outcome } = this.#driver.call(request, options);
    const held = await outcome;
    if (held.kind === 'failed') throw failureError(held, signal);
    if (held.kind !== 'held') throw clientError('bad_answer', 'a grant', held.kind);
    const grant = { path, mode, lockGen: held.lockGen };
    return makeLock(this.#driver, call, grant, this.#options({}));
  }

  /** Runs `work` under the lock; its signal is aborted when the lock is lost. */
  async withLock<T>(
    path: string,
    work: (lock: Lock) => Promise<T>,
    options: AcquireOptions = {},
  ): Promise<T> {
    const lock = await this.acquire(path, options);
    try {
      return await work(lock);
    } finally {
      await lock.release();
    }
  }

  machine(path: string): Machine {
    return new Machine(this.machineClient(), path);
  }

  protected machineClient(): MachineClient {
    return {
      driver: this.#driver,
      defaults: this.#options({}),
      submit: (ops, options) => this.submit(ops, options),
      readMachine: (at, options): Promise<MachineAnswer> =>
        this.read({ kind: 'machine', path: at }, 'machine', options).then((one) => one.value),
    };
  }

  /** Which replica a key belongs to, −1 for none. */
  replicaOf(key: PublicKey): number {
    return this.cell.committee.members.findIndex((one) => one.every((byte, i) => byte === key[i]));
  }

  /** Closes the session, so that its locks are free at once, and hangs up. Never rejects. */
  close(): Promise<void> {
    return this.#driver.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
