// Writes down what one client asks and hears, before and after each call.
import { openSync, writeSync } from 'node:fs';
import { isFattyError } from '@fatty/client/node';
import type { Begun, CallOp, CallOutcome, Ended } from '@fatty/judge';

/** ms of the monotonic clock of this machine: the same for all of its processes. */
export function machineMs(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}

/** The history of one client: a line before each call, one after it. A killed process loses no line. */
export class HistoryWriter {
  readonly client: string;
  readonly #file: number;
  #count = 0;

  constructor(file: string, client: string) {
    this.client = client;
    this.#file = openSync(file, 'a');
  }

  /**
   * Makes a call and writes down what came of it. An error of the SDK is an outcome.
   * @throws whatever else `work` throws
   */
  async call(path: string, op: CallOp, work: () => Promise<CallOutcome>): Promise<CallOutcome> {
    const id = this.begin(path, op, machineMs());
    const outcome = await work().catch(outcomeOf);
    this.end(id, outcome);
    return outcome;
  }

  /** A call that begins, or a belief that ends. Answers its id. */
  begin(path: string, op: CallOp, start: number): string {
    const { client } = this;
    const id = `${client}.${++this.#count}`;
    this.#write({ id, client, path, op, start });
    return id;
  }

  end(id: string, outcome: CallOutcome): void {
    this.#write({ id, end: machineMs(), outcome });
  }

  #write(line: Begun | Ended): void {
    writeSync(this.#file, `${JSON.stringify(line)}\n`);
  }
}

/** What is not proved to be without effect may have been done. */
function outcomeOf(error: unknown): CallOutcome {
  if (!isFattyError(error)) throw error;
  if (error.outcome !== 'not_applied') return { kind: 'unknown' };
  return { kind: 'refused', code: error.code };
}
