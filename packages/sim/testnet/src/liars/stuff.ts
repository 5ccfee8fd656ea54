// A liar that fills logs with valid blocks that are good for nothing.
import { encodeOp } from '@fatty/api';
import { asSessionId } from '@fatty/codec';
import { signBatch } from '@fatty/protocol';
import { bend, type Insider } from './craft.ts';
import { type Trick, toAll } from './puppet.ts';

/** Of the one op in each of its blocks. */
export const STUFF_BYTES: number = 48 * 1024;

/**
 * Never contradicts itself: every block is valid, on time, and full of a well-signed batch of a session
 * that nobody has opened. It costs the others disk and brings nobody anything.
 */
export function stuff(insider: Insider): Trick {
  const { cell, rng } = insider;
  return {
    craft(puppet, draft) {
      puppet.batches.unshift(...draft.body.batches);
      const content = new Uint8Array(STUFF_BYTES);
      content.set(rng.bytes(32));
      const signer = cell.scheme.signer(rng.bytes(32));
      const batch = signBatch(cell.cellId, signer, {
        client: signer.publicKey,
        session: asSessionId(rng.bytes(32)),
        seq: 1,
        basis: { epoch: cell.committee.epoch, commit: 0 },
        ops: [encodeOp({ kind: 'write', path: '/stuff', content, observed: [] })],
      });
      insider.lied('stuff');
      return [toAll(puppet, bend(insider, draft, {}, { batches: [batch] }))];
    },
  };
}
