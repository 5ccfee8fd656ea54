// What every command is made of.
import type { CAC, Command } from 'cac';
import type { Io } from '../terminal/io.ts';

/** Puts commands on the command line. `run` wraps an action: its exit code is the process's. */
export interface Shell {
  readonly cli: CAC;
  readonly io: Io;
  run<A extends readonly unknown[]>(action: (...args: A) => Promise<number>): (...args: A) => void;
}

/** Puts its commands on the command line. */
export type Register = (shell: Shell) => void;

/** The options of every command that talks to a cell. */
export function withCell(command: Command): Command {
  return withFormat(command)
    .option(
      '--cell <file>',
      'cell.json, or URLs of replicas [FATTY_CELL, the context in use, ./cell.json, ./fatty-cell/cell.json]',
    )
    .option('--cell-id <hex>', 'which cell to believe; needed with URLs [FATTY_CELL_ID]')
    .option('--context <name>', 'a cell by the name that "fatty context" gave it [FATTY_CONTEXT]')
    .option('--key <file>', 'client key, PKCS#8 PEM [FATTY_KEY]; default: a fresh one per run')
    .option('--insecure', 'take plain ws beyond this machine [FATTY_INSECURE=true]')
    .option('--timeout <ms>', 'give up after this long; default 30000');
}

/** The option of every command that prints. */
export function withFormat(command: Command): Command {
  return command.option('-o, --output <format>', 'table or json', { default: 'table' });
}
