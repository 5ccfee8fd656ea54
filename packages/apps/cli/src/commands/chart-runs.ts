// Reads runs: recordings, and worlds that are played again.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { TraceEvent } from '@fatty/interface';
import { findBroken, mergeTraces, preparedRun, readTrace } from '@fatty/msc';
import { EXIT, ExitError, type Io } from '../terminal/io.ts';
import { readText } from './program.ts';

/** A run, and what it is called. */
export interface Run {
  readonly events: readonly TraceEvent[];
  readonly title: string | undefined;
}

/** A world in a file, as a failing net leaves it: JSON with `net` and `plan`. */
export function isWorld(text: string): boolean {
  if (!text.trimStart().startsWith('{')) return false;
  try {
    const value = JSON.parse(text) as { readonly net?: unknown; readonly plan?: unknown };
    return typeof value.net === 'string' && typeof value.plan === 'object' && value.plan !== null;
  } catch {
    // Several lines of JSON are a recording.
    return false;
  }
}

function tellBadLines(file: string, [first, ...more]: readonly number[], io: Io): void {
  if (first === undefined) return;
  const others = more.length === 0 ? '' : `, nor do ${more.length} more`;
  io.err(`fatty: ${file}: line ${first} holds no event${others}\n`);
}

/** The recordings in a folder, in the order of their names; a file is itself. @throws ExitError, exit code 2 */
function filesOf(path: string): readonly string[] {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return [path];
  const names = readdirSync(path).filter((name) => name.endsWith('.jsonl'));
  if (names.length > 0) return names.sort().map((name) => join(path, name));
  throw new ExitError(EXIT.usage, `${path}: expected recordings (*.jsonl), got none`);
}

/** Events of all files on one clock, with a mark where they contradict each other. */
function readTraces(files: readonly (readonly [string, string])[], io: Io): readonly TraceEvent[] {
  const traces = files.map(([file, text]) => {
    const { events, badLines } = readTrace(text);
    tellBadLines(file, badLines, io);
    return events;
  });
  const events = mergeTraces(traces);
  if (events.length === 0) throw new ExitError(EXIT.usage, 'no events in these files');
  return findBroken(preparedRun(events));
}

/** The run of recordings (files, or folders of them), or of one world's file. @throws ExitError, exit code 2 */
export async function readRun(
  files: readonly string[],
  net: string | undefined,
  io: Io,
): Promise<Run> {
  const texts = files.flatMap(filesOf).map((file) => [file, readText(file)] as const);
  const worlds = texts.filter(([, text]) => isWorld(text));
  const [world] = worlds;
  if (world === undefined) return { events: readTraces(texts, io), title: undefined };
  if (texts.length > 1) {
    throw new ExitError(EXIT.usage, `expected recordings or one world, got ${world[0]} and others`);
  }
  // It brings the simulator along.
  const { loadWorld, playWorld } = await import('./world.ts');
  const played = playWorld(await loadWorld(...world, net));
  return { events: played.run, title: played.title };
}
