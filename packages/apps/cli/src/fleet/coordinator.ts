// The coordinator: elected by a lock, known by a proof; it declares the jobs and watches them end.
import { createServer } from 'node:http';
import { type FattyError, isFattyError, type Lock } from '@fatty/client/node';
import { proverPool, runMachine, type WorkerEvent } from '@fatty/client/worker';
import { utf8 } from '@fatty/codec';
import type { Position } from '@fatty/interface';
import { type Post, sleep } from './duty.ts';
import { IS_OVER, LEAD, MASTER, PROGRAMS, QUEUE } from './graph.ts';

/** Of all jobs so many are declared and not over at any time: more wait with the coordinator. */
const OPEN_SHARE = 1 / 3;
const OPEN_MIN = 4;
const LOOK_MS = 250;
const RETRY_MS = 500;
/** A proof of the master's machine makes up to so many transitions in a period. */
const TRANSITIONS = 10;

/** Waits for the lock, coordinates while it holds it, and stands by again when it has lost it. */
export async function coordinate(post: Post): Promise<void> {
  for (;;) {
    const lock = await post.client.acquire(LEAD);
    post.tell({ kind: 'leads', token: lock.token });
    await new Reign(post, lock).run().catch((error: unknown) => {
      // What fails because the lock is lost is no fault of ours.
      if (!lock.signal.aborted) throw error;
    });
    const reason = lock.signal.reason as FattyError | undefined;
    post.tell({ kind: 'deposed', code: reason?.code ?? 'unknown' });
  }
}

/** From a grant of the lock to its loss. */
class Reign {
  readonly #post: Post;
  readonly #lock: Lock;
  #declared = 0;
  #ended = 0;

  constructor(post: Post, lock: Lock) {
    this.#post = post;
    this.#lock = lock;
  }

  async run(): Promise<void> {
    await this.#meetFence();
    const server = createServer((_, response) => {
      const { token } = this.#lock;
      response.end(JSON.stringify({ token, declared: this.#declared, ended: this.#ended }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const at = server.address();
    const port = typeof at === 'object' && at !== null ? at.port : 0;
    try {
      await Promise.all([this.#beMaster(`http://127.0.0.1:${port}/`), this.#declareAll()]);
    } finally {
      server.close();
    }
  }

  /**
   * Writes who leads. Then tries to declare a job as the coordinator before, whose generation stood
   * there: nobody may any more.
   */
  async #meetFence(): Promise<void> {
    const { client, jobs, tell } = this.#post;
    const token = (await client.get(LEAD)).text();
    await client.put(LEAD, this.#lock.token, { lock: this.#lock });
    const last = jobs.at(-1);
    if (token === '' || last === undefined) return;
    const fence = { path: LEAD, lockGen: generationOf(token) };
    const code = await client
      .job(last.path)
      .declare({ ...last.terms, inputs: [1n], fence })
      .then(() => 'declared', codeOf);
    tell({ kind: 'fenced', code });
  }

  /** Takes the master's machine by proof when it is free, keeps it, and says where we are. */
  async #beMaster(address: string): Promise<void> {
    const { client, tell } = this.#post;
    const { signal, token } = this.#lock;
    const prover = proverPool({ threads: 1 });
    const { periodMs } = await client.machine(MASTER).stat();
    const onProgress = (event: WorkerEvent): void => {
      if (event.kind === 'published') tell({ kind: 'master', address });
    };
    try {
      while (!signal.aborted) {
        await runMachine(client, {
          path: MASTER,
          program: PROGRAMS.tick.program,
          publish: { address, content: utf8(token) },
          transitions: { everyMs: periodMs / TRANSITIONS, max: TRANSITIONS },
          prover,
          signal,
          onProgress,
        });
      }
    } finally {
      await prover.close();
    }
  }

  /** In the order of the plan, a few at a time; what is there already was declared before us. */
  async #declareAll(): Promise<void> {
    const { signal } = this.#lock;
    while (!signal.aborted) {
      try {
        await this.#declareSome();
      } catch (error) {
        if (!isFattyError(error)) throw error;
        if (error.code === 'lock_mismatch') return;
        await sleep(RETRY_MS);
      }
      await sleep(LOOK_MS);
    }
  }

  async #declareSome(): Promise<void> {
    const { client, jobs, tell } = this.#post;
    const there = new Set<string>();
    let open = 0;
    for await (const { name, status } of client.job(QUEUE).list()) {
      there.add(name);
      if (!IS_OVER.has(status)) open++;
    }
    const fence = { path: LEAD, lockGen: this.#lock.generation };
    const missing = jobs.filter(({ name }) => !there.has(name));
    this.#declared = there.size;
    this.#ended = there.size - open;
    const openMax = Math.max(OPEN_MIN, Math.ceil(OPEN_SHARE * jobs.length));
    for (const { path, terms } of missing.slice(0, Math.max(0, openMax - open))) {
      const code = await client
        .job(path)
        .declare({ ...terms, fence })
        .then(() => 'declared', refusalOf);
      if (code === 'declared') tell({ kind: 'declared', path });
    }
  }
}

/** `exists`: an answer was lost, or whoever led before us has done it. @throws whatever else it was */
function refusalOf(error: unknown): string {
  if (isFattyError(error, 'exists')) return error.code;
  throw error;
}

const codeOf = (error: unknown): string => (isFattyError(error) ? error.code : String(error));

/** `commit.index` */
function generationOf(token: string): Position {
  const [commit = 0, index = 0] = token.split('.').map(Number);
  return { commit, index };
}
