// One node instance, held by name: contents, locks and events of it, and of no later node of that name.
import { comparePositions, type Entry, type LockMode, type Stat } from '@fatty/api';
import type { Position } from '@fatty/interface';
import type { Client } from '../sdk/client.ts';
import type { CallOptions } from '../sdk/driver.ts';
import { clientError, FattyError, isFattyError } from '../sdk/error.ts';
import type { Lock } from '../sdk/lock.ts';
import type { CreateOptions, FileValue } from '../sdk/options.ts';
import type { TxnCompare, TxnOp } from '../sdk/txn.ts';
import type { Watch } from '../sdk/watch.ts';
import { eventsOf, type HandleEvent } from './events.ts';

export type { HandleEvent } from './events.ts';

/** How a node is opened. */
export interface OpenOptions extends CallOptions {
  /** What the handle is for; the rest is refused here (`access_denied`), whatever the lists say. Default `write`. */
  readonly mode?: 'read' | 'write' | undefined;
  /** Makes the node where there is none. `exclusive: true`: only a new one will do (`exists`). */
  readonly create?: Omit<CreateOptions, 'sequential' | 'signal' | 'timeoutMs'> | undefined;
  /** Whether {@link Handle.events} will be asked for: from the open on nothing is missed. Default false. */
  readonly events?: boolean | undefined;
  /** Of every lock taken by this handle, ms: how long others wait when this client fails. Default 0. */
  readonly lockDelayMs?: number | undefined;
}

/** The state of a lock, to be shown to others: they check it, and act for nobody whose lock it was. */
export interface Sequencer {
  readonly path: string;
  readonly mode: LockMode;
  readonly generation: Position;
}

/** How many times a read is tried whose node changes meanwhile. */
const TRIES_MAX = 8;

/**
 * Opens a node: its name is looked up now, and never again.
 * @throws FattyError `not_found`, `exists`, `access_denied`…
 */
export async function open(
  client: Client,
  path: string,
  options: OpenOptions = {},
): Promise<Handle> {
  const { create, events = false } = options;
  const call = callOf(options);
  const watch = events ? client.watch(path) : undefined;
  try {
    await watch?.started;
    if (create) await client.create(path, { exclusive: false, ...create, ...call });
    const { instance } = await client.stat(path, call);
    if (instance === undefined) throw gone(path, 'one that is only delivered');
    return new Handle(client, { path, instance, options, watch });
  } catch (error) {
    await watch?.return();
    throw error;
  }
}

interface Opened {
  readonly path: string;
  readonly instance: Position;
  readonly options: OpenOptions;
  readonly watch: Watch | undefined;
}

/**
 * A node as it was opened. When that node is gone every call is `not_found`, also where another one has its name.
 * `await using` closes it.
 */
export class Handle implements AsyncDisposable {
  readonly path: string;
  /** Of the node: no other one ever has it. */
  readonly instance: Position;
  readonly #client: Client;
  readonly #opened: Opened;
  readonly #poison = new AbortController();
  #lock: Lock | undefined;
  #sequencer: Sequencer | undefined;
  #isClosed = false;

  /** @internal {@link open} makes them. */
  constructor(client: Client, opened: Opened) {
    this.#client = client;
    this.#opened = opened;
    this.path = opened.path;
    this.instance = opened.instance;
  }

  /** The lock that this handle holds. */
  get lock(): Lock | undefined {
    return this.#lock?.held ? this.#lock : undefined;
  }

