// What a client of a chaos run does: five things at a time, each over and over.
import { type Op, type Result, tokenOf } from '@fatty/api';
import type { Client, Lock } from '@fatty/client/node';
import { fromUtf8, utf8 } from '@fatty/codec';
import type { CallOutcome } from '@fatty/judge';
import type { SeededRng } from '@fatty/testnet';
import { type HistoryWriter, machineMs } from './writer.ts';

/** Where everything happens. */
export const FOLDER = '/chaos';
/** Files that are made once each, and looked for at the end. */
export const LOG: string = `${FOLDER}/log`;

/** All clients go on to new names this often, ms: a history of one name stays short enough to judge. */
const ERA_MS = 20_000;
/** Longest pause between two calls of a lane, ms. */
const PAUSE_MS_MAX = 60;
/** How often a holder looks whether it still holds, ms. */
const LOOK_MS = 10;
/** Longest time that a lock is kept, ms. */
const HOLD_MS_MAX = 120;
/** Longest time that a call may take, ms. */
const CALL_MS_MAX = 20_000;

const LINEARIZABLE = { level: 'linearizable', timeoutMs: CALL_MS_MAX } as const;

type Dots = Extract<Op, { kind: 'write' }>['observed'];

/** What a client of a run needs. */
export interface LaneParts {
  readonly client: Client;
  readonly writer: HistoryWriter;
  readonly rng: SeededRng;
  /** Ends every lane before its next call. */
  readonly signal: AbortSignal;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The lanes of one client. Everything goes into its history. */
export class Lanes {
  readonly #parts: LaneParts;
  #values = 0;

  constructor(parts: LaneParts) {
    this.#parts = parts;
  }

  /** Resolves when all lanes have ended. @throws whatever is no error of the SDK */
  async run(): Promise<void> {
    const { rng } = this.#parts;
    const lanes = [
      () => this.#underLock(),
      () => this.#compareAndSet(),
      () => this.#overwrite(),
      () => this.#comeAndGo(),
      () => this.#logOne(),
    ];
    await Promise.all(lanes.map((lane) => this.#repeat(lane, rng.fork())));
  }

  async #repeat(lane: () => Promise<void>, rng: SeededRng): Promise<void> {
    while (!this.#parts.signal.aborted) {
      await lane();
      await sleep(rng.below(PAUSE_MS_MAX));
    }
  }

  #name(kind: string): string {
    return `${FOLDER}/${kind}-${Math.floor(machineMs() / ERA_MS)}`;
  }

  #value(): string {
    return `${this.#parts.writer.client}-${++this.#values}`;
  }

  // ── files ────────────────────────────────────────────────────────────────

