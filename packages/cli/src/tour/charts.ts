import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asciiChart, chart, mergeTraces } from '@fatty/msc';
import { expectTrue } from './screen.ts';
import type { Stage } from './stage.ts';
import { readTraces } from './traces.ts';

const LINES_SHOWN = 14;

/** (f) What happened, as a sequence chart. */
export async function charts({ cell, record, screen }: Stage): Promise<void> {
  screen.title('The run as a message-sequence chart');
  const events = mergeTraces(readTraces(record, cell.replicas.length));
  const first = events.findIndex((event) => event.kind === 'commit');
  expectTrue(first >= 0, 'the trace holds a commit');
  const { windows } = chart(events, { title: 'the guided tour' });
  for (const [i, { mermaid }] of windows.entries()) {
    writeFileSync(join(record, `tour-${String(i).padStart(3, '0')}.mmd`), mermaid);
  }
  const sample = asciiChart(events.slice(Math.max(0, first - 20), first + 1));
  for (const line of sample.split('\n').slice(0, LINES_SHOWN)) screen.say(line);
  screen.say(
    `${events.length} events in ${windows.length} charts: ${join(record, 'tour-000.mmd')}`,
  );
}
