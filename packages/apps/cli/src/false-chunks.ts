// The program of a replica that serves false chunks.
import { nodeMain } from '@fatty/node';
import { falseChunks } from '@fatty/testnet';
import { SMALL_FRAMES } from './small.ts';

/**
 * A replica as a process among those of `small-frames.ts`: in order in everything, except that every chunk of a
 * frame that it serves has other bytes than the certificate names. For test cells only.
 */
let lies = 0;

await nodeMain(process.argv.slice(2), {
  ...SMALL_FRAMES,
  wrap: (replica) =>
    falseChunks(
      { step: (event) => replica.step(event) },
      () => void process.send?.({ kind: 'lies', count: ++lies }),
    ),
});
