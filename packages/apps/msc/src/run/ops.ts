// Follows one op through a run: from its client's submit to the answer.
import type { TracedOp, TraceEvent } from '@fatty/interface';
import { type ChartQuery, isClient, opFits } from './filters.ts';

/** One op that a client asked for, and all that a run tells of it. */
export interface OpStory {
  readonly op: TracedOp;
  /** In causal order; the first is the submit, or where a replica first took it from the client. */
  readonly events: readonly TraceEvent[];
  /** The last event in which the client has its answer; undefined: none was seen. */
  readonly answer: TraceEvent | undefined;
}

interface OpenStory {
  readonly op: TracedOp;
  readonly events: TraceEvent[];
  /** How the client's own words about it begin. */
  readonly words: string;
  answer: TraceEvent | undefined;
}

const keyOf = ({ client, kind, path }: TracedOp): string => JSON.stringify([client, kind, path]);

/** The client asks: it sends, or where it does not record itself, a replica receives. */
function isSubmit({ kind, who, peer }: TraceEvent, { client }: TracedOp): boolean {
  if (!isClient(client)) return false;
  return (kind === 'send' && who === client) || (kind === 'receive' && peer === client);
}

function isAnswer({ kind, who, peer }: TraceEvent, { client }: TracedOp): boolean {
  return (kind === 'send' && peer === client) || (kind === 'receive' && who === client);
}

/**
 * The ops of a run, in the order of their submits. An op that is sent again before it is answered is one
 * story; events behind an answer belong to it until the same op is asked for anew.
 */
export function opStories(events: readonly TraceEvent[]): readonly OpStory[] {
  const stories: OpenStory[] = [];
  const present = new Map<string, OpenStory>();
  const ofClient = new Map<string, OpenStory[]>();
  const begin = (op: TracedOp, { label }: TraceEvent): OpenStory => {
    const story: OpenStory = { op, events: [], words: `${label}:`, answer: undefined };
    stories.push(story);
    present.set(keyOf(op), story);
    ofClient.set(op.client, [...(ofClient.get(op.client) ?? []), story].slice(-OPEN_MAX));
    return story;
  };
  for (const event of events) {
    for (const op of event.ops ?? []) {
      const known = present.get(keyOf(op));
      const isNew = isSubmit(event, op) && (known === undefined || known.answer !== undefined);
      const story = isNew && !isLate(event, known) ? begin(op, event) : known;
      if (story === undefined || story.events.at(-1) === event) continue;
      story.events.push(event);
      if (isAnswer(event, op)) story.answer = event;
    }
    const spoken = event.ops === undefined && event.kind === 'note' && isClient(event.who);
    if (spoken) hear(event, ofClient.get(event.who) ?? []);
  }
  return stories;
}

/** Stories of one client that its words may be about. */
const OPEN_MAX = 64;

/** A packet that was sent before the answer arrives behind it: nothing new. */
function isLate({ kind, packet }: TraceEvent, known: OpenStory | undefined): boolean {
  if (kind !== 'receive' || packet === undefined || known === undefined) return false;
  return known.events.some((one) => one.packet === packet);
}

/** A client says of an op what came of it. */
function hear(event: TraceEvent, stories: readonly OpenStory[]): void {
  const story = stories.find(({ op, words, answer }) => {
    if (answer === undefined) return event.label.startsWith(words);
    // What the answer says is told in the same breath.
    return answer.atMs === event.atMs && event.label.startsWith(`${op.kind}:`);
  });
  if (story === undefined) return;
  story.events.push(event);
  story.answer = event;
}

/** The ops of a run that a reader asks for. */
export function findOps(
  events: readonly TraceEvent[],
  query: Pick<ChartQuery, 'client' | 'path' | 'op'>,
): readonly OpStory[] {
  return opStories(events).filter(({ op }) => opFits(op, query));
}
