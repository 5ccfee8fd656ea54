// `fatty doctor`: what a replica needs of its host, and of the others.
import { resolve } from 'node:path';
import type { Finding, Verdict } from '@fatty/node';
import { loadConfig } from '@fatty/node/settings';
import { EXIT, ExitError, type Io } from '../terminal/io.ts';
import { formatOf, json, printable } from '../terminal/output.ts';
import { type Register, withFormat } from './command.ts';

interface Flags {
  readonly dir?: string;
  readonly output?: string;
}

const SIGNS: Readonly<Record<Verdict, string>> = { good: '+', warning: '!', bad: '-' };

function line({ name, verdict, detail, advice }: Finding): string {
  const first = `[${SIGNS[verdict]}] ${name}: ${printable(detail)}\n`;
  return advice === undefined ? first : `${first}    ${printable(advice)}\n`;
}

/** Exit 1 when something is bad; warnings are none. */
async function doctor(flags: Flags, io: Io): Promise<number> {
  const format = formatOf(flags.output);
  if (flags.dir === undefined) {
    throw new ExitError(EXIT.usage, "--dir: expected a replica's folder, got nothing");
  }
  const config = loadConfig({ dir: resolve(flags.dir) }, io.env);
  if (!config.ok) {
    const { code, expected, actual } = config.failure;
    throw new ExitError(EXIT.usage, `${code}: expected ${expected}, got ${actual}`);
  }
  // It brings all of a replica along.
  const { examine, verdictOf } = await import('@fatty/node');
  const findings = await examine(config.value);
  io.out(
    format === 'json'
      ? findings.map((one) => `${json(one)}\n`).join('')
      : findings.map(line).join(''),
  );
  return verdictOf(findings) === 'bad' ? EXIT.refused : EXIT.done;
}

/** doctor. */
export const registerDoctor: Register = ({ cli, io, run }) => {
  withFormat(
    cli.command('doctor', 'Examine a host: clock, disk, key, certificate, ports, other members'),
  )
    .option('--dir <dir>', "a replica's folder; the replica may run meanwhile")
    .action(run((flags: Flags) => doctor(flags, io)));
};
