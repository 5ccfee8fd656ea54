// The client that applications use.
import type { Answer, Entry, Op, Query, Result, Stat } from '@fatty/api';
import type { Landed, SessionState, SessionStatus } from '@fatty/core';
import type { PublicKey } from '@fatty/interface';
import type { Cell } from '@fatty/protocol';
import type { ProofQuestion } from '@fatty/verify';
import { NodeAcl } from './acl.ts';
import { expectResult, resultsOf } from './answers.ts';
import {
  ACQUIRE,
  CALL,
  CONNECT,
  CREATE,
  checkAnswerKind,
  FUNCTION,
  PUT,
  READ,
  REMOVE,
  SESSION_STATE,
  STATUS,
  subjectOf,
  WATCH,
  wholeUpTo,
} from './arguments.ts';
import type { Cached, CachedOptions } from './cached.ts';
import { checkArgument, optionsOf, partOf } from './checks.ts';
import type { ConnectOptions } from './connect.ts';
import { type CallOptions, Driver } from './driver.ts';
import { clientError } from './error.ts';
import { logFault } from './faults.ts';
import { FileReads } from './file-reads.ts';
import { type Created, Files } from './files.ts';
import { Job } from './job.ts';
import { Keys } from './keys.ts';
import { acquireLock, type Lock, underLock } from './lock.ts';
import { Machine, type MachineAnswer, type MachineClient } from './machine.ts';
import type {
  AcquireOptions,
  Certified,
  ClientConfig,
  CreateOptions,
  FileReadOptions,
  FileValue,
  Followed,
  Found,
  ProveOptions,
  PutOptions,
  ReadLevel,
  ReadOptions,
  RemoveOptions,
} from './options.ts';
import { readOne } from './read-one.ts';
import { StateListeners, type StatusListener, untilLinked } from './states.ts';
import type { TxnDone, TxnSpec } from './txn.ts';
import { Watch, type WatchOptions } from './watch.ts';

/** Default of `timeoutMs`. */
export const TIMEOUT_MS = 30_000;

/**
 * A client of one cell: links to every replica, one session, opened when first needed and kept
 * alive until `close()`. Every promise rejects with a {@link FattyError} only.
 */
export class Client implements AsyncDisposable {
  readonly cell: Cell;
  readonly #driver: Driver;
  readonly #timeoutMs: number;
  readonly #states: StateListeners;
  readonly #files: Files;
  readonly #fileReads: FileReads;

