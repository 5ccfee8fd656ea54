// A liar that carries batches of other gateways.
import type { Body, Ref } from '@fatty/broadcast';
import { compareBytes, decode, toHex } from '@fatty/codec';
import { batchId, batchShape, type SignedBatch, signedBatchShape } from '@fatty/protocol';
import type { ReplicaEvent } from '@fatty/replica';
import { bend, type Draft, type Insider, openDraft } from './craft.ts';
import { type Puppet, type Trick, toAll } from './puppet.ts';
import { blocksOf, hear } from './speech.ts';

/** A batch of somebody else's client. */
interface Loot {
  readonly signed: SignedBatch;
  readonly session: Uint8Array;
  readonly seq: number;
  /** Of the block that carries it; 0 while none does. */
  readonly round: number;
}

const BYTES_MAX = 4 * 1024 * 1024;
/** Batches that it remembers, and that it puts into one block. */
const LOOT_MAX = 64;
const COPIES_MAX = 8;

/**
 * Carries other gateways' batches itself, before them and out of order: it leaves out two rounds before
 * the one it leads, fills the first of them afterwards with copies of what the others carry since, and
 * its own leader block takes that along. Of each session it leaves the first batch to the others (R19).
 */
export function copier(insider: Insider): Trick {
  const members = insider.cell.signers.length;
  const leads = (round: number): boolean => round % members === insider.index;
  let loot: readonly Loot[] = [];
  let isHidden = false;

  function note(signed: SignedBatch, round: number): void {
    const batch = decode(batchShape, signed.core, BYTES_MAX);
    if (!batch.ok) return;
    const { session, seq } = batch.value;
    loot = [...loot, { signed, session, seq, round }].slice(-LOOT_MAX);
  }

  function overhear(puppet: Puppet, event: ReplicaEvent): void {
    if (event.kind === 'submit') {
      const signed = decode(signedBatchShape, event.batch, BYTES_MAX);
      if (signed.ok) note(signed.value, 0);
    }
    if (event.kind !== 'message') return;
    const message = hear(event.bytes);
    for (const bytes of message ? blocksOf(message) : []) {
      const draft = openDraft(bytes);
      if (draft === undefined || draft.header.author === puppet.insider.index) continue;
      for (const signed of draft.body.batches) note(signed, draft.header.round);
    }
  }

  /** What goes before the others' blocks of `round`; undefined without a quorum below it. */
  function before(puppet: Puppet, draft: Draft, round: number): Uint8Array | undefined {
    const below = puppet.others.flatMap(
      (author) => puppet.dag.primary(author, round - 1)?.ref ?? [],
    );
    const own: Ref = puppet.own;
    const count = below.length + (own.round === round - 1 ? 1 : 0);
    if (own.round >= round || count < insider.cell.quorum) return undefined;
    const fresh = loot.filter((one) => one.round === 0 || one.round >= round);
    const batches = outOfTurn(fresh).slice(0, COPIES_MAX);
    if (batches.length === 0) return undefined;
    loot = [];
    const body: Partial<Body> = { batches: batches.map(({ signed }) => signed) };
    return bend(insider, draft, { round, parents: [own, ...below] }, body);
  }

  return {
    craft(puppet, draft) {
      const { round } = draft.header;
      const waits = leads(round + 1) || leads(round + 2);
      if (!isHidden && loot.length > 0 && waits) return undefined;
      const hidden = leads(round) && !isHidden ? before(puppet, draft, round - 2) : undefined;
      isHidden = hidden !== undefined;
      if (hidden === undefined) return [toAll(puppet, draft.bytes)];
      insider.lied('copier');
      // The draft is made anew on top of it.
      puppet.batches.unshift(...draft.body.batches);
      return [toAll(puppet, hidden)];
    },
    extra(puppet, event) {
      overhear(puppet, event);
      return [];
    },
  };
}

/** Without the first of each session that has several, each once, as a block wants them. */
function outOfTurn(loot: readonly Loot[]): readonly Loot[] {
  const unique = [...new Map(loot.map((one) => [toHex(batchId(one.signed.core)), one])).values()];
  const firsts = new Map<string, number>();
  for (const { session, seq } of unique) {
    const key = toHex(session);
    firsts.set(key, Math.min(seq, firsts.get(key) ?? seq));
  }
  const several = (session: string): boolean =>
    unique.filter((one) => toHex(one.session) === session).length > 1;
  const places = new Map<string, Loot>();
  for (const one of unique) {
    const session = toHex(one.session);
    if (several(session) && one.seq === firsts.get(session)) continue;
    places.set(`${session} ${one.seq}`, one);
  }
  return [...places.values()].sort((a, b) => compareBytes(a.session, b.session) || a.seq - b.seq);
}
