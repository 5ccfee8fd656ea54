// The program of a replica for fresh.mjs: of the log nothing stays that two frames make needless.
import { nodeMain } from '../../../packages/apps/node/dist/index.js';

await nodeMain(process.argv.slice(2), { tuning: { logKeptBytesMin: 0, logKeptBytesMax: 0 } });