  /** Contents and metadata at one commit. */
  async contentsAndStat(options: CallOptions = {}): Promise<FileValue> {
    return this.#read(options, async (call) => {
      const value = await this.#client.get(this.path, call);
      return [value, value.stat];
    });
  }

  /** Metadata alone. */
  async stat(options: CallOptions = {}): Promise<Stat> {
    return this.#read(options, async (call) => {
      const stat = await this.#client.stat(this.path, call);
      return [stat, stat];
    });
  }

  /** The children of a directory. */
  async readDir(options: CallOptions = {}): Promise<readonly Entry[]> {
    return this.#read(options, async (call) => {
      const entries = await this.#client.ls(this.path, call);
      return [entries, await this.#client.stat(this.path, call)];
    });
  }

  /**
   * Writes the file. `generation`: only over this content. A guarded file needs that, or the lock of this handle.
   * @throws FattyError `generation_mismatch`, `lock_mismatch`…
   */
  async setContents(
    content: Uint8Array | string,
    options: CallOptions & { readonly generation?: Position } = {},
  ): Promise<void> {
    const { generation } = options;
    const stat = await this.stat(options);
    const isGuarded = stat.mode === 'guarded';
    const lock = isGuarded ? this.lock?.generation : undefined;
    const over: readonly TxnCompare[] =
      generation === undefined || isGuarded ? [] : [{ path: this.path, generation }];
    const put: TxnOp = {
      put: this.path,
      content,
      ...(isGuarded && generation ? { generation } : {}),
      ...(lock ? { lock } : {}),
    };
    await this.#write([put], options, over);
  }

  /** Removes the node, if it has no children. @throws FattyError `not_empty` */
  async delete(options: CallOptions = {}): Promise<void> {
    await this.#write([{ remove: this.path }], options);
  }

  /** Waits for the lock. @throws FattyError `already_held`, `aborted`, `not_found`… */
  async acquire(mode: LockMode = 'exclusive', options: CallOptions = {}): Promise<Lock> {
    const { lockDelayMs = 0 } = this.#opened.options;
    const call = this.#call(options, 'write');
    return this.#keep(await this.#client.acquire(this.path, { ...call, mode, lockDelayMs }), call);
  }

  /** Takes the lock now. @throws FattyError `lock_held`, `lock_delay`… */
  async tryAcquire(mode: LockMode = 'exclusive', options: CallOptions = {}): Promise<Lock> {
    const { lockDelayMs = 0 } = this.#opened.options;
    const call = this.#call(options, 'write');
    return this.#keep(
      await this.#client.tryAcquire(this.path, { ...call, mode, lockDelayMs }),
      call,
    );
  }

  /** Gives the lock back; nothing when this handle holds none. */
  async release(options: CallOptions = {}): Promise<void> {
    const lock = this.#lock;
    this.#lock = undefined;
    await lock?.release(this.#call(options, 'read'));
  }

  /** What this handle holds. @throws FattyError `lock_lost` */
  getSequencer(): Sequencer {
    this.#check('read');
    const { path, lock } = this;
    if (lock === undefined) throw clientError('lock_lost', 'a lock that is held', 'none', { path });
    return { path, mode: lock.mode, generation: lock.generation };
  }

  /** From now on every call of this handle is refused once that lock is lost, whoever holds it. */
  setSequencer(sequencer: Sequencer): void {
    this.#check('read');
    this.#sequencer = sequencer;
  }

  /** Whether somebody holds that lock by that grant. */
  async checkSequencer(sequencer: Sequencer, options: CallOptions = {}): Promise<boolean> {
    const call = this.#call(options, 'read');
    const { path, mode, generation } = sequencer;
    const state = await this.#client.lockState(path, { ...call, level: 'linearizable' });
    return state.holders.some(
      (one) => one.mode === mode && comparePositions(one.position, generation) === 0,
    );
  }

  /**
   * What happens to the node and to the session, from the open on, ended by `invalid`: the node, the session or the
   * handle is gone. Once per handle, opened with `events`.
   * @throws FattyError `bad_argument`
   */
  events(): AsyncGenerator<HandleEvent, void, undefined> {
    this.#check('read');
    const { watch } = this.#opened;
    if (watch === undefined) throw clientError('bad_argument', 'open with events', 'without');
    return eventsOf(this.#client, watch, this);
  }

  /** Fails what is under way and whatever is asked later, and ends its events, from any task. {@link close} stays possible. */
  poison(): void {
    const { path } = this;
    this.#poison.abort(clientError('aborted', 'a handle', 'one that was poisoned', { path }));
    void this.#opened.watch?.return();
  }

  /** Gives back what the handle holds, and ends its events. Never rejects; later calls are `closed`. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const lock = this.#lock;
    this.#lock = undefined;
    const { path } = this;
    this.#poison.abort(clientError('closed', 'an open handle', 'a closed one', { path }));
    await this.#opened.watch?.return();
    await lock?.release().catch(() => undefined);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #check(need: 'read' | 'write'): void {
    if (this.#poison.signal.aborted) throw this.#poison.signal.reason;
    if (need === 'read' || this.#opened.options.mode !== 'read') return;
    const failure = { code: 'access_denied', expected: 'a handle for write', actual: 'read' };
    throw new FattyError(failure, { outcome: 'not_applied', retryable: false, path: this.path });
  }

  /** Options of a call that ends with the handle. */
  #call(options: CallOptions, need: 'read' | 'write'): CallOptions {
    this.#check(need);
    const { signal } = options;
    const own = this.#poison.signal;
    return { ...callOf(options), signal: signal ? AbortSignal.any([signal, own]) : own };
  }

  /** What is read of another node is not handed out, nor what is read when the sequencer's lock is lost. */
  async #read<T>(
    options: CallOptions,
    look: (call: CallOptions) => Promise<readonly [value: T, stat: Stat]>,
  ): Promise<T> {
    const call = this.#call(options, 'read');
    const [value, stat] = await this.#unlessPoisoned(look(call));
    this.#checkInstance(stat);
    if (this.#sequencer !== undefined && !(await this.checkSequencer(this.#sequencer, options))) {
      throw stale(this.#sequencer);
    }
    return value;
  }

  #checkInstance({ instance }: Stat): void {
    if (instance && comparePositions(instance, this.instance) === 0) return;
    throw gone(this.path, 'another one of this name');
  }

  /** One transaction: on this node, under that lock, or not at all. */
  async #write(
    success: readonly TxnOp[],
    options: CallOptions,
    over: readonly TxnCompare[] = [],
  ): Promise<void> {
    const call = this.#call(options, 'write');
    const { path, instance } = this;
    const fence = this.#sequencer;
    const held: readonly TxnCompare[] = fence ? [{ path: fence.path, held: fence.generation }] : [];
    const own: TxnCompare = { path, generation: instance, of: 'instance' };
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const spec = { compares: [own, ...held, ...over], success, failure: [] };
      const done = await this.#unlessPoisoned(this.#client.txn(spec, call));
      if (done.succeeded) return;
      // Why not: the node, the sequencer's lock, or the content has moved on.
      const stat = await this.stat(options);
      const [wanted] = over;
      if (wanted !== undefined && 'generation' in wanted)
        throw moved(path, wanted.generation, stat);
    }
    throw clientError('timeout', 'a node that stands still', 'one that changes', { path });
  }

  async #keep(lock: Lock, call: CallOptions): Promise<Lock> {
    try {
      this.#check('write');
      this.#checkInstance(await this.#unlessPoisoned(this.#client.stat(this.path, call)));
    } catch (error) {
      await lock.release().catch(() => undefined);
      throw error;
    }
    this.#lock = lock;
    return lock;
  }

  /** A poisoned handle says that it is. */
  async #unlessPoisoned<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      if (this.#poison.signal.aborted && isFattyError(error, 'aborted')) {
        throw this.#poison.signal.reason;
      }
      throw error;
    }
  }
}

function callOf({ signal, timeoutMs }: CallOptions): CallOptions {
  return { ...(signal && { signal }), ...(timeoutMs !== undefined && { timeoutMs }) };
}

function gone(path: string, actual: string): FattyError {
  const failure = { code: 'not_found', expected: 'the node that was opened', actual };
  return new FattyError(failure, { outcome: 'not_applied', retryable: false, path });
}

function stale({ path }: Sequencer): FattyError {
  return clientError('lock_lost', 'the lock of the sequencer', 'one that was lost', { path });
}

function moved(path: string, generation: Position, { contentGen }: Stat): FattyError {
  const show = (at: Position | undefined): string => (at ? `${at.commit}.${at.index}` : 'none');
  const failure = {
    code: 'generation_mismatch',
    expected: show(generation),
    actual: show(contentGen),
  };
  return new FattyError(failure, { outcome: 'not_applied', retryable: false, path });
}
