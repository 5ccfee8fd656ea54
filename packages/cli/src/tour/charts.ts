import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asciiChart, chart, mergeTraces } from '@fatty/msc';
import { expectTrue } from './screen.ts';
import type { Stage } from './stage.ts';
import { readTraces } from './traces.ts';

const LINES_SHOWN = 14;

/** What happened, as a sequence chart. */
export async function charts({ cell, record, screen }: Stage): Promise<void> {
  screen.title('The run as a message-sequence chart');
  const events = mergeTraces(readTraces(record, cell.replicas.length));
  expectTrue(
    events.some((event) => event.kind === 'commit'),
    'the trace holds a commit',
  );
  const { windows } = chart(events, { title: 'the guided tour' });
  for (const [i, { mermaid }] of windows.entries()) {
    writeFileSync(join(record, `tour-${String(i).padStart(3, '0')}.mmd`), mermaid);
  }
  // Without the notes of acceptance: each arrow that arrives was accepted.
  const spoken = events.filter((event) => event.kind !== 'note');
  const until = spoken.findIndex((event) => event.kind === 'commit');
  const sample = asciiChart(spoken.slice(0, until + 1)).trimEnd();
  const lines = sample.split('\n');
  for (const line of [lines[0] ?? '', ...lines.slice(-LINES_SHOWN)]) screen.say(line);
  screen.say(
    `${events.length} events in ${windows.length} charts: ${join(record, 'tour-000.mmd')}`,
  );
}
