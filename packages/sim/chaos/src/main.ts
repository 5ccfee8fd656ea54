// The program of a client in a chaos run: `main.js CELL NAME SEED HISTORY`; ends when it is told to.
import { connect } from '@fatty/client/node';
import { SeededRng } from '@fatty/testnet';
import { Lanes } from './lanes.ts';
import { HistoryWriter } from './writer.ts';

/** Short, so that a client that stands still loses its locks while the run goes on, ms. */
const LEASE_MS = 6_000;

const [cell = '', name = '', seed = '0', history = ''] = process.argv.slice(2);
const ending = new AbortController();
process.on('message', () => ending.abort());
// Whoever started us is gone.
process.on('disconnect', () => process.exit(1));
process.on('SIGINT', () => undefined);

const client = await connect(cell, { timeoutMs: 60_000, leaseMs: LEASE_MS });
process.send?.({ kind: 'ready' });
const writer = new HistoryWriter(history, name);
const rng = new SeededRng(Number(seed));
await new Lanes({ client, writer, rng, signal: ending.signal }).run();
await client.close();
process.exit(0);
