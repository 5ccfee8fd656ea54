// Puts the clocks of several processes on one.
import type { TraceEvent } from '@fatty/interface';
import { mergeTraces } from './causal-order.ts';

/** No two clocks are compared beyond so many lives: the work is cubic in them. */
const LIVES_MAX = 400;

/** One life of a process: its clock differs from the others by a constant. */
interface Life {
  readonly index: number;
  readonly firstMs: number;
  lastMs: number;
}

/** `offset[before] − offset[after]` is at most `slackMs`, or something happens before its cause. */
interface Constraint {
  readonly before: number;
  readonly after: number;
  readonly slackMs: number;
}

/**
 * Puts a run on one clock. Processes stamp what they see with clocks of their own; where that makes a
 * packet arrive before it was sent, each life of each process is shifted by a constant, halfway between
 * the least and the most that their exchanges allow (as NTP does). What no constants can mend (a clock
 * that was set in mid-life, a forged recording) is put off until its cause. Runs without a backward
 * arrow come back as they are, in causal order.
 */
export function alignClocks(events: readonly TraceEvent[]): readonly TraceEvent[] {
  const ordered = mergeTraces([events]);
  if (!hasBackward(ordered)) return ordered;
  const { lives, lifeOf } = livesOf(ordered);
  const offsetsMs = offsetsOf(lives.length, [
    ...exchanges(ordered, lifeOf),
    ...successions(ordered, lives, lifeOf),
  ]);
  const shifted = ordered.map((event) => {
    const byMs = offsetsMs[lifeOf.get(event) ?? -1] ?? 0;
    return byMs === 0 ? event : { ...event, atMs: event.atMs + byMs };
  });
  return putOff(mergeTraces([shifted]));
}

function hasBackward(ordered: readonly TraceEvent[]): boolean {
  const sentMs = new Map<string, number>();
  return ordered.some(({ kind, packet, atMs }) => {
    if (packet === undefined) return false;
    if (kind !== 'send') return atMs < (sentMs.get(packet) ?? atMs);
    if (!sentMs.has(packet)) sentMs.set(packet, atMs);
    return false;
  });
}

/** A lifeline's events up to its next `restart` are one life. */
function livesOf(ordered: readonly TraceEvent[]): {
  readonly lives: readonly Life[];
  readonly lifeOf: ReadonlyMap<TraceEvent, number>;
} {
  const lives: Life[] = [];
  const present = new Map<string, Life>();
  const lifeOf = new Map<TraceEvent, number>();
  for (const event of ordered) {
    const { who, kind, atMs } = event;
    let life = present.get(who);
    if (life === undefined || kind === 'restart') {
      life = { index: lives.length, firstMs: atMs, lastMs: atMs };
      lives.push(life);
      present.set(who, life);
    }
    life.lastMs = Math.max(life.lastMs, atMs);
    lifeOf.set(event, life.index);
  }
  return { lives, lifeOf };
}

/** From packets with one send and one arrival: of others nobody knows which belong together. */
function exchanges(
  ordered: readonly TraceEvent[],
  lifeOf: ReadonlyMap<TraceEvent, number>,
): readonly Constraint[] {
  const packets = new Map<string, { sends: TraceEvent[]; ends: TraceEvent[] }>();
  for (const event of ordered) {
    if (event.packet === undefined) continue;
    const packet = packets.get(event.packet) ?? { sends: [], ends: [] };
    packets.set(event.packet, packet);
    (event.kind === 'send' ? packet.sends : packet.ends).push(event);
  }
  return [...packets.values()].flatMap(({ sends, ends }) => {
    const [[send], [end]] = [sends, ends];
    if (send === undefined || end === undefined || sends.length + ends.length > 2) return [];
    const [before, after] = [lifeOf.get(send) ?? -1, lifeOf.get(end) ?? -1];
    return before === after ? [] : [{ before, after, slackMs: end.atMs - send.atMs }];
  });
}

