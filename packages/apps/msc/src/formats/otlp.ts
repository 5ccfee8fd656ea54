// Runs for OpenTelemetry: OTLP in its JSON encoding, one trace for each op.
import type { TraceEvent } from '@fatty/interface';
import { compareNames } from '../run/causal-order.ts';
import { alignClocks } from '../run/clocks.ts';
import { isClient } from '../run/filters.ts';
import { type OpStory, opStories } from '../run/ops.ts';

/** SpanKind of the protocol. */
const KIND = { internal: 1, server: 2, client: 3 } as const;
/** StatusCode of the protocol. */
const STATUS = { ok: 1, error: 2 } as const;

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue: string } | { readonly intValue: string };
}

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  readonly events: readonly {
    readonly timeUnixNano: string;
    readonly name: string;
    readonly attributes: readonly Attribute[];
  }[];
  readonly status: { readonly code: number } | Record<string, never>;
}

/** 64-bit integers are decimal strings in this encoding. A run of before 1970 begins there. */
const nanoseconds = (ms: number): string =>
  String(BigInt(Math.max(0, Math.round(ms * 1000))) * 1000n);

function attribute(key: string, value: string | number | undefined): readonly Attribute[] {
  if (value === undefined) return [];
  if (typeof value === 'string') return [{ key, value: { stringValue: value } }];
  return [{ key, value: { intValue: String(value) } }];
}

const FNV_PRIME = 0x100000001b3n;
const FNV_START = 0xcbf29ce484222325n;
const WORD = (1n << 64n) - 1n;

/** 16 hex digits that depend on the text alone (FNV-1a); the protocol forbids zero. */
function hash64(text: string): string {
  let hash = FNV_START;
  for (const byte of new TextEncoder().encode(text)) {
    hash = ((hash ^ BigInt(byte)) * FNV_PRIME) & WORD;
  }
  return (hash === 0n ? 1n : hash).toString(16).padStart(16, '0');
}

/** The events of one op on each lifeline that it came to. */
function sharesOf({ events }: OpStory): readonly (readonly [string, readonly TraceEvent[]])[] {
  const shares = new Map<string, TraceEvent[]>();
  for (const event of events) {
    const share = shares.get(event.who) ?? [];
    shares.set(event.who, share);
    share.push(event);
  }
  return [...shares];
}

/** From the first to the last of these events. */
function spanOf(
  events: readonly TraceEvent[],
  rest: Pick<Span, 'traceId' | 'spanId' | 'name' | 'kind' | 'attributes' | 'status'>,
  endMs = events.reduce((ms, one) => Math.max(ms, one.atMs), 0),
): Omit<Span, 'parentSpanId'> {
  const startMs = events.reduce((ms, one) => Math.min(ms, one.atMs), Infinity);
  return {
    ...rest,
    startTimeUnixNano: nanoseconds(startMs),
    endTimeUnixNano: nanoseconds(Math.max(startMs, endMs)),
    events: events.map(({ atMs, kind, label, peer, round, block, commit }) => ({
      timeUnixNano: nanoseconds(atMs),
      name: label === '' ? kind : `${kind}: ${label}`,
      attributes: [
        ...attribute('peer', peer),
        ...attribute('round', round),
        ...attribute('block', block?.slot),
        ...attribute('commit', commit),
      ],
    })),
  };
}

/** The client's span from submit to answer, and below it one for what each replica did. */
function spansOf(story: OpStory, index: number): readonly (readonly [string, Span])[] {
  const { op, answer, events } = story;
  const name = [op.kind, op.path].filter((part) => part !== undefined).join(' ');
  // A collector holds many runs: when it was asked tells the first op of one from the first of another.
  const seed = JSON.stringify([op.client, name, index, events[0]?.atMs]);
  const traceId = hash64(`${seed} high`) + hash64(`${seed} low`);
  const rootId = hash64(`${seed} ${op.client}`);
  const shares = sharesOf(story);
  const own = shares.find(([who]) => who === op.client)?.[1] ?? events.slice(0, 1);
  const about = [...attribute('fatty.client', op.client), ...attribute('fatty.path', op.path)];
  const status = { code: answer === undefined ? STATUS.error : STATUS.ok };
  const root = { traceId, spanId: rootId, name, kind: KIND.client, attributes: about, status };
  const below = shares.filter(([who]) => !isClient(who));
  return [
    [op.client, spanOf(own, root, (answer ?? events.at(-1))?.atMs)],
    ...below.map(([who, share]): readonly [string, Span] => {
      const spanId = hash64(`${seed} ${who}`);
      const kind = share.some(({ peer }) => peer === op.client) ? KIND.server : KIND.internal;
      const part = {
        traceId,
        spanId,
        name: `${name} at ${who}`,
        kind,
        attributes: about,
        status: {},
      };
      return [who, { ...spanOf(share, part), parentSpanId: rootId }];
    }),
  ];
}

/**
 * The ops of a run as traces: a span of the client from submit to answer, below it a span of each replica
 * that had to do with the op, with what it saw as span events. An op without an answer is an error.
 */
export function otlpTrace(events: readonly TraceEvent[]): string {
  const services = new Map<string, Span[]>();
  for (const [i, story] of opStories(alignClocks(events)).entries()) {
    for (const [who, span] of spansOf(story, i)) {
      services.set(who, [...(services.get(who) ?? []), span]);
    }
  }
  const resourceSpans = [...services]
    .sort(([a], [b]) => compareNames(a, b))
    .map(([who, spans]) => ({
      resource: { attributes: attribute('service.name', who) },
      scopeSpans: [{ scope: { name: 'fatty' }, spans }],
    }));
  return `${JSON.stringify({ resourceSpans })}\n`;
}