  /** @throws FattyError `bad_argument` */
  constructor(config: ClientConfig) {
    const { timeoutMs = TIMEOUT_MS, onFault = logFault } = partOf<ConnectOptions>(CONNECT, config);
    this.cell = config.cell;
    this.#timeoutMs = timeoutMs;
    this.#states = new StateListeners(onFault);
    this.#driver = new Driver(config, (status) => this.#states.heard(status));
    this.#fileReads = new FileReads({
      driver: this.#driver,
      defaults: this.#options({}),
      read: (query, kind, options) => this.read(query, kind, options),
    });
    this.#files = new Files({
      params: this.cell.committee.params,
      submit: (ops, options, path) => this.#submit(ops, options, path),
      seen: async (path, options) => {
        const { value } = await this.read({ kind: 'get', path }, 'value', partOf(CALL, options));
        const dots = [...value.siblings.map((sibling) => sibling.dot), ...value.more];
        return { stat: value.stat, dots };
      },
      stat: (path, options) => this.stat(path, partOf(CALL, options)),
    });
  }

  /** The key this client signs with, and is bound to in proofs. */
  get key(): PublicKey {
    return this.#driver.signer.publicKey;
  }

  get session(): SessionStatus {
    return this.#driver.status;
  }

  /** `cell` as it is now. */
  get followed(): Followed {
    return this.#driver.followed;
  }

  /**
   * Every change of the session and of the number of links; begins with the present.
   * @throws FattyError `bad_argument`
   */
  status(options: { readonly signal?: AbortSignal } = {}): AsyncIterableIterator<SessionStatus> {
    return this.#driver.statuses.iterate(this.session, optionsOf(STATUS, options).signal);
  }

  /**
   * Hears of `connected`, `jeopardy`, `safe` or `expired`: of changes only, and not of the end that
   * `close()` makes. `epoch`: the cell has other members, or other parameters, than it had, and this client follows. Answers the way to stop hearing. @throws FattyError `bad_argument`
   */
  on(state: SessionState | 'epoch', listener: StatusListener): () => void {
    checkArgument('state', SESSION_STATE, state);
    checkArgument('listener', FUNCTION, listener);
    return this.#states.add(state, listener);
  }

  /**
   * Resolves when `count` replicas are linked; default: as many as have to be for anything to be believed. @throws FattyError `not_authenticated` (as soon as so many
   * refuse this client that nobody could be believed), `unreachable`, `aborted`
   */
  async linked(count?: number, options: CallOptions = {}): Promise<void> {
    const terms = { ...this.#options(optionsOf(CALL, options)) };
    if (count !== undefined)
      checkArgument('count', wholeUpTo(this.#driver.committee.members.length), count);
    await untilLinked(this, count, this.#driver.core, terms);
  }

  /**
   * Signs the ops as one batch at one place of the order; answers a result per op, errors included.
   * Calls need not wait for one another: up to 64 batches are in flight at once.
   */
  async submit(ops: readonly Op[], options: CallOptions = {}): Promise<readonly Result[]> {
    return this.#submit(ops, optionsOf(CALL, options), subjectOf(ops));
  }

  async #submit(
    ops: readonly Op[],
    options: CallOptions,
    path: string | undefined,
  ): Promise<readonly Result[]> {
    const { outcome } = this.#driver.call({ kind: 'ops', ops }, this.#options(options));
    return resultsOf(await outcome, { path, signal: options.signal }).results;
  }

  #options(options: CallOptions): CallOptions {
    return { timeoutMs: this.#timeoutMs, ...options };
  }

  async create(path: string, options: CreateOptions = {}): Promise<Created> {
    return this.#files.create(path, optionsOf(CREATE, options));
  }

  /**
   * Writes a file, and makes it where there is none. A shared file keeps what others write at the
   * same time as siblings. A guarded one needs `generation` or `lock`; without, it is made only where
   * there is none. @throws FattyError `wrong_mode` (a guarded file without its lock), `wrong_kind`
   * (`mode` is not the file's), `lock_lost`, `lock_held`, `generation_mismatch`, `exists`…
   */
  async put(path: string, content: Uint8Array | string, options: PutOptions = {}): Promise<void> {
    await this.#files.put(path, content, optionsOf(PUT, options));
  }

  /**
   * Removes exactly the node that is there now; what somebody creates meanwhile stays. `recursive`:
   * and whatever is below it, in steps of at most 1,000 nodes, the deepest first; others see the
   * steps. `timeoutMs` is that of a step; when one fails, the error tells its outcome alone: what
   * went in steps before it is gone, and the call can be made again.
   */
  async remove(path: string, options: RemoveOptions = {}): Promise<void> {
    await this.#files.remove(path, optionsOf(REMOVE, options));
  }

  /**
   * Looks at several paths at one place of the order, then does one branch of ops whole or not at all.
   * @throws FattyError the code of the op that was refused, `bad_argument`…
   */
  async txn(spec: TxnSpec, options: CallOptions = {}): Promise<TxnDone> {
    return this.#files.transact(spec, optionsOf(CALL, options));
  }

  /** A read that is believed at its level. @throws FattyError with the answer's code */
  async read<K extends Answer['kind']>(
    query: Query,
    kind: K,
    options: ReadOptions = {},
  ): Promise<Found<Extract<Answer, { kind: K }>>> {
    const terms = optionsOf(READ, options);
    const { level = 'committed' } = terms;
    checkAnswerKind(query, kind);
    return this.#read(query, kind, level, undefined, terms);
  }

  async #read<K extends Answer['kind']>(
    query: Query,
    kind: K,
    level: ReadLevel,
    replica: number | undefined,
    options: CallOptions,
  ): Promise<Found<Extract<Answer, { kind: K }>>> {
    if (level === 'certified') {
      throw clientError('bad_argument', 'level certified with get, stat, ls or prove', query.kind);
    }
    return readOne(this.#driver, query, kind, { level, replica }, this.#options(options));
  }

  /**
   * A question that one replica answers with its proof, checked here: what was so at a commit. Also that
   * something is not there, and who holds a lock.
   * @throws FattyError `no_certificate`, `not_provable`, `timeout`, `aborted`…
   */
  prove(question: ProofQuestion, options: ProveOptions = {}): Promise<Certified> {
    return this.#fileReads.prove(question, options);
  }

  get(path: string, options: FileReadOptions = {}): Promise<FileValue> {
    return this.#fileReads.get(path, options);
  }

  stat(path: string, options: FileReadOptions = {}): Promise<Stat> {
    return this.#fileReads.stat(path, options);
  }

  /** Every child, in byte order of the names. Pages may be from different commits, unless they are certified. */
  ls(path: string, options: FileReadOptions = {}): Promise<readonly Entry[]> {
    return this.#fileReads.ls(path, options);
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
    return this.askReplica(replica, { kind: 'status' }, 'status', options);
  }

  /** A read put to one replica alone; nobody vouches for the answer. */
  async askReplica<K extends Answer['kind']>(
    replica: number,
    query: Query,
    kind: K,
    options: ReadOptions = {},
  ): Promise<Extract<Answer, { kind: K }>> {
    const terms = optionsOf(READ, options);
    checkAnswerKind(query, kind);
    checkArgument('replica', wholeUpTo(0xffff), replica);
    return (await this.#read(query, kind, terms.level ?? 'committed', replica, terms)).value;
  }

  /**
   * Events at a path, in order, without gap or double, from `from` on; more than f replicas say so.
   * `for await` it; ends with the loop, the signal or the client. @throws FattyError `bad_path`, `bad_argument`
   */
  watch(path: string, options: WatchOptions = {}): Watch {
    return new Watch(this.#driver, path, optionsOf(WATCH, options));
  }

  /** A file that is served from memory while a watch vouches for it; `close()` it. @throws FattyError `bad_path` */
  async cached(path: string, options: CachedOptions = {}): Promise<Cached> {
    const { keep } = await import('./cached.ts');
    return keep(this, path, options);
  }

  /**
   * An op of the algorithm that the cell hosts in place of the lock service, in its own bytes; answers what
   * `apply` answered. Where it landed names it for ever.
   * @throws FattyError `other_algorithm`, `algorithm_failed`, `answer_lost`…
   */
  async submitBytes(
    op: Uint8Array,
    options: CallOptions = {},
  ): Promise<{ readonly answer: Uint8Array; readonly at: Landed }> {
    const terms = this.#options(optionsOf(CALL, options));
    const { outcome } = this.#driver.call({ kind: 'ops', ops: [{ kind: 'own', op }] }, terms);
    const { results, at } = resultsOf(await outcome, { signal: terms.signal });
    return { answer: expectResult(results[0], 'own').answer, at };
  }

  /**
   * Asks the hosted algorithm; believed when f + 1 replicas answer the same bytes, as every read is.
   * @throws FattyError `other_algorithm`, `no_query`, `algorithm_failed`, `answer_too_large`…
   */
  async query(question: Uint8Array, options: ReadOptions = {}): Promise<Found<Uint8Array>> {
    const found = await this.read({ kind: 'own', question }, 'own', options);
    return { ...found, value: found.value.answer };
  }

  /** Who may do what at a node. */
  acl(path: string): NodeAcl {
    const { params } = this.cell.committee;
    return new NodeAcl({ params, submit: (...batch) => this.#submit(...batch), reads: this }, path);
  }

  /** The keys of this client, and of others. */
  get keys(): Keys {
    const { cellId } = this.cell;
    const own = { cellId, driver: this.#driver, defaults: this.#options({}), reads: this };
    return new Keys({ ...own, submit: (ops, options) => this.submit(ops, options) });
  }

  /**
   * Waits its turn for the lock of a node, and for the proof that it is held. Aborting takes the
   * wait back.
   * @throws FattyError `max_wait`, `not_found`, `already_held`, `aborted`, `timeout`, `in_jeopardy`
   * (granted, but not proved in time: given back), `lock_lost`…
   */
  async acquire(path: string, options: AcquireOptions = {}): Promise<Lock> {
    return this.#acquire(path, true, optionsOf(ACQUIRE, options));
  }

  /** Takes the lock now or throws `lock_held` or `lock_delay` (with `waitMs`). */
  async tryAcquire(path: string, options: Omit<AcquireOptions, 'maxWaitMs'> = {}): Promise<Lock> {
    return this.#acquire(path, false, this.#options(optionsOf(ACQUIRE, options)));
  }

  async #acquire(path: string, wait: boolean, options: AcquireOptions): Promise<Lock> {
    const { mode = 'exclusive', maxWaitMs, lockDelayMs = 0 } = options;
    const request = { kind: 'acquire', path, mode, wait, maxWaitMs, lockDelayMs } as const;
    return acquireLock(this.#driver, request, { ...options, defaults: this.#options({}) });
  }

  /** Runs `work` under the lock; its signal is aborted when the lock is lost. */
  async withLock<T>(
    path: string,
    work: (lock: Lock) => Promise<T>,
    options: AcquireOptions = {},
  ): Promise<T> {
    checkArgument('work', FUNCTION, work);
    return underLock(await this.acquire(path, options), work);
  }

  machine(path: string): Machine {
    return new Machine(this.machineClient(), path);
  }

  /** A job by its path, or the queue that a directory is. */
  job(path: string): Job {
    return new Job({ submit: (...batch) => this.#submit(...batch), reads: this }, path);
  }

  protected machineClient(): MachineClient {
    return {
      driver: this.#driver,
      defaults: this.#options({}),
      submit: (ops, options, path) => this.#submit(ops, options, path),
      readMachine: (at, options): Promise<MachineAnswer> =>
        this.read({ kind: 'machine', path: at }, 'machine', options).then((one) => one.value),
    };
  }

  /**
   * The replica with this key, −1 for none that is a member now. Numbers of replicas are this client's own: members of
   * the committee in `cell` have their index there, who came later the next ones, and nobody ever another's.
   */
  replicaOf(key: PublicKey): number {
    if (!(key instanceof Uint8Array)) return -1;
    return this.#driver.core.members.replicaOf(key);
  }

  /** Closes the session, so that its locks are free at once, and hangs up. Never rejects. */
  close(): Promise<void> {
    this.#states.close();
    return this.#driver.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
