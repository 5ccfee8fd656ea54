// The program of a replica.
import { main } from './process.ts';

await main(process.argv.slice(2));
