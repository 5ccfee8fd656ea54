// What liars say and hear on the wire.
import type { Ref } from '@fatty/broadcast';
import { decodeMessage, encodeMessage, type PeerMessage } from '@fatty/replica';

const BLOCK_BYTES_MAX = 4 * 1024 * 1024;

/** Reads a message; undefined when it cannot be read. */
export function hear(message: Uint8Array): PeerMessage | undefined {
  const decoded = decodeMessage(message, BLOCK_BYTES_MAX);
  return decoded.ok ? decoded.value : undefined;
}

/** The blocks that a message carries. */
export function blocksOf(message: PeerMessage): readonly Uint8Array[] {
  if (message.kind === 'push') return [message.block];
  return message.kind === 'blocks' || message.kind === 'rounds' ? message.blocks : [];
}

/** A message that pushes one block. */
export function pushOf(block: Uint8Array): Uint8Array {
  return encodeMessage({ kind: 'push', block });
}

/** A message that asks for blocks by name, 64 at most. */
export function askFor(refs: readonly Ref[]): Uint8Array {
  return encodeMessage({ kind: 'getBlocks', refs: refs.slice(0, 64) });
}

/** A message that asks for the blocks of some rounds. */
export function askRounds(from: number, to: number): Uint8Array {
  return encodeMessage({ kind: 'getRounds', from, to });
}

/** A claim of progress, true or not. */
export function claim(highestRound: number, commitIndex: number): Uint8Array {
  return encodeMessage({
    kind: 'status',
    epoch: 0,
    lastOwnRound: highestRound,
    highestRound,
    commitIndex,
    yourRound: 0,
    ask: true,
  });
}
