// Reads everything once more when all is quiet: what was acknowledged must be there.
import { type Client, connect } from '@fatty/client/node';
import { fromUtf8 } from '@fatty/codec';
import type { Call, CallOutcome } from '@fatty/judge';
import { LOG } from './lanes.ts';
import { type HistoryWriter, machineMs } from './writer.ts';

const LINEARIZABLE = { level: 'linearizable' } as const;

/** Reads every file that a call was about, as the last of the history. */
export async function readAll(
  cellPath: string,
  writer: HistoryWriter,
  calls: readonly Call[],
): Promise<void> {
  const client = await connect(cellPath, { timeoutMs: 120_000 });
  const paths = [...new Set(calls.map(({ path }) => path))];
  const isLog = (path: string): boolean => path.startsWith(`${LOG}/`);
  await readLog(client, writer, paths.filter(isLog));
  for (const path of paths.filter((one) => !isLog(one))) {
    await writer.call(path, { kind: 'read' }, () => readOne(client, path));
  }
  await client.close();
}

async function readOne(client: Client, path: string): Promise<CallOutcome> {
  const { siblings } = await client.get(path, LINEARIZABLE);
  return { kind: 'ok', values: siblings.map(({ content }) => fromUtf8(content) ?? 'no text') };
}

/** A listing is a read of every name. Each of these files has its name as content. */
async function readLog(
  client: Client,
  writer: HistoryWriter,
  paths: readonly string[],
): Promise<void> {
  const startMs = machineMs();
  const there = new Set((await client.ls(LOG, LINEARIZABLE)).map(({ name }) => name));
  for (const path of paths) {
    const name = path.slice(LOG.length + 1);
    const id = writer.begin(path, { kind: 'read' }, startMs);
    writer.end(
      id,
      there.delete(name) ? { kind: 'ok', values: [name] } : { kind: 'refused', code: 'not_found' },
    );
  }
  // What nobody asked for is a file that was there before anybody made it.
  for (const name of there) {
    const id = writer.begin(`${LOG}/${name}`, { kind: 'read' }, startMs);
    writer.end(id, { kind: 'ok', values: [name] });
  }
}
