// Worlds of nets, played again for a chart or an explanation. It brings the simulator along.
import { nodeScheme } from '@fatty/codec/node';
import type { TraceEvent } from '@fatty/interface';
import { preparedRun } from '@fatty/msc';
import { type AnyNet, type Plan, runPlan, useRealScheme, type Violation } from '@fatty/testnet';
import { EXIT, ExitError } from '../terminal/io.ts';
import { netOf } from './named-nets.ts';

/** A world that can be played. */
export interface World {
  readonly net: AnyNet;
  readonly plan: Plan;
}

/** What came of it. */
export interface Played {
  readonly title: string;
  readonly run: readonly TraceEvent[];
  readonly violations: readonly Violation[];
}

/** The world of a file; `net` names its net where that is in a module. @throws ExitError, exit code 2 */
export async function loadWorld(
  file: string,
  text: string,
  net: string | undefined,
): Promise<World> {
  const { net: name, plan } = JSON.parse(text) as { readonly net: string; readonly plan: Plan };
  try {
    return { net: await netOf(net ?? name), plan };
  } catch (error) {
    if (net !== undefined || !(error instanceof ExitError)) throw error;
    throw new ExitError(
      EXIT.usage,
      `${file}: ${error.message}; --net ./mine.js names one in a module`,
    );
  }
}

/** Plays a world, and records it. @throws ExitError, exit code 2, for a plan that is none */
export function playWorld({ net, plan }: World): Played {
  // The platform's hash and signatures: the same answers, sooner.
  useRealScheme(nodeScheme());
  const events: TraceEvent[] = [];
  try {
    const { violations } = runPlan(net, plan, { trace: (event) => void events.push(event) });
    const title = `${net.name}, the world of seed ${plan.seed}`;
    return { title, run: preparedRun(events), violations };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ExitError(EXIT.usage, `a world that cannot be played: ${why}`);
  }
}
