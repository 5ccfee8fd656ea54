// What `fatty explain` does. It brings the simulator along, so it is loaded when it is asked for.
import { existsSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { nodeScheme } from '@fatty/codec/node';
import type { TraceEvent } from '@fatty/interface';
import { type Story, shownBy, storyOf } from '@fatty/msc';
import {
  type Counterexample,
  type Plan,
  runNet,
  useRealScheme,
  type Violation,
} from '@fatty/testnet';
import { EXIT, ExitError, type Io, wholeNumber } from '../terminal/io.ts';
import { formatOf, json, printable } from '../terminal/output.ts';
import { chartFormat, drawRun } from './chart-draw.ts';
import { isWorld } from './chart-runs.ts';
import { planWords } from './explain-plan.ts';
import { sentenceOf } from './explain-rules.ts';
import { netOf } from './named-nets.ts';
import { readText } from './program.ts';
import { loadWorld, playWorld, type World } from './world.ts';

/** As they were given. */
export interface ExplainFlags {
  readonly seed?: string | number;
  readonly runs?: string | number;
  readonly net?: string;
  readonly out?: string;
  readonly as?: string;
  readonly output?: string;
}

/** A failed world, told. */
interface Explanation {
  readonly world: World;
  readonly violation: Violation;
  /** How many rules were broken in all. */
  readonly violations: number;
  readonly story: Story;
  readonly chart: string;
}

/** A file of a world, as it is; else the worlds of a net from a seed on, of which the first that fails is shrunk. */
async function worldOf(
  what: string,
  flags: ExplainFlags,
  io: Io,
): Promise<{ readonly world: World; readonly once: Counterexample['violations'] } | undefined> {
  if (existsSync(what)) {
    const text = readText(what);
    if (isWorld(text)) {
      const { violations } = JSON.parse(text) as Partial<Counterexample>;
      return { world: await loadWorld(what, text, flags.net), once: violations ?? [] };
    }
    if (what.endsWith('.json')) {
      throw new ExitError(EXIT.usage, `${what}: expected a world, JSON with net and plan`);
    }
  }
  const net = await netOf(what);
  const seed = wholeNumber('--seed', flags.seed ?? 1);
  const runs = wholeNumber('--runs', flags.runs ?? 1, { min: 1 });
  useRealScheme(nodeScheme());
  const onFailure = (): void => io.err('fatty: a world breaks a rule; looking for the smallest\n');
  const { failure } = runNet(net, { seed, runs, onFailure });
  return failure && { world: { net, plan: failure.plan }, once: [] };
}

const wordsOf = ({ rule, expected, actual }: Violation): string =>
  `${rule}: ${expected}, ${actual}`;

/** The event that tells of this violation, and where in time it belongs. */
function endOf(run: readonly TraceEvent[], { rule, expected, actual }: Violation): TraceEvent {
  const told = `expected ${expected}, got ${actual}`;
  const isIt = ({ kind, label }: TraceEvent): boolean =>
    kind === 'broken' && label.startsWith(rule) && label.endsWith(told);
  const end = run.find(isIt) ?? run.find(({ kind }) => kind === 'broken') ?? run.at(-1);
  if (end === undefined) throw new ExitError(EXIT.refused, 'a world in which nothing happened');
  return end;
}

function chartPath(what: string, { out }: ExplainFlags): string {
  if (out !== undefined) return out;
  const name = basename(what).replace(/\.[cm]?[jt]s(on)?$/, '');
  return `${name}-explained.svg`;
}

/** Tells a failed world. */
export async function explain(what: string, flags: ExplainFlags, io: Io): Promise<number> {
  const format = formatOf(flags.output);
  const path = chartPath(what, flags);
  const as = chartFormat(flags.as, path, 'svg');
  const found = await worldOf(what, flags, io);
  if (found === undefined) return nothing(what, flags, io);
  const { world, once } = found;
  const { run, violations, title } = playWorld(world);
  const [violation] = violations;
  if (violation === undefined) return holdsToday(what, once, io, format === 'json');
  const end = endOf(run, violation);
  const ofNobody = violation.replica < 0 || violation.rule.startsWith('L');
  const story = storyOf(run, { end, words: wordsOf(violation), ofNobody });
  const told = new Set(story.lines.flatMap(({ events }) => events));
  const isBrief = shownBy({ brief: true });
  const filter = (event: TraceEvent): boolean => told.has(event) || isBrief(event);
  const lit = { op: { client: '', kind: '' }, events: [...told], answer: undefined };
  const options = { title: `${title}: ${violation.rule}`, filter, atBroken: true, story: lit };
  writeFileSync(path, drawRun(run, as, options).text);
  const violationsCount = violations.length;
  const all = { world, violation, violations: violationsCount, story, chart: path };
  io.out(format === 'json' ? `${json(dataOf(all))}\n` : inWords(all));
  return EXIT.refused;
}

function nothing(what: string, { seed = 1, runs = 1 }: ExplainFlags, io: Io): number {
  const many = Number(runs) === 1 ? 'the world' : `${runs} worlds`;
  io.out(`${what}: ${many} of seed ${seed} broke nothing, so there is nothing to explain.\n`);
  return EXIT.done;
}

/** A world that failed once, and does no more. */
function holdsToday(
  what: string,
  once: Counterexample['violations'],
  io: Io,
  isJson: boolean,
): number {
  const [first] = once;
  if (isJson) {
    io.out(`${json({ verdict: 'holds', once: first ?? null })}\n`);
    return EXIT.done;
  }
  io.out(`${what}: this world breaks nothing today.\n`);
  if (first !== undefined) {
    const { rule, expected, actual } = first;
    io.out(`It once broke ${rule}: ${sentenceOf(rule)}\n`);
    io.out(`  expected  ${shortened(expected)}\n  got       ${shortened(actual)}\n`);
  }
  return EXIT.done;
}

/** Digests by their beginnings, as charts name them; what is very long by its beginning. */
export function shortened(text: string): string {
  const short = text.replace(/\b([0-9a-f]{8})[0-9a-f]{16,}\b/g, '$1…');
  const points = Array.from(short);
  return printable(points.length > WORDS_MAX ? `${points.slice(0, WORDS_MAX).join('')}…` : short);
}

const WORDS_MAX = 240;

const secondsOf = (ms: number): string => `${Math.round(ms * 10) / 10} ms`;

function worldWords({ net, plan }: World): string {
  const signatures = plan.signatures ? ', real signatures' : '';
  const counted = (many: number, one: string): string => `${many} ${one}${many === 1 ? '' : 's'}`;
  const clients = counted(plan.clients, 'client');
  const ops = counted(plan.ops.length, 'op');
  return `${net.name}, seed ${plan.seed}: ${plan.replicas} replicas, ${clients}, ${ops}${signatures}`;
}

function inWords({ world, violation, violations, story, chart }: Explanation): string {
  const { rule, expected, actual, replica } = violation;
  const at = story.lines.at(-1)?.atMs ?? 0;
  const where = replica < 0 ? '' : ` at r${replica}`;
  const more = violations > 1 ? [`  (and ${violations - 1} more after it)`] : [];
  const plan = planWords(world.plan);
  const width = Math.max(...story.lines.map(({ atMs }) => secondsOf(atMs).length));
  return `${[
    `${rule} is broken${where}, ${secondsOf(at)} after the start.`,
    `  ${sentenceOf(rule)}`,
    `  expected  ${shortened(expected)}`,
    `  got       ${shortened(actual)}`,
    ...more,
    '',
    `The world: ${worldWords(world)}`,
    ...(plan.length === 0 ? ['nobody lies, and nothing goes wrong'] : plan).map(
      (one) => `  ${one}`,
    ),
    '',
    `The story: ${story.lines.length} lines out of ${story.past} events that can have led there, of ${story.events}`,
    ...story.lines.map(
      ({ atMs, text }) => `  ${secondsOf(atMs).padStart(width)}  ${shortened(text)}`,
    ),
    '',
    `The chart: ${chart}`,
  ].join('\n')}\n`;
}

function dataOf({ world, violation, violations, story, chart }: Explanation): object {
  const { net, plan }: { readonly net: World['net']; readonly plan: Plan } = world;
  return {
    verdict: 'broken',
    violation,
    invariant: sentenceOf(violation.rule),
    violations,
    net: net.name,
    world: planWords(plan),
    plan,
    story: story.lines.map(({ atMs, text }) => ({ atMs, text })),
    past: story.past,
    events: story.events,
    chart,
  };
}
