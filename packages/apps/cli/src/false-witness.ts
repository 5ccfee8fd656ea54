// The program of a replica whose gateway proves falsely.
import { nodeMain } from '@fatty/node';
import { FalseProofs } from '@fatty/testnet';

/**
 * A replica as a process: takes the arguments of an honest one and its folder, and lies to clients about what
 * it proves, by the names of the paths that they ask about. For test cells only.
 */
await nodeMain(process.argv.slice(2), {
  wrap: (replica) => new FalseProofs(replica, (lie) => process.send?.({ kind: 'lies', lie })),
});
