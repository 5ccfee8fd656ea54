import { parseArgs } from 'node:util';
import { toHex } from '@fatty/codec';
import type { Failure } from '@fatty/interface';
import { loadConfig, type NodeConfig, OPTIONS } from './config.ts';
import { loadCell } from './init.ts';
import { type RunningNode, type RunOptions, runNode } from './run.ts';

/** Exit codes of a replica process. */
export const EXIT = { clean: 0, failed: 1, badConfig: 2 } as const;

function die(failure: Failure, code: number): never {
  process.stderr.write(`${failure.code}: expected ${failure.expected}, got ${failure.actual}\n`);
  process.exit(code);
}

function readFlags(argv: readonly string[]): Record<string, unknown> {
  const names = Object.keys(OPTIONS).map((name) => [name, { type: 'string' as const }]);
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

/** Tells the launcher where we are, and obeys it: it dies, we die. */
function attach(node: RunningNode, config: NodeConfig): void {
  const { key, sig, ...urls } = node.addresses;
  process.on('message', (message: { kind?: string }) => {
    if (message.kind !== 'cell') return;
    const cell = loadCell(config.cell);
    if (cell.ok) node.update(cell.value);
  });
  process.send?.({ kind: 'ready', addresses: { ...urls, key: toHex(key), sig: toHex(sig) } });
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
    process.stderr.write(`fatal: ${error.message}\n`);
    process.exit(EXIT.failed);
  };
  const node = await runNode(config.value, { onFatal, ...options });
  if (!node.ok) return die(node.failure, EXIT.failed);
  let closing = false;
  const close = (): void => {
    if (closing) return;
    closing = true;
    void node.value.close().then(() => process.exit(EXIT.clean), onFatal);
  };
  process.on('SIGTERM', close);
  process.on('disconnect', close);
  process.on('SIGINT', process.channel ? () => undefined : close);
  attach(node.value, config.value);
}
