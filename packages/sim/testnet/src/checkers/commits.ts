// Checks S3, S4 and S5: one sequence of commits, equal receipts and roots.
import { decodeResult } from '@fatty/api';
import { toHex } from '@fatty/codec';
import type { OrderedBatch, Receipt } from '@fatty/interface';
import { decodeHostedOp, decodeHostedResult } from '@fatty/sessions';
import type { CheckedCell, Checker, Observation, Violation } from '../world/observation.ts';

/** A replica tells a commit. */
export type CommitSeen = Extract<Observation, { kind: 'committed' }>;

/** The one sequence of commits, as the first replica to reach each index told it. */
export interface Agreed {
  readonly sequence: readonly CommitSeen[];
}

interface Told {
  readonly text: string;
  readonly receipts: string;
  root: string | undefined;
}

const hexes = (list: readonly Uint8Array[]): string => list.map(toHex).join(',');

function commitText({ commit, input }: CommitSeen): string {
  const { index, prevDigest, leader, blocks, commitTs, leaseClock, horizon } = commit;
  return [
    index,
    toHex(prevDigest),
    toHex(leader.digest),
    hexes(blocks.map((ref) => ref.digest)),
    commitTs,
    leaseClock,
    horizon,
    input.batches.map((batch) => `${toHex(batch.id)}/${toHex(batch.author)}`).join(),
    input.unsigned.map((one) => `${toHex(one.about)}:${one.rank}`).join(),
    hexes(input.evidence),
    input.epoch,
    input.index,
    input.commitTs,
    input.leaseClock,
  ].join(' ');
}

const receiptText = (receipt: Receipt): string =>
  `${toHex(receipt.batch)} ${receipt.commit} ${hexes(receipt.results)}`;

/** What the lock service says to a batch that its session does not count. */
const UNCOUNTED: ReadonlySet<string> = new Set([
  'session_unknown',
  'session_not_yours',
  'session_reused',
  'receipt_forgotten',
  'future_basis',
  'stale_basis',
  'too_many_sessions',
  'gateway_full',
]);

/** No session took the batch: such an answer has no place in the order of any. */
export function isUncounted({ results }: Receipt): boolean {
  return (
    results.length > 0 &&
    results.every((bytes) => {
      const result = decodeResult(bytes);
      return result.ok && result.value.kind === 'error' && UNCOUNTED.has(result.value.code);
    })
  );
}

/**
 * S3 and S4: every replica tells the same commits in the same order without a gap.
 * S5: equal index, equal receipts and state root.
 * S7: a client's batches take effect in order, once; an honest author's blocks are committed in the order of their rounds.
 */
export class CommitChecker implements Checker, Agreed {
  readonly rules: readonly string[] = ['S3', 'S4', 'S5', 'S7'];
  readonly sequence: CommitSeen[] = [];
  readonly #checked: CheckedCell;
  readonly #told: Told[] = [];
  /** Next index expected of each replica. */
  readonly #next = new Map<number, number>();
  readonly #restarted = new Set<number>();
  readonly #sessions = new Map<string, { last: number; receipts: Map<number, string> }>();
  /** By epoch and host. */
  readonly #rounds = new Map<string, number>();
  #first: number | undefined;

  constructor(checked: CheckedCell) {
    this.#checked = checked;
  }

  see(observation: Observation): readonly Violation[] {
    const out: Violation[] = [];
    const say = (rule: string, expected: string, actual: string): void => {
      out.push({ rule, expected, actual, atMs: observation.atMs, replica: observation.by });
    };
    if (observation.kind === 'restarted') this.#restarted.add(observation.by);
    if (observation.kind === 'resumed') this.#resumed(observation, say);
    if (observation.kind === 'halted') {
      say('S4', 'ordering goes on', `${observation.failure.code}: ${observation.failure.actual}`);
    }
    if (observation.kind === 'committed') this.#commit(observation, say);
    return out;
  }

  finish(): readonly Violation[] {
    return [];
  }

