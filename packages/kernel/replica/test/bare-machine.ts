// Test helper: a machine that does next to nothing.
import {
  ACCEPT,
  array,
  bytes,
  compareBytes,
  decode,
  digest,
  encode,
  hash,
  publicKey,
  record,
  type Shape,
  sessionId,
  toHex,
  u53,
} from '@fatty/codec';
import type {
  Algorithm,
  Applied,
  CellContext,
  CommitInput,
  Digest,
  OrderedBatch,
  Outcome,
  PublicKey,
  Receipt,
  SessionId,
  Source,
  StateMachine,
  Validation,
} from '@fatty/interface';

/** R3: receipts kept per session. */
const RECEIPTS_MAX = 64;
const SNAPSHOT_BYTES_MAX = 1024 * 1024 * 1024;
const ITEMS_MAX = 0xffffffff;

interface Session {
  readonly client: PublicKey;
  readonly session: SessionId;
  /** Batches applied: the next seq. */
  next: number;
  /** The last ones, oldest first. */
  receipts: readonly Receipt[];
}

const receiptShape: Shape<Receipt> = record({
  batch: digest,
  client: publicKey,
  session: sessionId,
  seq: u53,
  commit: u53,
  results: array(bytes(ITEMS_MAX), 4096),
});

const sessionShape: Shape<Session> = record({
  client: publicKey,
  session: sessionId,
  next: u53,
  receipts: array(receiptShape, RECEIPTS_MAX),
});

interface Snapshot {
  readonly state: Uint8Array;
  readonly sessions: readonly Session[];
}

const snapshotShape: Shape<Snapshot> = record({
  state: bytes(ITEMS_MAX),
  sessions: array(sessionShape, ITEMS_MAX),
});

function keyOf(batch: { readonly client: PublicKey; readonly session: SessionId }): string {
  return toHex(batch.client) + toHex(batch.session);
}

/**
 * A machine for tests of the replica: sessions need no opening and never end, so no test has to think of
 * them. Exactly once per (client, session), as R3 says; what real cells host is `hosted` of package sessions.
 */
export function bareMachine(
  make: (context: CellContext) => Algorithm,
  context: CellContext,
): StateMachine {
  return new Plain(make, context);
}

class Plain implements StateMachine {
  readonly #make: (context: CellContext) => Algorithm;
  readonly #context: CellContext;
  readonly #algorithm: Algorithm;
  readonly #sessions = new Map<string, Session>();

  constructor(make: (context: CellContext) => Algorithm, context: CellContext) {
    this.#make = make;
    this.#context = context;
    this.#algorithm = make(context);
  }

  open(bytes: Uint8Array): Outcome<unknown> {
    return this.#algorithm.open(bytes);
  }

  validate(source: Source, op: unknown): Validation {
    return this.#algorithm.validate?.(source, op) ?? ACCEPT;
  }

  precheck(): Validation {
    return ACCEPT;
  }

  applyCommit(commit: CommitInput): Applied {
    const receipts: Receipt[] = [];
    const settled = new Map<string, Digest>();
    let index = 0;
    for (const batch of commit.batches) {
      const session = this.#session(batch);
      const key = toHex(batch.id);
      if (batch.seq > session.next || settled.has(key)) continue;
      settled.set(key, batch.id);
      if (batch.seq === session.next) {
        this.#remember(session, this.#apply(batch, commit.index, index));
        index += batch.ops.length;
      }
      const receipt = session.receipts.find((one) => one.seq === batch.seq);
      if (receipt) receipts.push(receipt);
    }
    return { receipts, notices: [], settled: [...settled.values()] };
  }

  hasUsed(batch: Pick<OrderedBatch, 'client' | 'session' | 'seq'>): boolean {
    return batch.seq < (this.#sessions.get(keyOf(batch))?.next ?? 0);
  }

  deliverBatch(batch: OrderedBatch): void {
    const session = this.#session(batch);
    if (batch.seq !== session.next) return;
    session.next++;
    for (const [source, op] of opsOf(batch)) this.#algorithm.deliver(source, op);
  }

  needsTime(): boolean {
    return false;
  }

  snapshot(): Uint8Array {
    const sessions = [...this.#sessions.values()]
      .filter((one) => one.next > 0)
      .sort((a, b) => compareBytes(a.client, b.client) || compareBytes(a.session, b.session));
    return encode(snapshotShape, { state: this.#algorithm.snapshot(), sessions });
  }

  /** Bytes that are no snapshot change nothing: they can only come from the own disk. */
  restore(snapshot: Uint8Array): void {
    const opened = decode(snapshotShape, snapshot, SNAPSHOT_BYTES_MAX);
    if (!opened.ok) return;
    this.#sessions.clear();
    for (const one of opened.value.sessions) this.#sessions.set(keyOf(one), { ...one });
    this.#algorithm.restore(opened.value.state);
  }

  root(): Digest {
    return hash('plain', this.snapshot());
  }

  fresh(): StateMachine {
    return new Plain(this.#make, this.#context);
  }

  #session(batch: OrderedBatch): Session {
    const key = keyOf(batch);
    const known = this.#sessions.get(key);
    if (known) return known;
    const { client, session } = batch;
    const created: Session = { client, session, next: 0, receipts: [] };
    if (batch.seq === 0) this.#sessions.set(key, created);
    return created;
  }

  #apply(batch: OrderedBatch, commit: number, first: number): Receipt {
    const results = opsOf(batch).map(([source, op], i) =>
      this.#algorithm.apply(source, op, { commit, index: first + i }),
    );
    const { id, client, session, seq } = batch;
    return { batch: id, client, session, seq, commit, results };
  }

  #remember(session: Session, receipt: Receipt): void {
    session.next++;
    session.receipts = [...session.receipts, receipt].slice(-RECEIPTS_MAX);
  }
}

function opsOf(batch: OrderedBatch): readonly (readonly [Source, unknown])[] {
  const { client, session, seq, author, basis } = batch;
  return batch.opened.map((op, index) => [{ client, session, seq, index, author, basis }, op]);
}