  async #create(path: string, mode: 'shared' | 'guarded'): Promise<CallOutcome> {
    const { client, writer } = this.#parts;
    const value = this.#value();
    return writer.call(path, { kind: 'create', value }, async () => {
      await client.create(path, { mode, content: value, timeoutMs: CALL_MS_MAX });
      return { kind: 'ok' };
    });
  }

  /** Reads, and then writes over the generation that it read; sometimes over one that is gone. */
  async #compareAndSet(): Promise<void> {
    const { client, writer, rng } = this.#parts;
    const path = this.#name('cas');
    let seen: Parameters<Client['put']>[2];
    const read = await writer.call(path, { kind: 'read' }, async () => {
      const { stat, text } = await client.get(path, LINEARIZABLE);
      const { contentGen } = stat;
      if (contentGen === undefined) return { kind: 'unknown' };
      seen = { generation: contentGen, timeoutMs: CALL_MS_MAX };
      return { kind: 'ok', values: [text()], generation: tokenOf(contentGen) };
    });
    if (isMissing(read)) await this.#create(path, 'guarded');
    const generation = seen?.generation;
    if (generation === undefined) return;
    for (let time = rng.chance(200) ? 2 : 1; time > 0; time--) {
      const value = this.#value();
      await this.#submit(
        path,
        { kind: 'compareAndSet', value, generation: tokenOf(generation) },
        { kind: 'compareAndSet', path, content: utf8(value), generation, lockGen: undefined },
      );
    }
  }

  /** One op of the cell, and the call that it is in the history. */
  #submit(path: string, call: Parameters<HistoryWriter['call']>[1], op: Op): Promise<CallOutcome> {
    const { client, writer } = this.#parts;
    return writer.call(path, call, async () => {
      const [result] = await client.submit([op], { timeoutMs: CALL_MS_MAX });
      return outcomeOf(result);
    });
  }

  /** Reads all values that several wrote at the same time, and writes over them. */
  async #overwrite(): Promise<void> {
    const { client, writer, rng } = this.#parts;
    const path = this.#name('shared');
    let observed: readonly string[] = [];
    let dots: Dots = [];
    const read = await writer.call(path, { kind: 'read' }, async () => {
      const { siblings } = await client.get(path, LINEARIZABLE);
      observed = siblings.map(({ content }) => fromUtf8(content) ?? 'no text');
      dots = siblings.map(({ dot }) => dot);
      return { kind: 'ok', values: observed };
    });
    if (isMissing(read)) await this.#create(path, 'shared');
    if (dots.length === 0 || rng.chance(300)) return;
    const value = this.#value();
    const op: Op = { kind: 'write', path, content: utf8(value), observed: dots };
    await this.#submit(path, { kind: 'write', value, observed }, op);
  }

  /** A file that several make and remove. */
  async #comeAndGo(): Promise<void> {
    const { client, writer, rng } = this.#parts;
    const path = this.#name('node');
    if (rng.chance(400)) {
      await this.#create(path, 'guarded');
    } else if (rng.chance(500)) {
      await writer.call(path, { kind: 'delete' }, async () => {
        await client.remove(path, { timeoutMs: CALL_MS_MAX });
        return { kind: 'ok' };
      });
    } else {
      await writer.call(path, { kind: 'read' }, async () => {
        const { text } = await client.get(path, LINEARIZABLE);
        return { kind: 'ok', values: [text()] };
      });
    }
  }

  /** One more file, whose content is its name. */
  async #logOne(): Promise<void> {
    const { client, writer } = this.#parts;
    const value = this.#value();
    const path = `${LOG}/${value}`;
    await writer.call(path, { kind: 'create', value }, async () => {
      await client.create(path, { content: value, timeoutMs: CALL_MS_MAX });
      return { kind: 'ok' };
    });
  }

  // ── locks ────────────────────────────────────────────────────────────────

  /** Takes the lock, writes while it is held, gives it back. */
  async #underLock(): Promise<void> {
    const path = this.#name('lock');
    let lock: Lock | undefined;
    const { client, writer, rng } = this.#parts;
    const got = await writer.call(path, { kind: 'acquire' }, async () => {
      const isPatient = rng.chance(700);
      const terms = { timeoutMs: CALL_MS_MAX };
      lock = isPatient
        ? await client.acquire(path, { ...terms, maxWaitMs: 5_000 })
        : await client.tryAcquire(path, terms);
      return { kind: 'ok', generation: lock.token };
    });
    if (isMissing(got)) await this.#create(path, 'guarded');
    if (lock !== undefined) await this.#hold(lock, machineMs() + rng.below(HOLD_MS_MAX));
  }

  async #hold(lock: Lock, untilMs: number): Promise<void> {
    const { path, token } = lock;
    let heldMs = machineMs();
    const look = setInterval(() => {
      // The clock first: the holder believes at least until then.
      const nowMs = machineMs();
      if (lock.held) heldMs = nowMs;
    }, LOOK_MS);
    const value = this.#value();
    await this.#submit(
      path,
      { kind: 'compareAndSet', value, lock: token },
      {
        kind: 'compareAndSet',
        path,
        content: utf8(value),
        generation: undefined,
        lockGen: lock.generation,
      },
    );
    await sleep(Math.max(0, untilMs - machineMs()));
    clearInterval(look);
    await this.#giveBack(lock, heldMs);
  }

  /** A lock that is lost is given back as well: the cell may not have heard of the loss. */
  async #giveBack(lock: Lock, heldMs: number): Promise<void> {
    const { path, token, generation } = lock;
    const { writer } = this.#parts;
    if (!lock.held) writer.begin(path, { kind: 'lost', generation: token }, heldMs);
    const op: Op = { kind: 'release', path, lockGen: generation };
    const outcome = await this.#submit(path, { kind: 'release', generation: token }, op);
    // Refused or not heard of: the cell lets go of it some day, now that nobody believes in it.
    if (outcome.kind !== 'ok') writer.begin(path, { kind: 'lost', generation: token }, machineMs());
  }
}

const isMissing = (outcome: CallOutcome): boolean =>
  outcome.kind === 'refused' && outcome.code === 'not_found';

function outcomeOf(result: Result | undefined): CallOutcome {
  if (result === undefined) return { kind: 'unknown' };
  if (result.kind === 'error') return { kind: 'refused', code: result.code };
  return result.kind === 'written'
    ? { kind: 'ok', generation: tokenOf(result.generation) }
    : { kind: 'ok' };
}
