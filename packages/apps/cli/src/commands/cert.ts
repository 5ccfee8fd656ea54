// `fatty cert`: certified answers, fetched and checked.
import { readFileSync, writeFileSync } from 'node:fs';
import { showPosition } from '@fatty/api';
import type { Client } from '@fatty/client';
import { asCellId, fromHex, fromUtf8 } from '@fatty/codec';
import { nodeScheme } from '@fatty/codec/node';
import type { Outcome } from '@fatty/interface';
import { loadCell } from '@fatty/node/settings';
import type { Cell } from '@fatty/protocol';
import {
  checkBundle,
  checkCertified,
  type Fact,
  isBundle,
  type NodeRecord,
  type ProofQuestion,
} from '@fatty/verify';
import { EXIT, ExitError, type Io } from '../terminal/io.ts';
import { formatOf, type Row, show } from '../terminal/output.ts';
import { type CellFlags, withClient } from './client.ts';
import { type Register, withCell } from './command.ts';
import { idOf } from './ids.ts';
import { isPath, targetOf } from './target.ts';

interface GetFlags extends CellFlags {
  readonly out?: string;
  readonly list?: boolean;
  readonly bundle?: boolean;
  readonly session?: string;
}

/** Writes a certified answer where `--out` says. */
export function writeProof(out: string, proof: Uint8Array): void {
  try {
    writeFileSync(out, proof);
  } catch (error) {
    throw new ExitError(EXIT.usage, `--out: ${String(error)}`);
  }
}

function questionOf(path: string, { list, session }: GetFlags): ProofQuestion {
  if (session !== undefined) {
    const id = idOf(session);
    if (id === undefined) throw new ExitError(EXIT.usage, '--session: expected 64 hex digits');
    return { kind: 'claim', path, session: id } as ProofQuestion;
  }
  return list ? { kind: 'list', path, from: 0, bytesMax: 256 * 1024 } : { kind: 'node', path };
}

async function get(path: string, flags: GetFlags, io: Io): Promise<number> {
  const { out } = flags;
  if (out === undefined) throw new ExitError(EXIT.usage, '--out: expected a new file');
  const question = questionOf(path, flags);
  const { fact, proof } = await withClient(flags, io, (client: Client) =>
    client.prove(question, { bundle: flags.bundle === true }),
  );
  writeProof(out, proof);
  show(io, formatOf(flags.output), rowOf(fact));
  return EXIT.done;
}

/** Offline: a file of the cell, and nobody of the cell, is asked. */
function verify(path: string, flags: CellFlags, io: Io): Promise<number> {
  const format = formatOf(flags.output);
  const fact = factOf(bytesOf(path), flags, io);
  if (!fact.ok) {
    show(io, format, { verdict: 'refused', ...fact.failure });
    return Promise.resolve(EXIT.refused);
  }
  show(io, format, { verdict: 'certified', ...rowOf(fact.value) });
  return Promise.resolve(EXIT.done);
}

/** A bundle needs the cell id alone; of a certificate without links the committee of the cell's file decides. */
function factOf(bytes: Uint8Array, flags: CellFlags, io: Io): Outcome<Fact> {
  const scheme = nodeScheme();
  const wanted = typeof flags.cellId === 'string' ? fromHex(flags.cellId) : undefined;
  if (isBundle(bytes) && wanted !== undefined) {
    return checkBundle({ cellId: asCellId(wanted), scheme }, bytes);
  }
  const { committee, cellId } = cellOf(flags, io);
  if (isBundle(bytes)) return checkBundle({ cellId, scheme }, bytes);
  return checkCertified({ genesis: committee, links: [], cellId, scheme }, bytes);
}

function cellOf(flags: CellFlags, io: Io): Cell {
  const { source } = targetOf(flags, io);
  if (!isPath(source)) {
    throw new ExitError(EXIT.usage, '--cell: expected the path of a cell.json');
  }
  const cell = loadCell(source);
  if (!cell.ok) throw refusal(EXIT.usage, cell.failure);
  return cell.value;
}

function refusal(
  exitCode: number,
  { code, expected, actual }: { code: string; expected: string; actual: string },
): ExitError {
  return new ExitError(exitCode, `${code}: expected ${expected}, got ${actual}`);
}

function bytesOf(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new ExitError(EXIT.usage, `unreadable: ${String(error)}`);
  }
}

/** What is proved, and of when. */
function rowOf(fact: Fact): Row {
  const { commit, commitTs, epoch } = fact.head;
  const when = { commit, epoch, time: new Date(commitTs).toISOString() };
  switch (fact.kind) {
    case 'node':
      return { about: 'node', path: fact.path, ...nodeRow(fact.node), ...when };
    case 'list': {
      const names = fact.children.map(({ name }) => fromUtf8(name) ?? name);
      const { from, total } = fact;
      return {
        about: 'list',
        path: fact.path,
        is: fact.node?.body.kind ?? 'nothing',
        from,
        total,
        names,
        ...when,
      };
    }
    case 'claim':
      return { about: 'claim', path: fact.path, session: fact.session, ...claimRow(fact), ...when };
    case 'receipts':
      return {
        about: 'receipts',
        session: fact.session,
        seq: fact.seq,
        kept: fact.kept,
        ...when,
      };
  }
}

function nodeRow(node: NodeRecord | undefined): Row {
  if (node === undefined) return { is: 'nothing' };
  const { kind, slot, contentGen, siblings } = node.body;
  const contents = siblings.map(({ checksum, size }) => ({ sha256: checksum, bytes: size }));
  const generation = contentGen === undefined ? undefined : showPosition(contentGen);
  return {
    is: slot === 'none' ? kind : slot,
    generation,
    contents,
    children: node.children?.count ?? 0,
  };
}

function claimRow({ claim }: Extract<Fact, { kind: 'claim' }>): Row {
  if (claim === undefined) return { is: 'neither holder nor waiter' };
  const { held, mode, position } = claim.record;
  const { client, expiry } = claim.session;
  const generation = showPosition(position);
  return { is: held ? 'holder' : 'waiter', mode, generation, client, leaseExpiry: expiry };
}

/** Certified answers: fetched from one replica, checked offline. */
export const registerCert: Register = ({ cli, io, run }) => {
  withCell(
    cli.command(
      'cert <action> [subject]',
      'get PATH, or verify FILE: answers that prove themselves',
    ),
  )
    .option('--out <file>', 'get: where the certified answer goes')
    .option(
      '--bundle',
      'get: with the links to the epoch of the answer, for who knows the cell id alone',
    )
    .option('--list', 'get: of the children of a directory, as many as one page holds')
    .option('--session <id>', 'get: of what this session has to do with the lock')
    .example('fatty cert verify grant.cert --cell cell.json')
    .action(
      run((action: string, subject: string | undefined, flags: GetFlags) => {
        if (subject === undefined)
          throw new ExitError(EXIT.usage, `cert ${action}: expected PATH or FILE`);
        if (action === 'get') return get(subject, flags, io);
        if (action === 'verify') return verify(subject, flags, io);
        throw new ExitError(EXIT.usage, `cert: expected get or verify, got ${action}`);
      }),
    );
};
