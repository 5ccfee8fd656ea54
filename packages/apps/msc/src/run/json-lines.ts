// Trace events as lines of JSON.
import type { TracedBlock, TracedOp, TraceEvent, Tracer } from '@fatty/interface';

const KINDS: ReadonlySet<string> = new Set<TraceEvent['kind']>([
  'send',
  'receive',
  'drop',
  'reject',
  'deliver',
  'commit',
  'crash',
  'restart',
  'note',
  'broken',
]);

/** One event as one line of JSON, with its line feed. */
export function traceLine(event: TraceEvent): string {
  const { atMs, who, kind, peer, packet, label, round, block, commit, ops } = event;
  const line = { atMs, who, kind, peer, packet, label, round, block, commit, ops };
  return `${JSON.stringify(line)}\n`;
}

/** A tracer for a process of its own: hands lines to `write` (append them to a file). */
export function lineTracer(write: (line: string) => void): Tracer {
  return {
    trace(event) {
      write(traceLine(event));
    },
  };
}

/** What a file of lines held. */
export interface ReadTrace {
  readonly events: readonly TraceEvent[];
  /** Numbers, from 1, of lines that hold no event: torn by a crash, or foreign. */
  readonly badLines: readonly number[];
}

/** Reads what {@link traceLine} wrote; lines that are no events are reported, never fatal. */
export function readTrace(text: string): ReadTrace {
  const events: TraceEvent[] = [];
  const badLines: number[] = [];
  for (const [i, line] of text.split('\n').entries()) {
    if (line === '') continue;
    const event = readLine(line);
    if (event === undefined) badLines.push(i + 1);
    else events.push(event);
  }
  return { events, badLines };
}

function readLine(line: string): TraceEvent | undefined {
  try {
    return asEvent(JSON.parse(line));
  } catch {
    return undefined;
  }
}

/** JSON has no NaN, but it reads 1e999 as Infinity. */
function isFiniteNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

const isText = (value: unknown): value is string => typeof value === 'string';

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function isBlock(value: unknown): value is TracedBlock {
  const { slot, id } = fieldsOf(value);
  return isText(slot) && isText(id);
}

function isOp(value: unknown): value is TracedOp {
  const { client, kind, path } = fieldsOf(value);
  return isText(client) && isText(kind) && (path === undefined || isText(path));
}

const isOps = (value: unknown): value is readonly TracedOp[] =>
  Array.isArray(value) && value.every(isOp);

type Optional = Omit<TraceEvent, 'atMs' | 'who' | 'kind' | 'label'>;

/** What each optional field must be. */
const OPTIONAL: Readonly<Record<keyof Optional, (value: unknown) => boolean>> = {
  peer: isText,
  packet: isText,
  round: isFiniteNumber,
  block: isBlock,
  commit: isFiniteNumber,
  ops: isOps,
};

function asEvent(value: unknown): TraceEvent | undefined {
  const fields = fieldsOf(value);
  const { atMs, who, kind, label } = fields;
  if (!isFiniteNumber(atMs) || !isText(who) || !isText(label)) return undefined;
  if (!isText(kind) || !KINDS.has(kind)) return undefined;
  const optional: Record<string, unknown> = {};
  for (const [name, isGood] of Object.entries(OPTIONAL)) {
    if (fields[name] === undefined) continue;
    if (!isGood(fields[name])) return undefined;
    optional[name] = fields[name];
  }
  return { atMs, who, kind: kind as TraceEvent['kind'], label, ...(optional as Optional) };
}