/** A life begins after the one before it on the same lifeline has ended. */
function successions(
  ordered: readonly TraceEvent[],
  lives: readonly Life[],
  lifeOf: ReadonlyMap<TraceEvent, number>,
): readonly Constraint[] {
  const latest = new Map<string, Life>();
  const found: Constraint[] = [];
  for (const event of ordered) {
    const life = lives[lifeOf.get(event) ?? -1];
    const last = latest.get(event.who);
    if (life === undefined || life === last) continue;
    latest.set(event.who, life);
    if (last === undefined) continue;
    const slackMs = life.firstMs - last.lastMs;
    found.push({ before: last.index, after: life.index, slackMs });
  }
  return found;
}

/** By life, ms. All 0 where no constants satisfy every constraint. */
function offsetsOf(lives: number, constraints: readonly Constraint[]): readonly number[] {
  const none = Array.from({ length: lives }, () => 0);
  if (lives > LIVES_MAX) return none;
  const bounds = boundsOf(lives, constraints);
  if (bounds.some((row, i) => (row[i] ?? 0) < 0)) return none;
  const between = (from: number, to: number): number => bounds[from]?.[to] ?? Infinity;
  const offsets = [...none];
  for (const group of groupsOf(lives, constraints)) {
    const [first = 0] = group;
    for (const life of group) {
      const halfway = (between(life, first) - between(first, life)) / 2;
      if (Number.isFinite(halfway)) offsets[life] = halfway;
    }
  }
  return relaxed(offsets, constraints);
}

/** Shortest ways (Floyd, Warshall): `bounds[a][b]` is the most that `offset[a] − offset[b]` may be. */
function boundsOf(lives: number, constraints: readonly Constraint[]): readonly number[][] {
  const bounds = Array.from({ length: lives }, (_, a) =>
    Array.from({ length: lives }, (_, b) => (a === b ? 0 : Infinity)),
  );
  for (const { before, after, slackMs } of constraints) {
    const row = bounds[before];
    if (row !== undefined) row[after] = Math.min(row[after] ?? Infinity, slackMs);
  }
  for (const [via, through] of bounds.entries()) {
    for (const row of bounds) {
      const head = row[via] ?? Infinity;
      if (head === Infinity) continue;
      for (const [to, tail] of through.entries()) {
        if (head + tail < (row[to] ?? Infinity)) row[to] = head + tail;
      }
    }
  }
  return bounds;
}

/** Lives that have to do with one another, where something is backward; the others keep their clocks. */
function groupsOf(lives: number, constraints: readonly Constraint[]): readonly number[][] {
  const roots = Array.from({ length: lives }, (_, i) => i);
  const rootOf = (life: number): number => {
    const root = roots[life] ?? life;
    return root === life ? life : rootOf(root);
  };
  for (const { before, after } of constraints) roots[rootOf(after)] = rootOf(before);
  const bad = new Set(
    constraints.filter(({ slackMs }) => slackMs < 0).map(({ before }) => rootOf(before)),
  );
  return [...bad].map((root) =>
    Array.from({ length: lives }, (_, i) => i).filter((life) => rootOf(life) === root),
  );
}

/** Moves back whoever is still ahead of an effect; ends, for there is no negative circle. */
function relaxed(start: readonly number[], constraints: readonly Constraint[]): readonly number[] {
  const offsets = [...start];
  for (let pass = 0; pass < offsets.length; pass++) {
    let changed = false;
    for (const { before, after, slackMs } of constraints) {
      const most = (offsets[after] ?? 0) + slackMs;
      if ((offsets[before] ?? 0) <= most) continue;
      offsets[before] = most;
      changed = true;
    }
    if (!changed) break;
  }
  return offsets;
}

/** Nothing is earlier than its cause: the send of its packet, and what its lifeline did before. */
function putOff(ordered: readonly TraceEvent[]): readonly TraceEvent[] {
  const sentMs = new Map<string, number>();
  const lineMs = new Map<string, number>();
  return ordered.map((event) => {
    const { who, kind, packet } = event;
    const sent = packet === undefined || kind === 'send' ? undefined : sentMs.get(packet);
    const atMs = Math.max(event.atMs, lineMs.get(who) ?? -Infinity, sent ?? -Infinity);
    lineMs.set(who, atMs);
    if (kind === 'send' && packet !== undefined && !sentMs.has(packet)) sentMs.set(packet, atMs);
    return atMs === event.atMs ? event : { ...event, atMs };
  });
}
