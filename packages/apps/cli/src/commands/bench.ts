// `fatty bench`: what a cell does on one's own machines.
import type { Client } from '@fatty/client';
import { EXIT, ExitError, type Io, wholeNumber } from '../terminal/io.ts';
import { formatOf, json, type Row, show } from '../terminal/output.ts';
import type { Stop } from '../terminal/stop.ts';
import { LOADS, type Measured, measure, verdictsOf } from './bench-loads.ts';
import { type CellFlags, opener, withClient } from './client.ts';
import { type Register, withCell } from './command.ts';

interface Flags extends CellFlags {
  readonly clients?: string | number;
  readonly loads?: string;
  readonly for?: string | number;
  readonly dir?: string;
}

const CLIENTS = '1,16,64';
const CLIENTS_MAX = 256;
const FOR_MS = 3_000;
const FOR_MS_MAX = 60_000;
/** The first requests are those of compilers and of a cell that rests; a tenth of a stage is theirs. */
const WARM_UP = 0.1;
/** So many sessions are opened at once. */
const OPENING = 16;

interface Plan {
  readonly counts: readonly number[];
  readonly loads: readonly string[];
  readonly forMs: number;
  readonly dir: string;
}

function planOf(flags: Flags): Plan {
  const range = { min: 1, max: CLIENTS_MAX };
  const counts = String(flags.clients ?? CLIENTS)
    .split(',')
    .map((text) => wholeNumber('--clients', text, range));
  const loads = (flags.loads ?? Object.keys(LOADS).join(',')).split(',');
  const unknown = loads.find((name) => !Object.hasOwn(LOADS, name));
  if (unknown !== undefined) {
    const expected = Object.keys(LOADS).join(', ');
    throw new ExitError(EXIT.usage, `--loads: expected ${expected}, got ${unknown}`);
  }
  const forMs = wholeNumber('--for', flags.for ?? FOR_MS, { min: 1, max: FOR_MS_MAX });
  return { counts, loads, forMs, dir: flags.dir ?? `/bench-${process.pid}` };
}

/** Sessions beside the first, closed whatever happens. */
async function withMore<T>(
  first: Client,
  count: number,
  open: () => Promise<Client>,
  work: (clients: readonly Client[]) => Promise<T>,
): Promise<T> {
  const clients = [first];
  try {
    while (clients.length < count) {
      const some = Array.from({ length: Math.min(OPENING, count - clients.length) }, open);
      const opened = await Promise.allSettled(some);
      for (const one of opened) if (one.status === 'fulfilled') clients.push(one.value);
      for (const one of opened) if (one.status === 'rejected') throw one.reason;
    }
    return await work(clients);
  } finally {
    await Promise.all(clients.slice(1).map((client) => client.close()));
  }
}

/** Every load with every number of clients, each told when it is over. */
async function stages(
  clients: readonly Client[],
  { counts, loads, forMs, dir }: Plan,
  tell: (measured: Measured) => void,
): Promise<readonly Measured[]> {
  const files = clients.map((client, i) => [client, `${dir}/${i}`] as const);
  for (const [client, path] of files) await client.put(path, 'x', { parents: true });
  const all: Measured[] = [];
  for (const load of loads) {
    for (const count of counts) {
      const some = files.slice(0, count);
      await measure(load, some, forMs * WARM_UP);
      const measured = await measure(load, some, forMs);
      tell(measured);
      all.push(measured);
    }
  }
  return all;
}

async function bench(flags: Flags, io: Io): Promise<number> {
  const format = formatOf(flags.output);
  const plan = planOf(flags);
  const open = opener(flags, io);
  const tell = (one: Measured): void => {
    if (format === 'json') io.out(`${json(one)}\n`);
    else if (io.isTerminal) io.err(`${one.load}, ${one.clients} clients: ${one.perSec} a second\n`);
  };
  // A signal for each: one bears few listeners.
  const all = await withClient(flags, io, (first, stop: Stop) =>
    withMore(
      first,
      Math.max(...plan.counts),
      () => open(AbortSignal.any([stop.signal])),
      async (clients) => {
        try {
          return await stages(clients, plan, tell);
        } finally {
          await first.remove(plan.dir, { recursive: true }).catch(() => undefined);
        }
      },
    ),
  );
  const verdicts = verdictsOf(all);
  if (format === 'json') io.out(verdicts.map((one) => `${json(one)}\n`).join(''));
  else {
    show(
      io,
      format,
      all.map((one): Row => ({ ...one })),
    );
    for (const { passed, text } of verdicts) io.out(`${passed ? 'PASS' : 'FAIL'}: ${text}\n`);
  }
  return verdicts.every(({ passed }) => passed) ? EXIT.done : EXIT.refused;
}

/** bench. */
export const registerBench: Register = ({ cli, io, run }) => {
  withCell(
    cli.command('bench', 'Measure a cell on its own machines: rates, latencies, PASS or FAIL'),
  )
    .option('--clients <list>', `how many at a time; default ${CLIENTS}`)
    .option('--loads <list>', `what they ask for; default ${Object.keys(LOADS).join(',')}`)
    .option('--for <ms>', `how long each; default ${FOR_MS}`)
    .option('--dir <path>', 'where their files are meanwhile; it is removed; default /bench-PID')
    .action(run((flags: Flags) => bench(flags, io)));
};
