// An honest replica whose messages somebody damages on purpose.
import type { Peer } from '../world/host.ts';
import type { SeededRng } from '../world/rng.ts';

/** Of a thousand messages so many are not what the replica said. */
const DAMAGED_PER_MILLE = 120;

/** Its messages now and then have a bit turned, are cut short, are too long, or are another one's beginning. */
export function mutating<P extends Peer>(inner: P, rng: SeededRng, lied: () => void): P {
  let last: Uint8Array = new Uint8Array();
  const said = (bytes: Uint8Array): Uint8Array => {
    const before = last;
    last = bytes;
    if (!rng.chance(DAMAGED_PER_MILLE)) return bytes;
    lied();
    return damaged(bytes, before, rng);
  };
  return {
    ...inner,
    step: (event) =>
      inner
        .step(event)
        .map((effect) =>
          effect.kind === 'send' ? { ...effect, bytes: said(effect.bytes) } : effect,
        ),
  };
}

function damaged(bytes: Uint8Array, before: Uint8Array, rng: SeededRng): Uint8Array {
  const at = rng.below(Math.max(1, bytes.length));
  const kind = rng.below(4);
  if (kind === 0) return bytes.subarray(0, at);
  if (kind === 1) return Uint8Array.of(...bytes, at % 256);
  const copy = bytes.slice();
  if (kind === 2) copy.set(before.subarray(0, at));
  else copy[at] = (copy[at] ?? 0) ^ (1 << rng.below(8));
  return copy;
}
