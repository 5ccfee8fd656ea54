// `fatty acl`: who may do what at a node.

import { showPosition } from '@fatty/api';
import type { AclListName, AclLists, AclValue } from '@fatty/client';
import { EXIT, ExitError, type Io } from '../terminal/io.ts';
import { formatOf, show } from '../terminal/output.ts';
import { type CellFlags, withClient } from './client.ts';
import { type Register, withCell } from './command.ts';
import { generationOf } from './files.ts';

interface AclFlags extends CellFlags {
  readonly read?: string | number;
  readonly write?: string | number;
  readonly change?: string | number;
  readonly generation?: string;
}

const LISTS: readonly AclListName[] = ['read', 'write', 'change'];

function listOf(text: string | undefined): AclListName {
  const list = LISTS.find((one) => one === text);
  if (list !== undefined) return list;
  throw new ExitError(EXIT.usage, `acl: expected a list: ${LISTS.join(', ')}, got ${text}`);
}

/** Names with commas between; `none` for an empty list. */
function namesOf(text: string): readonly string[] {
  return text === 'none' ? [] : text.split(',').filter((name) => name !== '');
}

function listsOf(flags: AclFlags): AclLists {
  const given = LISTS.flatMap((list) => {
    const names = flags[list];
    return names === undefined ? [] : [[list, namesOf(String(names))] as const];
  });
  if (given.length > 0) return Object.fromEntries(given);
  throw new ExitError(EXIT.usage, 'acl set: expected --read, --write or --change');
}

function tell(path: string, acl: AclValue, flags: AclFlags, io: Io): number {
  const format = formatOf(flags.output);
  const generation = showPosition(acl.generation);
  if (format === 'json') show(io, format, { path, ...acl, generation });
  else {
    for (const list of LISTS) io.out(`${list.padEnd(10)} ${acl[list].join(' ') || 'nobody'}\n`);
    io.out(`generation ${generation}\n`);
  }
  return EXIT.done;
}

async function change(
  what: 'grant' | 'revoke',
  path: string,
  [name, ...who]: readonly string[],
  flags: AclFlags,
  io: Io,
): Promise<number> {
  const list = listOf(name);
  if (who.length === 0) {
    const expected = 'anyone, group:NAME, or a key as 64 hex digits';
    throw new ExitError(EXIT.usage, `acl ${what}: expected ${expected}, got nobody`);
  }
  const acl = await withClient(flags, io, (client) => client.acl(path)[what](list, who));
  return tell(path, acl, flags, io);
}

async function set(path: string, flags: AclFlags, io: Io): Promise<number> {
  const lists = listsOf(flags);
  const generation = generationOf(flags.generation);
  const options = generation === undefined ? {} : { generation };
  const acl = await withClient(flags, io, (client) => client.acl(path).set(lists, options));
  return tell(path, acl, flags, io);
}

/** acl get, set, grant, revoke. */
export const registerAcl: Register = ({ cli, io, run }) => {
  withCell(
    cli.command(
      'acl <what> <path> [...rest]',
      'Who may do what: "acl get PATH", "acl set PATH --write …", "acl grant|revoke PATH LIST WHO…"',
    ),
  )
    .option(
      '--read <names>',
      'set: who may read; anyone, keys and group:NAME, commas between; none',
    )
    .option('--write <names>', 'set: who may write, lock, remove, and create below')
    .option('--change <names>', 'set: who may change these lists')
    .option('--generation <commit.index>', 'set: only over this generation')
    .action(
      run(async (what: string, path: string, rest: readonly string[], flags: AclFlags) => {
        if (what === 'grant' || what === 'revoke') return change(what, path, rest, flags, io);
        if (what === 'set') return set(path, flags, io);
        if (what !== 'get') {
          const expected = 'get, set, grant or revoke';
          throw new ExitError(EXIT.usage, `acl: expected ${expected}, got ${what}`);
        }
        const acl = await withClient(flags, io, (client) => client.acl(path).get());
        return tell(path, acl, flags, io);
      }),
    );
};
