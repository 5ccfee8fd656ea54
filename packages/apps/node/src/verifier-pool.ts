// The thread that checks proofs, and who gets it next.
import { Worker } from 'node:worker_threads';
import { toHex } from '@fatty/codec';
import type { PublicKey, Verdict, Verifier } from '@fatty/interface';
import { jobKey } from '@fatty/replica';

/** What a pool is made of. */
export interface PoolOptions {
  /** The worker's entry file; it answers `{id, verdict}` to every `{id, job}`. */
  readonly entry: URL;
  /** Jobs waiting in each lane, blocks' and clients'; one more gets no verdict at once. */
  readonly queueMax: number;
  /** Called when a worker dies; its jobs get no verdict and are asked again by the replica. */
  readonly onCrash?: (error: Error) => void;
}

type Answer = Verdict | undefined;

interface Entry {
  readonly key: string;
  readonly job: Uint8Array;
  readonly answer: Promise<Answer>;
  readonly resolve: (verdict: Answer) => void;
  /** Hex of the key that asked; undefined in the lane of blocks. */
  client: string | undefined;
}

/** Jobs with the worker at once: the next one is there when one is done. */
const IN_FLIGHT = 2;
/** After so many jobs of blocks in a row one client's turn comes, if one waits. */
const BLOCKS_IN_A_ROW = 4;

/** Jobs that wait, in lanes: blocks' before clients', and the clients by turns. */
class Lanes {
  readonly #blocks: Entry[] = [];
  /** By client; who had a turn goes to the end. */
  readonly #clients = new Map<string, Entry[]>();
  #clientJobs = 0;
  #inARow = 0;

  sizeOf(client: string | undefined): number {
    return client === undefined ? this.#blocks.length : this.#clientJobs;
  }

  add(entry: Entry): void {
    const { client } = entry;
    if (client === undefined) return void this.#blocks.push(entry);
    this.#clients.set(client, [...(this.#clients.get(client) ?? []), entry]);
    this.#clientJobs++;
  }

  /** A block waits for what only a client did so far. */
  promote(entry: Entry): void {
    const queue = entry.client === undefined ? undefined : this.#clients.get(entry.client);
    if (entry.client === undefined || !queue?.includes(entry)) return;
    this.#keep(
      entry.client,
      queue.filter((other) => other !== entry),
    );
    entry.client = undefined;
    this.#blocks.push(entry);
  }

  next(): Entry | undefined {
    const isTheirTurn = this.#inARow >= BLOCKS_IN_A_ROW && this.#clientJobs > 0;
    const block = isTheirTurn ? undefined : this.#blocks.shift();
    if (block) {
      this.#inARow++;
      return block;
    }
    this.#inARow = 0;
    const [first] = this.#clients;
    if (first === undefined) return undefined;
    const [client, [entry, ...rest]] = first;
    this.#clients.delete(client);
    this.#keep(client, rest);
    return entry;
  }

  #keep(client: string, queue: Entry[]): void {
    this.#clientJobs--;
    if (queue.length > 0) this.#clients.set(client, queue);
    else this.#clients.delete(client);
  }
}

/**
 * One worker thread for slow checks: with two cores a second one only steals from the event loop.
 * What a block waits for goes before what clients have sent, and each client gets its turn. The same
 * job asked twice at once runs once. No time limit: work is bounded by counts (R11a).
 * By hand: a library of threads would bring the thread, and the lanes, turns and joined jobs are the work.
 */
class VerifierPool implements Verifier {
  readonly #options: PoolOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #lanes = new Lanes();
  readonly #running = new Map<number, Entry>();
  #worker: Worker | undefined;
  #nextId = 0;
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  verify(job: Uint8Array, asker?: PublicKey): Promise<Answer> {
    const key = jobKey(job);
    const client = asker && toHex(asker);
    const same = this.#entries.get(key);
    if (same) {
      if (client === undefined) this.#lanes.promote(same);
      return same.answer;
    }
    const isFull = this.#lanes.sizeOf(client) >= this.#options.queueMax;
    if (this.#closed || isFull) return Promise.resolve(undefined);
    let resolve: Entry['resolve'] = () => undefined;
    const answer = new Promise<Answer>((done) => {
      resolve = done;
    });
    const entry: Entry = { key, job, answer, resolve, client };
    this.#entries.set(key, entry);
    this.#lanes.add(entry);
    this.#feed();
    return answer;
  }

  async close(): Promise<void> {
    this.#closed = true;
    const left = [...this.#entries.values()];
    await this.#worker?.terminate();
    for (const entry of left) this.#end(entry, undefined);
  }

  #feed(): void {
    while (!this.#closed && this.#running.size < IN_FLIGHT) {
      const entry = this.#lanes.next();
      if (entry === undefined) return;
      this.#worker ??= this.#start();
      const id = this.#nextId++;
      this.#running.set(id, entry);
      this.#worker.postMessage({ id, job: entry.job });
    }
  }

  #end(entry: Entry, verdict: Answer): void {
    this.#entries.delete(entry.key);
    entry.resolve(verdict);
  }

  #start(): Worker {
    // Without the empty execArgv a worker under a test runner inherits its loader flags.
    const fresh = new Worker(this.#options.entry, { execArgv: [] });
    fresh.on('message', ({ id, verdict }: { id: number; verdict: Verdict }) => {
      const entry = this.#running.get(id);
      this.#running.delete(id);
      if (entry) this.#end(entry, verdict);
      this.#feed();
    });
    fresh.on('error', (error: Error) => this.#options.onCrash?.(error));
    fresh.on('exit', () => {
      if (this.#worker === fresh) this.#worker = undefined;
      const lost = [...this.#running.values()];
      this.#running.clear();
      for (const entry of lost) this.#end(entry, undefined);
      this.#feed();
    });
    fresh.unref();
    return fresh;
  }
}

/** A verifier in a thread of its own, started by the first job. */
export function verifierPool(options: PoolOptions): Verifier {
  return new VerifierPool(options);
}
