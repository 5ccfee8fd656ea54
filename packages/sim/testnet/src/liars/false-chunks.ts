// A liar that serves frames whose chunks are not what their certificates name.
import { decodeMessage, encodeMessage } from '@fatty/replica';
import type { Peer } from '../world/host.ts';

/** Wraps an honest replica: whoever asks it for a chunk gets one of the right length with other bytes. */
export function falseChunks(inner: Peer, lied: () => void = () => undefined): Peer {
  return {
    ...inner,
    step: (event) =>
      inner.step(event).map((effect) => {
        if (effect.kind !== 'send') return effect;
        const message = decodeMessage(effect.bytes, effect.bytes.length);
        if (!message.ok || message.value.kind !== 'chunk') return effect;
        const { bytes } = message.value;
        if (bytes.length === 0) return effect;
        lied();
        const other = bytes.map((byte) => byte ^ 1);
        return { ...effect, bytes: encodeMessage({ ...message.value, bytes: other }) };
      }),
  };
}
