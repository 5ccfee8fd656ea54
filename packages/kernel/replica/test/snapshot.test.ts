import { asCellId, asDigest, asPublicKey, asSessionId, utf8 } from '@fatty/codec';
import type { OrderedBatch, StateMachine } from '@fatty/interface';
import { describe, expect, it } from 'vitest';
import { hashByHand, pin, pinned } from '../../codec/test/by-hand.ts';
import { reference } from '../../codec/test/reference.ts';
import { decodeMark, hosted } from '../src/index.ts';
import { listAlgorithm } from './cell.ts';

const golden = new URL('./golden/', import.meta.url);
const fill = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const context = { cellId: asCellId(fill(0xce)), epoch: 0, members: [asPublicKey(fill(1))] };

/** `client` and `session`: fill bytes. */
const batch = (client: number, session: number, seq: number, ...ops: string[]): OrderedBatch => ({
  id: asDigest(hashByHand('test', utf8(`${client}.${session}.${seq}`))),
  client: asPublicKey(fill(client)),
  session: asSessionId(fill(session)),
  seq,
  basis: { epoch: 0, commit: 0 },
  author: 0,
  ops: ops.map(utf8),
});

const first = batch(9, 1, 0, 'one', 'two');
const second = batch(2, 8, 0, 'three');
const third = batch(9, 1, 1, 'four');
const other = batch(2, 7, 0);

/** Sessions out of order, two receipts in one, a batch without ops, one that is skipped. */
function lived(): StateMachine {
  const machine = hosted(listAlgorithm, context);
  const commit = (index: number, batches: readonly OrderedBatch[]): unknown =>
    machine.applyCommit({
      index,
      epoch: 0,
      commitTs: index,
      leaseClock: index,
      batches,
      keepAlives: [],
      evidence: [],
    });
  commit(1, [first, second, batch(2, 8, 5, 'from the future')]);
  commit(70_000, [third, batch(3, 3, 1, 'never opened'), first, other]);
  return machine;
}

describe('a hosted algorithm', () => {
  it('keeps its snapshot and root: state, then sessions by client and session', () => {
    const machine = lived();
    const ops = ['one', 'two', 'three', 'four'].map(utf8);
    const state = ops.reduce((before, op) => hashByHand('list', before, op), new Uint8Array(0));
    const receipt = ({ id, client, session, seq, ops: results }: OrderedBatch, commit: number) => [
      id,
      client,
      session,
      seq,
      commit,
      results,
    ];
    const byHand = reference([
      state,
      [
        [fill(2), fill(7), 1, [receipt(other, 70_000)]],
        [fill(2), fill(8), 1, [receipt(second, 1)]],
        [fill(9), fill(1), 2, [receipt(first, 1), receipt(third, 70_000)]],
      ],
    ]);
    pin(golden, 'hosted-snapshot', machine.snapshot());
    pin(golden, 'hosted-root', machine.root());
    expect(machine.snapshot()).toEqual(byHand);
    expect(machine.root()).toEqual(hashByHand('hosted', byHand));
  });

  it('reads a stored snapshot back', () => {
    const copy = hosted(listAlgorithm, context);
    copy.restore(pinned(golden, 'hosted-snapshot'));
    expect(copy.root()).toEqual(lived().root());
  });
});

it('a signer mark (R24) orders by bytes as its fields rise, and is read back', () => {
  const marks = [
    [0, 12, 11, 9],
    [0, 24, 23, 9],
    [0, 256, 255, 70_000],
    [1, 1, 0, 70_000],
  ] as const;
  const written = marks.map((mark) => reference(mark));
  expect([...written].sort(Buffer.compare)).toEqual(written);
  for (const [i, [epoch, round, durable, commitIndex]] of marks.entries()) {
    const read = decodeMark(written[i] ?? new Uint8Array(0));
    expect(read).toEqual({ ok: true, value: { epoch, round, durable, commitIndex } });
  }
});