  /** A frame may be ahead of what the replica told (R29), but not of what everybody has. */
  #resumed(
    { by, index }: Extract<Observation, { kind: 'resumed' }>,
    say: (rule: string, expected: string, actual: string) => void,
  ): void {
    const last = (this.#first ?? 1) + this.#told.length - 1;
    if (index > last) say('S4', `a frame of commit ${last} or before`, `of ${index}`);
    this.#next.set(by, Math.max(this.#next.get(by) ?? 0, index + 1));
  }

  #commit(seen: CommitSeen, say: (rule: string, expected: string, actual: string) => void): void {
    const { index } = seen.commit;
    this.#first ??= index;
    const next = this.#next.get(seen.by) ?? this.#first;
    // A restarted replica replays its log: it may tell again what it told before, from any point.
    const replayed = this.#restarted.delete(seen.by) && index <= next;
    if (index !== next && !replayed) say('S4', `commit ${next} next`, `commit ${index}`);
    this.#next.set(seen.by, index + 1);
    const at = index - this.#first;
    const receipts = seen.applied.receipts.map(receiptText).join(' ');
    const root = seen.root === undefined ? undefined : toHex(seen.root);
    const told = this.#told[at];
    if (told === undefined) {
      this.#told.push({ text: commitText(seen), receipts, root });
      this.sequence.push(seen);
      this.#extend(seen, say);
      return;
    }
    const text = commitText(seen);
    if (told.text !== text) say('S4', `commit ${index} = ${told.text}`, text);
    if (told.receipts !== receipts) say('S5', `receipts ${told.receipts}`, receipts);
    told.root ??= root;
    if (root !== undefined && root !== told.root) say('S5', `root ${told.root}`, root);
  }

  #extend(seen: CommitSeen, say: (rule: string, expected: string, actual: string) => void): void {
    for (const receipt of seen.applied.receipts) this.#receipt(receipt, seen.commit.index, say);
    for (const ref of seen.commit.blocks) {
      const { epoch } = seen.input;
      const host = this.#checked.cell.roll.hostOf(epoch, ref.author) ?? -1;
      if (this.#checked.liars.has(host)) continue;
      const name = `${epoch}/${host}`;
      const before = this.#rounds.get(name) ?? 0;
      if (ref.round <= before) {
        say('S7', `r${host}: a round above ${before}`, `round ${ref.round}`);
      }
      this.#rounds.set(name, ref.round);
    }
  }

  #receipt(
    receipt: Receipt,
    index: number,
    say: (rule: string, expected: string, actual: string) => void,
  ): void {
    if (isUncounted(receipt)) return;
    const key = toHex(receipt.client) + toHex(receipt.session);
    const session = this.#sessions.get(key) ?? { last: -1, receipts: new Map<number, string>() };
    this.#sessions.set(key, session);
    const text = receiptText(receipt);
    const before = session.receipts.get(receipt.seq);
    if (before !== undefined) {
      // One whose results had to go is what is left of the first: the same batch and commit.
      const isSame = receipt.results.length === 0 ? before.startsWith(text) : before === text;
      if (!isSame) say('S7', `seq ${receipt.seq} answered once: ${before}`, text);
      return;
    }
    if (receipt.seq !== session.last + 1) {
      say('S7', `seq ${session.last + 1} of ${key.slice(0, 8)}`, `seq ${receipt.seq}`);
    }
    if (receipt.commit !== index) say('S7', `receipt of commit ${index}`, `of ${receipt.commit}`);
    session.last = Math.max(session.last, receipt.seq);
    session.receipts.set(receipt.seq, text);
  }
}

/**
 * The batches that took effect in this commit with their receipts. A batch whose (session, seq) was
 * used before is answered with the stored receipt, possibly in the same commit: that is no effect. Of
 * a hosted algorithm ops and answers are its own words, and what is about sessions is left out.
 */
export function effects(
  seen: CommitSeen,
): readonly { readonly batch: OrderedBatch; readonly receipt: Receipt }[] {
  // Copies differ in their author alone.
  const batches = new Map(seen.input.batches.map((batch) => [toHex(batch.id), batch]));
  const out: { batch: OrderedBatch; receipt: Receipt }[] = [];
  for (const receipt of seen.applied.receipts) {
    const key = toHex(receipt.batch);
    const batch = batches.get(key);
    if (batch === undefined || receipt.commit !== seen.commit.index) continue;
    batches.delete(key);
    if (!seen.isHosted) out.push({ batch, receipt });
    else if (!isUncounted(receipt)) out.push(ownWords(batch, receipt));
  }
  return out;
}

function ownWords(
  batch: OrderedBatch,
  receipt: Receipt,
): { readonly batch: OrderedBatch; readonly receipt: Receipt } {
  const own = batch.ops.flatMap((bytes, i) => {
    const [op, result] = [decodeHostedOp(bytes), decodeHostedResult(receipt.results[i] ?? NOTHING)];
    if (!op.ok || op.value.kind !== 'own') return [];
    const answer = result.ok && result.value.kind === 'own' ? result.value.answer : NOTHING;
    return [{ op: op.value.op, opened: ownOpened(batch.opened[i]), answer }];
  });
  return {
    batch: { ...batch, ops: own.map(({ op }) => op), opened: own.map(({ opened }) => opened) },
    receipt: { ...receipt, results: own.map(({ answer }) => answer) },
  };
}

/** What the algorithm's `open` made: the host keeps it in an op of its own. */
function ownOpened(hosted: unknown): unknown {
  return typeof hosted === 'object' && hosted !== null && 'op' in hosted ? hosted.op : undefined;
}

const NOTHING = new Uint8Array(0);
