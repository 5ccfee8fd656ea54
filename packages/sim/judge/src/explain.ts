// A contradiction, cut down to the calls that make it, and told.
import type { Call, CallOp, CallOutcome } from './history.ts';
import { step } from './node.ts';
import { candidates, orderOf, type Sought, search } from './search.ts';

/** States looked at to find out whether a call can be left out of an explanation. */
const STATES_MAX = 5_000;
/** Calls of a history that is not cut down any further: it would take too long. */
const CUT_DOWN_MAX = 500;
/** Calls of a contradiction that a text shows. */
const CORE_SHOWN_MAX = 30;
/** Calls beside the contradiction that a text shows. */
const SHOWN_MAX = 6;

/**
 * The fewest calls that still contradict one another, whatever became of the others; `sought` has no order. Of
 * very many calls, all up to the moment when the contradiction is there.
 */
export function explain(
  path: string,
  sought: readonly Sought[],
): { readonly calls: readonly Call[]; readonly text: string } {
  const broken = firstBroken(sought);
  const core = broken.length > CUT_DOWN_MAX ? broken : relaxed(broken);
  const calls = core.filter(({ isOptional }) => !isOptional).map(({ call }) => call);
  return { calls, text: [`${path}: no order explains these answers`, ...tell(core)].join('\n') };
}

const hasNoOrder = (sought: readonly Sought[]): boolean =>
  search(sought, STATES_MAX).kind === 'none';

/** What was known at `time`: a history that is right is right at every moment of it. */
function known(sought: readonly Sought[], time: number): readonly Sought[] {
  return sought
    .filter(({ call }) => call.start <= time)
    .flatMap((one) => (one.isOptional || one.call.end <= time ? [one] : relax(one)));
}

/** What was known when the contradiction was first there. */
function firstBroken(sought: readonly Sought[]): readonly Sought[] {
  const times = [...new Set(sought.map(({ call }) => call.end))].sort((a, b) => a - b);
  let low = 0;
  let high = times.length - 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (hasNoOrder(known(sought, times[middle] ?? 0))) high = middle;
    else low = middle + 1;
  }
  const first = known(sought, times[high] ?? 0);
  return hasNoOrder(first) ? first : sought;
}

/** The call may have been done or not, or often: one that changes nothing then says nothing. */
function relax(one: Sought): readonly Sought[] {
  const changes = one.call.op.kind !== 'read' && one.call.outcome.kind !== 'refused';
  return changes ? [{ ...one, isOptional: true, isRepeatable: true }] : [];
}

/** Relaxes call after call, from the first on, as long as the others still contradict one another. */
function relaxed(sought: readonly Sought[]): readonly Sought[] {
  let core = sought;
  for (const one of sought) {
    if (one.isOptional) continue;
    const fewer = core.flatMap((other) => (other === one ? relax(one) : [other]));
    if (hasNoOrder(fewer)) core = fewer;
  }
  return core;
}

function tell(core: readonly Sought[]): readonly string[] {
  const { best } = search(core, STATES_MAX);
  const order = orderOf(best);
  const musts = core.filter(({ isOptional }) => !isOptional);
  const stuck = candidates(core, best).map((one) => {
    const why = step(best.state, one.call, one.index);
    return `  then ${line(one.call)}${typeof why === 'string' ? `: but ${why}` : ''}`;
  });
  const left = musts.length - CORE_SHOWN_MAX;
  return [
    ...(left > 0 ? [`  ${left} calls, and`] : []),
    ...musts
      .slice(-CORE_SHOWN_MAX)
      .map(({ call }) => `  ${call.client} from ${call.start} to ${call.end}: ${line(call)}`),
    ' the furthest that an order gets:',
    ...order.slice(-SHOWN_MAX).map((call) => `  ${line(call)}`),
    ...stuck,
  ];
}

function line({ client, op, outcome }: Call): string {
  return `${client} ${opText(op)} → ${outcomeText(outcome)}`;
}

function opText(op: CallOp): string {
  const { kind, ...rest } = op;
  const fields = Object.entries(rest).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  return [kind, ...fields].join(' ');
}

function outcomeText(outcome: CallOutcome): string {
  if (outcome.kind !== 'ok') return outcome.kind === 'refused' ? outcome.code : 'unknown';
  const { kind, ...rest } = outcome;
  const fields = Object.entries(rest).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  return [kind, ...fields].join(' ');
}
