// The search for an order: Wing and Gong, with Lowe's memory of what was tried.
import type { Call } from './history.ts';
import { keyOf, NOTHING, type NodeState, step } from './node.ts';

/** A call as the search takes it. */
export interface Sought {
  readonly call: Call;
  /** Its place in the whole history: names grants that nobody heard of. */
  readonly index: number;
  /** Its effect need not be there, and can come at any time from its start on. */
  readonly isOptional: boolean;
  /** It may even be done more than once: allows more, and costs no memory of which ones were. */
  readonly isRepeatable?: boolean;
}

/** Where an attempt stands: which calls are placed, and what the node is then. */
export interface Attempt {
  readonly last: Sought | undefined;
  readonly before: Attempt | undefined;
  readonly state: NodeState;
  /** How many calls that must be placed are. */
  readonly placed: number;
  /** All of these before it are placed. */
  readonly low: number;
  /** Those behind `low` that are placed too. */
  readonly ahead: ReadonlySet<number>;
  readonly optional: ReadonlySet<number>;
}

/** What the search came to; `best` is the attempt that placed most. */
export interface SearchResult {
  readonly kind: 'found' | 'none' | 'gave_up';
  readonly best: Attempt;
}

/** Calls in the order of their starts: those that must be placed, and those that may. */
interface Task {
  readonly musts: readonly Sought[];
  readonly mays: readonly Sought[];
}

/**
 * Looks for an order of the calls in which every answer is right and no call comes before one that had ended
 * when it began. It gives up after `statesMax` attempts.
 */
export function search(calls: readonly Sought[], statesMax: number): SearchResult {
  const sorted = [...calls].sort((a, b) => a.call.start - b.call.start || a.index - b.index);
  const task: Task = {
    musts: sorted.filter(({ isOptional }) => !isOptional),
    mays: sorted.filter(({ isOptional }) => isOptional),
  };
  const none: ReadonlySet<number> = new Set();
  const first = { last: undefined, before: undefined, state: NOTHING, placed: 0, low: 0 };
  let best: Attempt = { ...first, ahead: none, optional: none };
  const stack: Attempt[] = [best];
  const tried = new Set<string>([attemptKey(best)]);
  for (let attempt = stack.pop(); attempt !== undefined; attempt = stack.pop()) {
    if (attempt.placed > best.placed) best = attempt;
    if (attempt.placed === task.musts.length) return { kind: 'found', best };
    if (tried.size > statesMax) return { kind: 'gave_up', best };
    for (const next of successors(task, attempt)) {
      const key = attemptKey(next);
      if (tried.has(key)) continue;
      tried.add(key);
      stack.push(next);
    }
  }
  return { kind: 'none', best };
}

/** The calls that may come next, by the clock alone: the one to try first is the last. */
export function candidates(calls: readonly Sought[], attempt: Attempt): readonly Sought[] {
  const sorted = [...calls].sort((a, b) => a.call.start - b.call.start || a.index - b.index);
  const musts = sorted.filter(({ isOptional }) => !isOptional);
  return nextMusts({ musts, mays: [] }, attempt).map(([, sought]) => sought);
}

/** No call that begins after one of the others has ended. */
function nextMusts({ musts }: Task, { low, ahead }: Attempt): [number, Sought][] {
  const next: [number, Sought][] = [];
  let endMin = Number.POSITIVE_INFINITY;
  for (let i = low; i < musts.length; i++) {
    const sought = musts[i];
    if (sought === undefined || sought.call.start > endMin) break;
    if (ahead.has(i)) continue;
    endMin = Math.min(endMin, sought.call.end);
    next.push([i, sought]);
  }
  return next
    .filter(([, { call }]) => call.start <= endMin)
    .sort(([, a], [, b]) => b.call.end - a.call.end);
}

function successors(task: Task, attempt: Attempt): Attempt[] {
  const next = nextMusts(task, attempt);
  const endMin = Math.min(...next.map(([, { call }]) => call.end));
  const found: Attempt[] = [];
  for (const [i, sought] of task.mays.entries()) {
    if (sought.call.start > endMin) break;
    if (attempt.optional.has(i)) continue;
    const state = step(attempt.state, sought.call, sought.index);
    if (typeof state === 'string') continue;
    const { optional: taken } = attempt;
    const optional = sought.isRepeatable ? taken : new Set([...taken, i]);
    found.push({ ...attempt, last: sought, before: attempt, state, optional });
  }
  for (const [i, sought] of next) {
    const state = step(attempt.state, sought.call, sought.index);
    if (typeof state !== 'string') found.push(place(attempt, i, sought, state));
  }
  return found;
}

function place(attempt: Attempt, at: number, last: Sought, state: NodeState): Attempt {
  const ahead = new Set(attempt.ahead).add(at);
  let { low } = attempt;
  while (ahead.delete(low)) low++;
  return { ...attempt, last, before: attempt, state, placed: attempt.placed + 1, low, ahead };
}

function attemptKey({ state, low, ahead, optional }: Attempt): string {
  const sorted = (set: ReadonlySet<number>): string => [...set].sort((a, b) => a - b).join();
  return `${low};${sorted(ahead)};${sorted(optional)};${keyOf(state)}`;
}

/** The calls of an attempt in its order. */
export function orderOf(attempt: Attempt): readonly Call[] {
  const order: Call[] = [];
  for (let at: Attempt | undefined = attempt; at?.last !== undefined; at = at.before) {
    order.push(at.last.call);
  }
  return order.reverse();
}
