// Tour (g): the run as a sequence chart.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asciiChart, chart, mergeTraces, preparedRun, shownBy, svgChart } from '@fatty/msc';
import { expectTrue } from './screen.ts';
import type { Stage } from './stage.ts';
import { readTraces } from './traces.ts';

const ROWS_SHOWN = 14;

/** What happened, as a sequence chart. */
export async function charts({ cell, record, screen }: Stage): Promise<void> {
  screen.title('The run as a message-sequence chart');
  const events = preparedRun(mergeTraces(readTraces(record, cell.replicas.length)));
  expectTrue(
    events.some((event) => event.kind === 'commit'),
    'the trace holds a commit',
  );
  const filter = shownBy({ brief: true });
  const { windows } = chart(events, { title: 'the guided tour', filter });
  for (const [i, { mermaid }] of windows.entries()) {
    writeFileSync(join(record, `tour-${String(i).padStart(3, '0')}.mmd`), mermaid);
  }
  const picture = join(record, 'tour.svg');
  writeFileSync(picture, svgChart(events, { title: 'the guided tour', filter }).svg);
  const sample = asciiChart(events, { filter, rowsMax: ROWS_SHOWN }).trimEnd();
  for (const line of sample.split('\n')) screen.say(line);
  screen.say(
    `${events.length} events in ${windows.length} charts: ${join(record, 'tour-000.mmd')}`,
  );
  screen.say(`and all of them at a glance: ${picture}`);
}
