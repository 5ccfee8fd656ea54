/** What a recorder may see of a run; the input of every chart (package msc). Times in ms. */
export interface TraceEvent {
  readonly atMs: number;
  /** Lifeline the event belongs to: `r0`…`r9` for replicas, `c0`… for clients. */
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
    | 'note';
  /** The other end of a send, receive, drop or reject. */
  readonly peer?: string;
  /** Joins a send with its receive, drop or reject: unique per packet and run. */
  readonly packet?: string;
  /** A few words: message type, slot, op. Free text, escaped by the chart writer. */
  readonly label: string;
  /** DAG round, where there is one. */
  readonly round?: number;
}

export interface Tracer {
  trace(event: TraceEvent): void;
}
