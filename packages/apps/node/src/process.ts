// A replica's process: signals, launcher, exit code.
import { parseArgs } from 'node:util';
import type { Failure } from '@fatty/interface';
import { addressesToJson } from '@fatty/protocol';
import { pino } from 'pino';
import { loadConfig, type NodeConfig, OPTIONS, type OptionName } from './config.ts';
import { lastWords } from './full-disk.ts';
import { type RunningNode, type RunOptions, runNode } from './run.ts';

/** Exit codes of a replica process. */
export const EXIT = { clean: 0, failed: 1, badConfig: 2 } as const;

function die(failure: Failure, code: number): never {
  process.stderr.write(`${failure.code}: expected ${failure.expected}, got ${failure.actual}\n`);
  process.exit(code);
}

/** `--insecure` alone says true. */
function typeOf(name: string): 'boolean' | 'string' {
  return typeof OPTIONS[name as OptionName].fallback === 'boolean' ? 'boolean' : 'string';
}

function readFlags(argv: readonly string[]): Record<string, unknown> {
  const names = Object.keys(OPTIONS).map((name) => [name, { type: typeOf(name) }]);
  const options = { ...Object.fromEntries(names), 'print-config': { type: 'boolean' as const } };
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: false }).values;
  } catch (error) {
    return die(
      { code: 'bad_config', expected: '--name value', actual: String(error) },
      EXIT.badConfig,
    );
  }
}

/** Tells the launcher where we are, and hears of new addresses. */
function attach(node: RunningNode, config: NodeConfig): void {
  process.on('message', (message: { kind?: string } | null) => {
    if (message?.kind === 'cell') node.reload(config);
  });
  process.send?.({ kind: 'ready', addresses: addressesToJson(node.addresses) });
}

/** SIGHUP: settings that can change at work are read again. Before there is a node it means nothing. */
class Reloading {
  #node: RunningNode | undefined;

  constructor(flags: Record<string, unknown>) {
    process.on('SIGHUP', () => {
      const config = loadConfig(flags, process.env);
      if (config.ok) this.#node?.reload(config.value);
      else this.#node?.complain(config.failure);
    });
  }

  ready(node: RunningNode): void {
    this.#node = node;
  }
}

/** Tells a launcher that has asked, with `{kind: 'progress'}`, how far the replay is. */
function replayTeller(): (records: number) => void {
  let asked = false;
  process.on('message', (message: { kind?: string } | null) => {
    asked ||= message?.kind === 'progress';
  });
  return (records) => {
    if (asked) process.send?.({ kind: 'replaying', records });
  };
}

/**
 * Ends the process on SIGTERM, on SIGINT (left to the launcher where there is one) and with the
 * launcher. Listens from the first moment: a launcher can die while we replay. What is on disk is
 * good at any time, so before `ready` there is nothing to wait for.
 */
class Ending {
  readonly #onFatal: (error: Error) => void;
  #node: RunningNode | undefined;
  #begun = false;

  constructor(onFatal: (error: Error) => void) {
    this.#onFatal = onFatal;
    const launched = process.channel !== undefined && process.channel !== null;
    const end = (): void => this.#end();
    process.on('SIGTERM', end);
    process.on('disconnect', end);
    process.on('SIGINT', launched ? () => undefined : end);
  }

  ready(node: RunningNode): void {
    this.#node = node;
  }

  #end(): void {
    if (this.#begun) return;
    this.#begun = true;
    const closed = this.#node?.close() ?? Promise.resolve();
    closed.then(() => process.exit(EXIT.clean), this.#onFatal);
  }
}

/** What nobody caught breaks an invariant somewhere: logged, and the end, as in the driver. */
function onAnythingElse({ logLevel }: NodeConfig, onFatal: (error: Error) => void): void {
  const log = pino({ level: logLevel, base: {} });
  process.on('uncaughtException', (error, origin) => {
    try {
      log.fatal({ err: error }, origin);
    } finally {
      onFatal(error);
    }
  });
}

/**
 * A replica as a process of its own: `--dir DIR/replica-i` and the options of the reference.
 * SIGTERM shuts down cleanly. Under a launcher (IPC channel) SIGINT is left to it.
 */
export async function main(
  argv: readonly string[],
  options: Partial<RunOptions> = {},
): Promise<void> {
  const { 'print-config': print, ...flags } = readFlags(argv);
  const config = loadConfig(flags, process.env);
  if (!config.ok) return die(config.failure, EXIT.badConfig);
  if (print) {
    process.stdout.write(`${JSON.stringify(config.value, null, 2)}\n`);
    return;
  }
  const onFatal = (error: Error): void => {
    process.stderr.write(`fatal: ${lastWords(config.value.dir, error)}\n`);
    process.exit(EXIT.failed);
  };
  onAnythingElse(config.value, onFatal);
  const ending = new Ending(onFatal);
  const reloading = new Reloading(flags);
  const onReplay = replayTeller();
  const node = await runNode(config.value, { onFatal, onReplay, ...options });
  if (!node.ok) return die(node.failure, EXIT.failed);
  ending.ready(node.value);
  reloading.ready(node.value);
  attach(node.value, config.value);
}
