// What the demo shows: a live table on a terminal, a line an event elsewhere.
import type { Io } from '../terminal/io.ts';
import { type Format, json, printable, table } from '../terminal/output.ts';
import type { Told } from './messages.ts';

/** A process of the fleet in the table. */
export interface Row {
  readonly process: string;
  readonly role: string;
  readonly doing: string;
  readonly done: number;
}

/** How many jobs stand where. */
export type Tally = Readonly<Record<string, number>>;

const EVENTS_SHOWN = 8;
const FRAME_MS = 200;
/** Of a terminal that does not tell. */
const WIDTH = 80;

/** Shows rows, tallies and events. */
export class Board {
  readonly #io: Io;
  readonly #format: Format;
  readonly #isLive: boolean;
  readonly #startMs = performance.now();
  readonly #events: string[] = [];
  #lines = 0;
  #drawnMs = Number.NEGATIVE_INFINITY;

  constructor(io: Io, format: Format, isLive: boolean) {
    this.#io = io;
    this.#format = format;
    this.#isLive = isLive && format === 'table';
  }

  get seconds(): number {
    return (performance.now() - this.#startMs) / 1_000;
  }

  /** An event of a process, or of the demo itself. */
  event(
    process: string,
    event: Told | { readonly kind: string; readonly [field: string]: unknown },
  ): void {
    if (this.#format === 'json') {
      this.#io.out(`${json({ process, ...event })}\n`);
      return;
    }
    const { kind, ...rest } = event;
    const words = Object.values(rest).map((value) =>
      typeof value === 'string' ? printable(value) : json(value),
    );
    const line = `${this.seconds.toFixed(1).padStart(6)} s  ${process.padEnd(13)}  ${[kind, ...words].join('  ')}`;
    if (this.#isLive) this.#events.push(line);
    else this.#io.out(`${line}\n`);
  }

  /** The table as it stands; on a terminal alone, and not too often. */
  draw(rows: readonly Row[], tally: Tally): void {
    const nowMs = performance.now();
    if (!this.#isLive || nowMs - this.#drawnMs < FRAME_MS) return;
    this.#drawnMs = nowMs;
    const counts = Object.entries(tally).map(([status, count]) => `${status} ${count}`);
    const head = `jobs  ${counts.join('  ')}  after ${this.seconds.toFixed(1)} s`;
    const body = table(rows.map((row) => ({ ...row }))).trimEnd();
    // A line that wraps would be two, of which the next frame clears one.
    const width = Math.max(1, (process.stdout.columns ?? WIDTH) - 1);
    const all = [head, ...body.split('\n'), '', ...this.#events.slice(-EVENTS_SHOWN)];
    const lines = all.map((line) => line.slice(0, width));
    const back = this.#lines === 0 ? '' : `\u001b[${this.#lines}A`;
    this.#io.out(`${back}\u001b[J${lines.join('\n')}\n`);
    this.#lines = lines.length;
  }

  /** A line of the summary; `fields` are what JSON has in its place. */
  say(text: string, fields: Readonly<Record<string, unknown>>): void {
    this.#io.out(this.#format === 'json' ? `${json(fields)}\n` : `${text}\n`);
  }
}
