/** One op that an event is about. */
export interface TracedOp {
  /** Lifeline of the client that signed it. */
  readonly client: string;
  readonly kind: string;
  readonly path?: string;
}

/** What an op is called: what {@link TracedOp} says of it besides its client. */
export type OpName = Omit<TracedOp, 'client'>;

/** How an algorithm tells of its own bytes, for charts. Bytes that it cannot read have no words. */
export interface Vocabulary {
  op(bytes: Uint8Array): OpName | undefined;
  /** In a few words. */
  result(bytes: Uint8Array): string | undefined;
  /** Name and words; undefined also for what no chart shows. */
  notice(body: Uint8Array): (OpName & { readonly words: string }) | undefined;
}

/** The block that an event is about, so that two blocks of one slot can be told apart. */
export interface TracedBlock {
  /** `round/rAuthor`; the label names the block as `block round/rAuthor`. */
  readonly slot: string;
  /** Of its digest. */
  readonly id: string;
}

/** What a recorder may see of a run; the input of every chart (package msc). Times in ms. */
export interface TraceEvent {
  readonly atMs: number;
  /** Lifeline the event belongs to: `r0`… for replicas, `c…` for clients. */
  readonly who: string;
  readonly kind:
    | 'send'
    | 'receive'
    | 'drop'
    | 'reject'
    | 'deliver'
    | 'commit'
    | 'crash'
    | 'restart'
    | 'note'
    /** An invariant does not hold. */
    | 'broken';
  /** The other end of a send, receive, drop or reject. */
  readonly peer?: string;
  /**
   * Joins a send with its receive, drop or reject. Equal bytes that go the same way again may have the
   * same name.
   */
  readonly packet?: string;
  /** A few words: message type, slot, op. Free text, escaped by the chart writer. */
  readonly label: string;
  /** DAG round, where there is one. */
  readonly round?: number;
  readonly block?: TracedBlock;
  /** Index of the commit that a `commit` tells of. */
  readonly commit?: number;
  /** What was asked for, answered or carried; for long blocks the beginning of it. */
  readonly ops?: readonly TracedOp[];
}

/** Takes what is told of a run, event by event. */
export interface Tracer {
  trace(event: TraceEvent): void;
}
