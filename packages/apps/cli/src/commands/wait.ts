// `fatty wait`: until a node is as somebody wants it.
import { type Client, isFattyError } from '@fatty/client';
import { fromUtf8 } from '@fatty/codec';
import { EXIT, ExitError, type Io } from '../terminal/io.ts';
import { formatOf, json, printable } from '../terminal/output.ts';
import { type CellFlags, milliseconds, withClient } from './client.ts';
import { type Register, withCell } from './command.ts';

interface Flags extends CellFlags {
  readonly for?: string;
}

/** Whether it is so, now: asked of f + 1 replicas. */
type Condition = (client: Client, path: string) => Promise<boolean>;

/** Whoever asks of a node that is not there is answered `absent`. */
async function unless(absent: boolean, ask: () => Promise<boolean>): Promise<boolean> {
  try {
    return await ask();
  } catch (error) {
    if (isFattyError(error, 'not_found')) return absent;
    throw error;
  }
}

const isHeld = async (client: Client, path: string): Promise<boolean> =>
  (await client.lockState(path)).holders.length > 0;

const CONDITIONS: Readonly<Record<string, Condition>> = {
  exists: (client, path) => unless(false, async () => (await client.stat(path)) !== undefined),
  absent: (client, path) => unless(true, async () => (await client.stat(path)) === undefined),
  held: (client, path) => unless(false, () => isHeld(client, path)),
  free: (client, path) => unless(false, async () => !(await isHeld(client, path))),
};

const VALUE = 'value=';

function conditionOf(text: string | undefined): Condition {
  if (text?.startsWith(VALUE)) {
    const wanted = text.slice(VALUE.length);
    return (client, path) =>
      unless(false, async () => fromUtf8((await client.get(path)).content) === wanted);
  }
  const known =
    text !== undefined && Object.hasOwn(CONDITIONS, text) ? CONDITIONS[text] : undefined;
  if (known !== undefined) return known;
  const expected = [...Object.keys(CONDITIONS), `${VALUE}TEXT`].join(', ');
  throw new ExitError(EXIT.usage, `--for: expected ${expected}, got ${text ?? 'nothing'}`);
}

const POLL_MS = 200;
const WAIT_MS = 30_000;

/** Exit 1 when it is not so in time. */
async function wait(path: string, flags: Flags, io: Io): Promise<number> {
  const format = formatOf(flags.output);
  const condition = conditionOf(flags.for);
  const waitMs = flags.timeout === undefined ? WAIT_MS : milliseconds('--timeout', flags.timeout);
  return withClient(flags, io, async (client) => {
    const beganMs = performance.now();
    for (;;) {
      const isSo = await condition(client, path);
      const waitedMs = Math.round(performance.now() - beganMs);
      if (isSo || waitedMs >= waitMs) {
        if (format === 'json') io.out(`${json({ path, for: flags.for, isSo, waitedMs })}\n`);
        else if (!isSo) {
          io.err(`fatty: ${printable(path)} is not ${flags.for} after ${waitedMs} ms\n`);
        }
        return isSo ? EXIT.done : EXIT.refused;
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  });
}

/** wait PATH --for STATE. */
export const registerWait: Register = ({ cli, io, run }) => {
  withCell(
    cli.command('wait <path>', 'Wait until a node exists, is absent, held, free or has a value'),
  )
    .option('--for <state>', 'exists, absent, held, free or value=TEXT; exit 1 after --timeout')
    .action(run((path: string, flags: Flags) => wait(path, flags, io)));
};
