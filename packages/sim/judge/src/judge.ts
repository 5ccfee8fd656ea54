// The verdict on a history, path by path.
import { explain } from './explain.ts';
import type { Call } from './history.ts';
import { unheard } from './node.ts';
import { orderOf, type Sought, search } from './search.ts';

/** How far the judge goes. */
export interface Limits {
  /** States looked at for one path before the judge gives up. Default 1,000,000. */
  readonly statesMax?: number;
}

/** What the judge says of one path. */
export type Judged =
  /** `order`: an order of the calls that explains every answer. */
  | { readonly kind: 'linearizable'; readonly path: string; readonly order: readonly Call[] }
  /**
   * There is no such order. `calls` contradict one another whatever became of all others; `text` tells a
   * reader why.
   */
  | {
      readonly kind: 'contradiction';
      readonly path: string;
      readonly calls: readonly Call[];
      readonly text: string;
    }
  /** Neither was found within the limits: too many calls at the same time, or of unknown outcome. */
  | { readonly kind: 'undecided'; readonly path: string; readonly text: string };

const STATES_MAX = 1_000_000;

/** A verdict per path, in the order in which the history first names them. */
export function judge(history: readonly Call[], limits: Limits = {}): readonly Judged[] {
  const paths = new Map<string, Call[]>();
  for (const call of history) {
    const calls = paths.get(call.path);
    if (calls === undefined) paths.set(call.path, [call]);
    else calls.push(call);
  }
  return [...paths.values()].map((calls) => judgePath(calls, limits));
}

/** The verdict on calls that are all about one node. */
export function judgePath(calls: readonly Call[], limits: Limits = {}): Judged {
  const { statesMax = STATES_MAX } = limits;
  const path = calls[0]?.path ?? '';
  const sought = soughtOf(calls);
  const { kind, best } = search(sought, statesMax);
  if (kind === 'found') return { kind: 'linearizable', path, order: orderOf(best) };
  if (kind === 'none') return { kind: 'contradiction', path, ...explain(path, sought) };
  const text = `${path}: no verdict on ${calls.length} calls within ${statesMax} states`;
  return { kind: 'undecided', path, text };
}

/** Whoever got a lock without hearing of it loses it some day without hearing of that. */
function soughtOf(calls: readonly Call[]): readonly Sought[] {
  return calls.flatMap((call, index): Sought[] => {
    const isUnknown = call.outcome.kind === 'unknown';
    if (call.op.kind === 'read' && isUnknown) return [];
    const sought = { call, index, isOptional: isUnknown || call.op.kind === 'lost' };
    if (call.op.kind !== 'acquire' || !isUnknown) return [sought];
    const lost: Call = { ...call, op: { kind: 'lost', generation: unheard(index) } };
    return [sought, { call: lost, index, isOptional: true }];
  });
}
