// Files and directories: put, create, list, remove.
import { type Dot, type Op, parentPath, type Result, type Stat, sequentialPath } from '@fatty/api';
import type { CellParams } from '@fatty/protocol';
import { expectResult } from './answers.ts';
import { bytesOf, checkFirst, REFUSED } from './arguments.ts';
import type { CallOptions } from './driver.ts';
import { clientError, FattyError, isFattyError } from './error.ts';
import type { CreateOptions, PutOptions, RemoveOptions } from './options.ts';
import type { TxnDone, TxnSpec } from './txn.ts';

/** A node that was made, or joined. */
export type Created = Extract<Result, { kind: 'created' }> & {
  /** Of the node; with the end of its name, where it is a sequential one. */
  readonly path: string;
};
type CreateOp = Extract<Op, { kind: 'create' }>;

/** What `put` reads before it writes. */
export interface SeenFile {
  readonly stat: Stat;
  readonly dots: readonly Dot[];
}

/** What files need of their client; options have been looked at. */
export interface FileClient {
  readonly params: CellParams;
  /** One batch; `path` is what an error is about. */
  submit(
    ops: readonly Op[],
    options: CallOptions,
    path: string | undefined,
  ): Promise<readonly Result[]>;
  /** The file, and the dots of all its siblings. */
  seen(path: string, options: CallOptions): Promise<SeenFile>;
  stat(path: string, options: CallOptions): Promise<Stat>;
}

/** The calls for files that take more than one op, or ask before they write. */
export class Files {
  readonly #client: FileClient;

  constructor(client: FileClient) {
    this.#client = client;
  }

  async create(path: string, options: CreateOptions): Promise<Created> {
    const { node = 'file', content = '', mode = 'shared', ephemeral = false } = options;
    const exclusive = options.exclusive ?? true;
    const bytes = bytesOf(content);
    const what = { path, node, mode, ephemeral, content: bytes };
    const op: Op = options.sequential
      ? { kind: 'createSequential', ...what }
      : { kind: 'create', ...what, exclusive };
    checkFirst(op, this.#client.params);
    const above = options.parents ? await this.#missingParents(path, options) : [];
    const results = await this.#client.submit([...above, op], options, path);
    const created = expectResult(results.at(-1), 'created', path);
    return { ...created, path: options.sequential ? sequentialPath(path, created.instance) : path };
  }

  /** Creates of the directories that are not there, from the top. */
  async #missingParents(path: string, options: CallOptions): Promise<CreateOp[]> {
    const missing: CreateOp[] = [];
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
      await this.#client.stat(path, options);
      return true;
    } catch (error) {
      if (isFattyError(error, 'not_found')) return false;
      throw error;
    }
  }

  async put(path: string, content: Uint8Array | string, options: PutOptions): Promise<void> {
    const bytes = bytesOf(content);
    const { generation, lock, mode } = options;
    if (generation !== undefined || lock !== undefined) {
      if (mode === 'shared') {
        throw clientError('bad_argument', 'mode: guarded, with generation or lock', mode, { path });
      }
      await this.#compareAndSet(path, bytes, options);
      return;
    }
    checkFirst({ kind: 'write', path, content: bytes, observed: [] }, this.#client.params);
    const seen = await this.#seen(path, options);
    if (seen === undefined) {
      // Who joins a guarded file that somebody else makes meanwhile would write nothing.
      await this.create(path, { ...options, content: bytes, exclusive: mode === 'guarded' });
      return;
    }
    checkMode(path, seen.stat, mode);
    const op: Op = { kind: 'write', path, content: bytes, observed: seen.dots };
    const [result] = await this.#client.submit([op], options, path);
    expectResult(result, 'written', path);
  }

  /** Undefined when there is no file. */
  async #seen(path: string, options: CallOptions): Promise<SeenFile | undefined> {
    try {
      return await this.#client.seen(path, options);
    } catch (error) {
      if (isFattyError(error, 'not_found')) return undefined;
      throw error;
    }
  }

  async #compareAndSet(path: string, content: Uint8Array, options: PutOptions): Promise<void> {
    const { generation, lock } = options;
    if (lock !== undefined && (lock.signal.aborted || !lock.held)) {
      throw clientError('lock_lost', 'a held lock', 'one that was lost', {
        cause: lock.signal.reason,
        path,
      });
    }
    const lockGen = lock?.generation;
    const op: Op = { kind: 'compareAndSet', path, content, generation, lockGen };
    const [result] = await this.#client.submit([op], options, path);
    expectResult(result, 'written', path);
  }

  async transact(spec: TxnSpec, options: CallOptions): Promise<TxnDone> {
    const { transact } = await import('./txn.ts');
    return transact(this.#client, spec, options);
  }

  async remove(path: string, options: RemoveOptions): Promise<void> {
    checkFirst({ kind: 'removeSubtree', path }, this.#client.params);
    const submit = (ops: readonly Op[]): Promise<readonly Result[]> =>
      this.#client.submit(ops, options, path);
    if (options.recursive) {
      const { removeTree } = await import('./steps.ts');
      return removeTree(submit, path);
    }
    const { dots } = await this.#client.stat(path, options);
    const [result] = await submit([{ kind: 'remove', path, dots }]);
    expectResult(result, 'removed', path);
  }
}

/** @throws FattyError `wrong_kind`, `wrong_mode`: what a plain write of this file would come to */
function checkMode(path: string, { mode }: Stat, wanted: PutOptions['mode']): void {
  if (wanted !== undefined && wanted !== mode) {
    throw refusal('wrong_kind', `a ${wanted} file`, `a ${mode} one`, path);
  }
  if (mode === 'shared') return;
  throw refusal('wrong_mode', 'lock or generation: the file is guarded', 'neither', path);
}

function refusal(code: string, expected: string, actual: string, path: string): FattyError {
  return new FattyError({ code, expected, actual }, { ...REFUSED, path });
}
