// What of a run a reader wants to see.
import type { TracedOp, TraceEvent } from '@fatty/interface';

/** What a reader asks of a run. Events that show a broken invariant are always shown. */
export interface ChartQuery {
  /** Name of a client's lifeline, or the key that its name is short for, as hex. */
  readonly client?: string;
  /** The node and everything below it. */
  readonly path?: string;
  readonly op?: string;
  /** Rounds, both ends included. */
  readonly round?: { readonly from: number; readonly to: number };
  /** The notes as well: what replicas say of their own work. */
  readonly notes?: boolean;
  /** Only what {@link isBrief} says yes to. */
  readonly brief?: boolean;
}

/** A client's lifeline, by its name; `p0` is one that sends ahead of its answers. */
export const isClient = (name: string | undefined): boolean => /^[cp]/.test(name ?? '');

/** The short name of a key has so many digits of it. */
const SHORT_KEY = /^c[0-9a-f]{6}$/;

function isNamed(name: string | undefined, client: string): boolean {
  if (name === undefined) return false;
  if (name === client || name === `c${client}`) return true;
  return SHORT_KEY.test(name) && client.startsWith(name.slice(1));
}

function isUnder(path: string | undefined, root: string): boolean {
  if (path === undefined) return false;
  const prefix = root.endsWith('/') ? root : `${root}/`;
  return path === root || path.startsWith(prefix);
}

/** Whether an op is what a reader asks for. */
export function opFits(op: TracedOp, { client, path, op: kind }: ChartQuery): boolean {
  if (client !== undefined && !isNamed(op.client, client)) return false;
  if (path !== undefined && !isUnder(op.path, path)) return false;
  return kind === undefined || op.kind === kind;
}

/** One op has to fit all of it; a client's own words count where only the client is asked for. */
function isAbout({ who, peer, ops = [] }: TraceEvent, query: ChartQuery): boolean {
  const { client, path, op } = query;
  if (ops.some((one) => opFits(one, query))) return true;
  if (client === undefined || path !== undefined || op !== undefined) return false;
  return isNamed(who, client) || isNamed(peer, client);
}

function isInRounds({ round }: TraceEvent, { from, to }: { from: number; to: number }): boolean {
  return round !== undefined && round >= from && round <= to;
}

/** What a replica says of its own work, but for what shows a liar. */
function isChatter({ kind, who, label }: TraceEvent): boolean {
  return kind === 'note' && !isClient(who) && !label.startsWith('equivocation');
}

const MISHAPS: ReadonlySet<TraceEvent['kind']> = new Set(['crash', 'restart', 'reject', 'broken']);

/**
 * What a run is about: clients, blocks with ops, twins and evidence, commits of ops, refusals, mishaps; ballots
 * and terms, in protocols that have them. Left out: the empty rounds, deliveries, questions for blocks, heartbeats.
 */
export function isBrief(event: TraceEvent): boolean {
  const { kind, label, who, peer, ops = [] } = event;
  if (kind === 'deliver') return false;
  if (kind === 'commit') return ops.length > 0 || label.includes('convicts');
  if (MISHAPS.has(kind)) return true;
  if (isClient(who) || isClient(peer)) return true;
  return ops.length > 0 || /twin|evidence|equivocation|syncStarted|ballot \d|term \d/.test(label);
}

/** Says for each event whether a reader who asks this sees it. */
export function shownBy(query: ChartQuery): (event: TraceEvent) => boolean {
  const { client, path, op, round, notes = false, brief = false } = query;
  const isAsked = client !== undefined || path !== undefined || op !== undefined;
  return (event) => {
    if (event.kind === 'broken') return true;
    if (!notes && isChatter(event)) return false;
    if (brief && !isBrief(event)) return false;
    if (round !== undefined && !isInRounds(event, round)) return false;
    return !isAsked || isAbout(event, query);
  };
}
