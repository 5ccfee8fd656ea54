// A launcher like `fatty up`, of a throw-away cell: says where it is, ends it when told to.
import { startCell, untilToldToStop } from '@fatty/cli';

const told = untilToldToStop();
const cell = await startCell({ logLevel: 'warn' });
const pids = cell.replicas.map((replica) => replica.process.pid);
process.stdout.write(`${JSON.stringify({ dir: cell.dir, cellPath: cell.cellPath, pids })}\n`);
await told;
await cell.close();
