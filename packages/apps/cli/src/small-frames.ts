// The program of a replica whose frames come soon, and whose log goes soon.
import { nodeMain } from '@fatty/node';
import { SMALL_FRAMES } from './small.ts';

/** An honest replica, for test cells only: what takes a real cell days is over in seconds. */
await nodeMain(process.argv.slice(2), SMALL_FRAMES);
