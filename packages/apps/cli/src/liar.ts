// The program of a replica that lies.
import { nodeMain } from '@fatty/node';
import { TwoFacedReplica } from '@fatty/testnet';

/**
 * A lying replica as a process: takes the arguments of an honest one and its folder, and fills every
 * slot twice. For test cells only; an honest replica has no such setting.
 */
let lies = 0;

await nodeMain(process.argv.slice(2), {
  wrap: (replica, signer, { committee, cellId }) =>
    new TwoFacedReplica(replica, {
      committee,
      cellId,
      signer,
      lied: () => process.send?.({ kind: 'lies', count: ++lies }),
    }),
});
