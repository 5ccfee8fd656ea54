// The few events of a run that lead to one of them, in the order of their causes.
import type { TraceEvent } from '@fatty/interface';
import { contentOf } from '../run/blocks.ts';
import { isClient } from '../run/filters.ts';
import { type Mark, marksOf } from '../run/marks.ts';
import { causalPast } from './past.ts';
import { groupWords } from './words.ts';

/** What is to be explained. */
export interface StoryQuestion {
  /** The event that everything led to. */
  readonly end: TraceEvent;
  /** What is said of it: blocks, paths, clients and commits named here are what the story is about. */
  readonly words: string;
  /** Everything before it counts, for it happened to nobody in particular. */
  readonly ofNobody?: boolean;
  /** Lines at most; default 16. */
  readonly linesMax?: number;
}

/** One line of a story. */
export interface StoryLine {
  readonly atMs: number;
  readonly text: string;
  readonly events: readonly TraceEvent[];
}

/** The story of one event. */
export interface Story {
  readonly lines: readonly StoryLine[];
  /** Events that can have led to it, of how many. */
  readonly past: number;
  readonly events: number;
}

const LINES_MAX = 16;

/** What the words name. */
interface Subjects {
  readonly slots: ReadonlySet<string>;
  readonly paths: ReadonlySet<string>;
  readonly clients: ReadonlySet<string>;
  readonly commits: ReadonlySet<number>;
}

function subjectsIn(words: string): Subjects {
  const all = (pattern: RegExp): readonly string[] =>
    Array.from(words.matchAll(pattern), ([whole, part]) => part ?? whole);
  const commits = [...all(/\bcommit (\d+)/g), ...all(/\b(\d+)\.\d+\b/g)];
  return {
    slots: new Set(all(/\b(?:\d+:)?\d+\/r\d+\b/g)),
    paths: new Set(all(/(?<=^|\s)\/[^\s:,]+/g)),
    clients: new Set(all(/\b[a-z]\d+\b/g).filter((name) => !/^r\d/.test(name))),
    commits: new Set(commits.map(Number)),
  };
}

/** What stands in a story for each reason to stand in it; the first come first. */
const WEIGHTS = { end: 100, mishap: 80, lie: 70, subject: 60, submit: 45, chain: 30 } as const;

const MISHAPS: ReadonlySet<TraceEvent['kind']> = new Set(['crash', 'restart']);

function isAbout(
  { block, label, commit, ops = [], who, kind }: TraceEvent,
  about: Subjects,
): boolean {
  if (block !== undefined && about.slots.has(block.slot)) return true;
  if ([...about.slots].some((slot) => label.includes(`block ${slot}`))) return true;
  if (commit !== undefined && about.commits.has(commit)) return true;
  if (kind === 'note' && about.clients.has(who)) return true;
  return ops.some(({ client, path }) => {
    return about.clients.has(client) || (path !== undefined && about.paths.has(path));
  });
}

function weightOf(event: TraceEvent, about: Subjects, chain: ReadonlySet<TraceEvent>): number {
  const { kind, label, who } = event;
  if (MISHAPS.has(kind)) return WEIGHTS.mishap;
  if (kind === 'reject' || / twin\b|equivocation|evidence|convicts/.test(label)) return WEIGHTS.lie;
  if (isAbout(event, about)) return WEIGHTS.subject;
  if (kind === 'send' && isClient(who)) return WEIGHTS.submit;
  return chain.has(event) ? WEIGHTS.chain : 0;
}

/** Packets that say nothing of what happens. */
const IDLE = /^(status: |says what its clock)/;
/** So many packets of the last way that led there. */
const HOPS_MAX = 5;

