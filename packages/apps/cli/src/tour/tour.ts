// The guided tour.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCell } from '../cell/cell.ts';
import { untilToldToStop } from '../cell/ending.ts';
import { charts } from './charts.ts';
import { crash } from './crash.ts';
import { files } from './files.ts';
import { liar } from './liar.ts';
import { locks } from './locks.ts';
import { machine } from './machine.ts';
import { Screen } from './screen.ts';
import { openStage, type Stage } from './stage.ts';
import { worker } from './worker.ts';

/** How the tour ends. */
export interface TourOptions {
  /** True: end after the last step. False: keep the cell up until told to stop. */
  readonly once: boolean;
  /** When it is aborted nobody watches any more. */
  readonly outputFailed: AbortSignal;
}

const STEPS: readonly ((stage: Stage) => Promise<void>)[] = [
  files,
  locks,
  machine,
  worker,
  crash,
  liar,
  charts,
];

/** The guided tour: a throw-away cell, its main job on real input, faults and all. */
export async function tour({ once, outputFailed }: TourOptions): Promise<number> {
  const screen = new Screen();
  const told = Promise.race([untilToldToStop(), untilNobodyWatches(outputFailed)]);
  const record = mkdtempSync(join(tmpdir(), 'fatty-tour-'));
  screen.plain('Fatty: locks and leases for machines that do not trust each other.');
  screen.plain(`A tour of ${STEPS.length} steps, about half a minute; Ctrl-C ends it.`);
  const cell = await startCell({ record, logLevel: 'warn', stop: told });
  const pids = cell.replicas.map(({ process: { pid } }) => pid).join(', ');
  screen.plain(`A cell of 4 replicas is up (processes ${pids}); it stays correct while one lies.`);
  try {
    if (await walk({ cell, screen, record }, told)) return 1;
    screen.plain(`\nAll ${STEPS.length} steps passed in ${screen.seconds} s.`);
    if (!once) await keepUp(cell.cellPath, screen, told);
    return 0;
  } catch (error) {
    screen.plain(`\nThe tour failed: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  } finally {
    await cell.close();
  }
}

function untilNobodyWatches(outputFailed: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    const tell = (): void => resolve('nobody watches');
    outputFailed.addEventListener('abort', tell, { once: true });
    if (outputFailed.aborted) tell();
  });
}

/** Answers why it was broken off; the step at work then fails, with its clients closed. */
async function walk(
  parts: Pick<Stage, 'cell' | 'screen' | 'record'>,
  told: Promise<string>,
): Promise<string | undefined> {
  await using stage = await openStage(parts.cell, parts.screen, parts.record);
  const all = async (): Promise<undefined> => {
    for (const step of STEPS) await step(stage);
  };
  return await Promise.race([all(), told]);
}

async function keepUp(cellPath: string, screen: Screen, told: Promise<string>): Promise<void> {
  screen.plain('\nThe cell stays up. Three things to try, in another terminal:');
  screen.plain(`  npx fatty put /demo/hello world --cell ${cellPath}`);
  screen.plain(`  npx fatty lock /demo/master --cell ${cellPath} -- sleep 5`);
  screen.plain(`  npx fatty top --cell ${cellPath}`);
  screen.plain(
    'Ctrl-C here stops it and removes its data. A cell that stays is made by: npx fatty up',
  );
  await told;
}
