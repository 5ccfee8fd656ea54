// What clients asked for and heard, and when.

/** How a lock is held: by one alone, or by several that share it. */
export type Mode = 'exclusive' | 'shared';

/**
 * What a client asked of one node. Generations are texts whose order is that of the grants and writes
 * (fencing tokens). Values are texts; they tell most when each is written once.
 */
export type CallOp =
  /** Makes the file; refused with `exists` where there is one. */
  | { readonly kind: 'create'; readonly value: string }
  /** Replaces whatever stands there, or makes the file. */
  | { readonly kind: 'put'; readonly value: string }
  /** Replaces exactly these of the concurrent values that stand there. */
  | { readonly kind: 'write'; readonly value: string; readonly observed: readonly string[] }
  /** Replaces the value of that generation, or while that lock is held, or both. */
  | {
      readonly kind: 'compareAndSet';
      readonly value: string;
      readonly generation?: string;
      readonly lock?: string;
    }
  | { readonly kind: 'delete' }
  | { readonly kind: 'read' }
  /** Takes a lock or a machine; the answer names the generation of the grant. */
  | { readonly kind: 'acquire'; readonly mode?: Mode }
  /** Proves that a machine is still worked on; the answer names its clock. */
  | { readonly kind: 'renew'; readonly generation: string }
  | { readonly kind: 'release'; readonly generation: string }
  /** The holder believes no more: from `start` on, and not before, somebody else may get it. */
  | { readonly kind: 'lost'; readonly generation: string };

/** What a client heard. */
export type CallOutcome =
  | {
      readonly kind: 'ok';
      /** Of the grant, the write, or the content that was read. */
      readonly generation?: string;
      /** Of a read: all concurrent values, in any order. */
      readonly values?: readonly string[];
      /** State clock of a machine. */
      readonly t?: number;
    }
  /** The call changed nothing. */
  | { readonly kind: 'refused'; readonly code: string }
  /** It may have been done, may be done later, may never be. */
  | { readonly kind: 'unknown' };

/** One call. Times are of one clock for all clients, in any unit. */
export interface Call {
  readonly client: string;
  readonly path: string;
  readonly op: CallOp;
  readonly start: number;
  /** When the answer came. Of an unknown outcome it says nothing. */
  readonly end: number;
  readonly outcome: CallOutcome;
}

/** Line of a history, written before the call is made. `id`: unique among all clients. */
export interface Begun {
  readonly id: string;
  readonly client: string;
  readonly path: string;
  readonly op: CallOp;
  readonly start: number;
}

/** Line of a history, written when the answer is there. */
export interface Ended {
  readonly id: string;
  readonly end: number;
  readonly outcome: CallOutcome;
}

/** A line that is no line of a history. */
export interface UnreadableLine {
  readonly code: 'bad_history_line';
  readonly line: number;
  readonly text: string;
}

/**
 * Reads one client's history, a JSON object per line. A call without an end has an unknown outcome. The last
 * line may be torn: its writer was killed.
 */
export function readHistory(text: string): {
  readonly calls: readonly Call[];
  readonly unreadable: readonly UnreadableLine[];
} {
  const lines = text.split('\n');
  const begun = new Map<string, Begun>();
  const ended = new Map<string, Ended>();
  const unreadable: UnreadableLine[] = [];
  for (const [i, line] of lines.entries()) {
    if (line === '') continue;
    const found = parseLine(line);
    if (found === undefined) {
      if (i < lines.length - 1)
        unreadable.push({ code: 'bad_history_line', line: i + 1, text: line });
    } else if ('op' in found) begun.set(found.id, found);
    else ended.set(found.id, found);
  }
  const calls = [...begun.values()].map(({ id, ...call }) => {
    const { end, outcome } = ended.get(id) ?? { end: call.start, outcome: { kind: 'unknown' } };
    return { ...call, end, outcome };
  });
  return { calls, unreadable };
}

function parseLine(line: string): Begun | Ended | undefined {
  try {
    const found: unknown = JSON.parse(line);
    if (typeof found !== 'object' || found === null) return undefined;
    const { id, op, outcome, start, end } = found as Record<string, unknown>;
    if (typeof id !== 'string') return undefined;
    if (typeof op === 'object' && typeof start === 'number') return found as Begun;
    return typeof outcome === 'object' && typeof end === 'number' ? (found as Ended) : undefined;
  } catch {
    return undefined;
  }
}