/** The last packet that came before the end, the last before its send, and so on. */
function lastChain(run: readonly TraceEvent[], { end }: StoryQuestion): ReadonlySet<TraceEvent> {
  const sends = new Map(marksOf(run).map((mark) => [mark.events.at(-1), mark.events[0]]));
  const chain = new Set<TraceEvent>();
  let [lane, at] = [end.who, run.indexOf(end)];
  for (let hops = 0; hops < HOPS_MAX && at >= 0; at--) {
    const event = run[at];
    if (event === undefined || event.who !== lane) continue;
    const send = event.kind === 'receive' && !IDLE.test(event.label) ? sends.get(event) : undefined;
    if (send === undefined || send === event) continue;
    chain.add(event).add(send);
    [lane, at] = [send.who, run.indexOf(send)];
    hops++;
  }
  return chain;
}

/** What is told in one line: a broadcast, or one commit of several. */
function groupKey(mark: Mark): string {
  const { event } = mark;
  if (mark.kind === 'packet')
    return JSON.stringify(['packet', mark.from, mark.leftMs, event.label]);
  if (event.kind === 'commit') return JSON.stringify(['commit', event.commit, contentOf(event)]);
  return JSON.stringify([event.kind, mark.who, mark.atMs, event.label]);
}

interface Group {
  readonly marks: Mark[];
  readonly place: number;
  weight: number;
}

function groupsOf(
  run: readonly TraceEvent[],
  weigh: (event: TraceEvent) => number,
): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const [place, mark] of marksOf(run).entries()) {
    const weight = mark.events.reduce((most, event) => Math.max(most, weigh(event)), 0);
    const key = groupKey(mark);
    const group = groups.get(key) ?? { marks: [], place, weight: 0 };
    group.marks.push(mark);
    group.weight = Math.max(group.weight, weight);
    groups.set(key, group);
  }
  return [...groups.values()].filter(({ weight }) => weight > 0);
}

/** The heaviest; of equals first and last ones, for a story has a beginning and an end. */
function chosen(groups: readonly Group[], linesMax: number): readonly Group[] {
  const byWeight = new Map<number, Group[]>();
  for (const group of groups)
    byWeight.set(group.weight, [...(byWeight.get(group.weight) ?? []), group]);
  const kept: Group[] = [];
  for (const weight of [...byWeight.keys()].sort((a, b) => b - a)) {
    const equals = byWeight.get(weight) ?? [];
    const room = linesMax - kept.length;
    if (equals.length <= room) kept.push(...equals);
    else if (room > 0) {
      const early = Math.floor(room / 2);
      kept.push(...equals.slice(0, early), ...equals.slice(equals.length - (room - early)));
    }
  }
  return kept.sort((a, b) => startMs(a) - startMs(b) || a.place - b.place);
}

const startMs = ({ marks }: Group): number =>
  marks.reduce((least, mark) => {
    return Math.min(least, mark.kind === 'packet' ? (mark.leftMs ?? mark.atMs) : mark.atMs);
  }, Infinity);

/**
 * Tells how a run came to one of its events: out of all that can have led to it, what went wrong, who lied, what
 * the words are about, what clients asked for, and the last packets on the way. The run is prepared.
 */
export function storyOf(run: readonly TraceEvent[], question: StoryQuestion): Story {
  const { end, words, ofNobody = false, linesMax = LINES_MAX } = question;
  const until = run.slice(0, run.indexOf(end) + 1);
  // What broke is often said a moment before what broke it is told.
  const now = run.filter(({ who, atMs }) => who === end.who && atMs === end.atMs);
  const past = new Set([...(ofNobody ? until : causalPast(until, [end])), ...now]);
  const about = subjectsIn(words);
  const chain = ofNobody ? new Set<TraceEvent>() : lastChain(until, question);
  const weigh = (event: TraceEvent): number => {
    if (event === end) return WEIGHTS.end;
    return past.has(event) ? weightOf(event, about, chain) : 0;
  };
  const lines = chosen(groupsOf(run, weigh), linesMax).map((group): StoryLine => {
    const events = group.marks.flatMap((mark) => mark.events);
    return { atMs: startMs(group), text: groupWords(group.marks), events };
  });
  return { lines, past: past.size, events: run.length };
}
