// `fatty key`: whose a client key is; another one in its place; none any more.

import type { KeyState } from '@fatty/client';
import { fromHex, toHex } from '@fatty/codec';
import type { PublicKey } from '@fatty/interface';
import { EXIT, ExitError, type Io } from '../terminal/io.ts';
import { formatOf, show } from '../terminal/output.ts';
import { type CellFlags, signerOf, withClient } from './client.ts';
import { type Register, withCell } from './command.ts';

/** @throws ExitError `usage` */
function keyOf(text: string | undefined): PublicKey {
  const key = fromHex(text ?? '');
  if (key?.length === 32) return key as PublicKey;
  throw new ExitError(EXIT.usage, `key: expected a key as 64 hex digits, got ${text ?? 'none'}`);
}

function tell(
  { identity, current, standing, isRevoked }: KeyState,
  flags: CellFlags,
  io: Io,
): number {
  const [name, acting] = [toHex(identity), isRevoked ? 'none' : toHex(current)];
  const format = formatOf(flags.output);
  if (format === 'json') show(io, format, { identity: name, acting, standing });
  else io.out(`identity ${name}\nacting   ${acting}\nthis key ${standing}\n`);
  return EXIT.done;
}

async function rotate(file: string | undefined, flags: CellFlags, io: Io): Promise<number> {
  if (flags.key === undefined)
    throw new ExitError(EXIT.usage, 'key rotate: expected --key, got none');
  const { signer: next } = signerOf(file);
  if (next === undefined) {
    throw new ExitError(EXIT.usage, 'key rotate: expected a file with the new key, got none');
  }
  return withClient(flags, io, async (client) => {
    await client.keys.rotate(next);
    return tell(await client.keys.stat(), flags, io);
  });
}

/** key show, rotate, revoke. */
export const registerKey: Register = ({ cli, io, run }) => {
  withCell(
    cli.command(
      'key <what> [...rest]',
      'Client keys: "key show [KEY]", "key rotate NEW.pem" of the one in --key, "key revoke KEY"',
    ),
  ).action(
    run(async (what: string, [arg]: readonly (string | undefined)[], flags: CellFlags) => {
      if (what === 'rotate') return rotate(arg, flags, io);
      if (what !== 'revoke' && what !== 'show') {
        throw new ExitError(EXIT.usage, `key: expected show, rotate or revoke, got ${what}`);
      }
      const key = what === 'show' && arg === undefined ? undefined : keyOf(arg);
      return withClient(flags, io, async (client) => {
        if (what === 'revoke' && key !== undefined) await client.keys.revoke(key);
        return tell(await client.keys.stat(key), flags, io);
      });
    }),
  );
};
