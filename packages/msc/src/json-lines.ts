import type { TraceEvent, Tracer } from '@fatty/interface';

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
]);

/** One event as one line of JSON, with its line feed. */
export function traceLine(event: TraceEvent): string {
  const { atMs, who, kind, peer, packet, label, round } = event;
  return `${JSON.stringify({ atMs, who, kind, peer, packet, label, round })}\n`;
}

/** A tracer for a process of its own: hands lines to `write` (append them to a file). */
export function lineTracer(write: (line: string) => void): Tracer {
  return {
    trace(event) {
      write(traceLine(event));
    },
  };
}

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

type Optional = Pick<TraceEvent, 'peer' | 'packet' | 'round'>;

function asEvent(value: unknown): TraceEvent | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { atMs, who, kind, peer, packet, label, round } = value as Record<string, unknown>;
  if (!isFiniteNumber(atMs) || typeof who !== 'string' || typeof label !== 'string') {
    return undefined;
  }
  if (typeof kind !== 'string' || !KINDS.has(kind)) return undefined;
  if (peer !== undefined && typeof peer !== 'string') return undefined;
  if (packet !== undefined && typeof packet !== 'string') return undefined;
  if (round !== undefined && !isFiniteNumber(round)) return undefined;
  const optional: Optional = {
    ...(peer === undefined ? {} : { peer }),
    ...(packet === undefined ? {} : { packet }),
    ...(round === undefined ? {} : { round }),
  };
  return { atMs, who, kind: kind as TraceEvent['kind'], label, ...optional };
}
