// `fatty evidence`: what replicas have against members, checked here.
import { checkAccusation, openAccusation } from '@fatty/broadcast';
import { fromHex, toHex } from '@fatty/codec';
import { nodeScheme } from '@fatty/codec/node';
import type { Cell } from '@fatty/protocol';
import { EXIT, ExitError, type Io } from '../terminal/io.ts';
import { formatOf, json, type Row, show } from '../terminal/output.ts';
import { type CellFlags, milliseconds, withClient } from './client.ts';
import { type Register, withCell } from './command.ts';

/** What one replica shows. */
export interface Shown {
  readonly replica: number;
  /** Undefined: its HTTP port does not answer here. */
  readonly evidence: readonly string[] | undefined;
}

/** One piece of evidence, whoever showed it. */
export interface Judged {
  /** Committee index of the member that it convicts; undefined: nobody. */
  readonly member: number | undefined;
  /** What the member has signed, or why this convicts nobody. */
  readonly why: string;
  readonly shownBy: readonly number[];
  /** Hex. */
  readonly evidence: string;
}

/** Nobody has to believe a replica: each piece is held against the committee here. Of equal ones one is told. */
export function judge(
  cell: Pick<Cell, 'committee' | 'cellId'>,
  shown: readonly Shown[],
): readonly Judged[] {
  const shownBy = new Map<string, number[]>();
  for (const { replica, evidence = [] } of shown) {
    for (const one of evidence) shownBy.set(one, [...(shownBy.get(one) ?? []), replica]);
  }
  return [...shownBy]
    .map(([evidence, by]) => ({ ...verdictOn(cell, evidence), shownBy: by, evidence }))
    .sort((a, b) => (a.member ?? Infinity) - (b.member ?? Infinity));
}

function verdictOn(
  { committee, cellId }: Pick<Cell, 'committee' | 'cellId'>,
  evidence: string,
): Pick<Judged, 'member' | 'why'> {
  const bytes = fromHex(evidence);
  if (bytes === undefined) return { member: undefined, why: 'no hex' };
  const accusation = openAccusation(bytes);
  if (!accusation.ok) return { member: undefined, why: accusation.failure.code };
  // Whoever lacks the end of the epoch before would take an honest first block for a false one.
  if (committee.epoch > 0)
    return { member: undefined, why: `of epoch ${committee.epoch}: not checked here` };
  const scheme = nodeScheme();
  const convicted = checkAccusation({ committee, cellId, scheme }, accusation.value);
  if (!convicted.ok) return { member: undefined, why: convicted.failure.code };
  return { member: convicted.value, why: WHY[accusation.value.kind] };
}

const WHY = {
  blocks: 'blocks that no honest member signs',
  votes: 'votes that no honest member signs',
} as const;

const ANSWER_MS_MAX = 2_000;

/** What a replica's /status shows as evidence; undefined when there is no such page. */
async function shownAt(http: string, waitMs: number): Promise<readonly string[] | undefined> {
  try {
    const page = await fetch(new URL('/status', http), { signal: AbortSignal.timeout(waitMs) });
    const { evidence } = (await page.json()) as { readonly evidence?: unknown };
    if (!Array.isArray(evidence)) return undefined;
    return evidence.flatMap((one: { evidence?: unknown } | null) =>
      typeof one?.evidence === 'string' ? [one.evidence] : [],
    );
  } catch {
    return undefined;
  }
}

/** Exit 1 when no replica's page answers. */
async function evidence(flags: CellFlags, io: Io): Promise<number> {
  const format = formatOf(flags.output);
  const waitMs =
    flags.timeout === undefined ? ANSWER_MS_MAX : milliseconds('--timeout', flags.timeout);
  return withClient(flags, io, async ({ cell }) => {
    const { members } = cell.committee;
    const shown = await Promise.all(
      cell.addresses.map(async ({ key, http }): Promise<Shown> => {
        const replica = members.findIndex((member) => toHex(member) === toHex(key));
        return { replica, evidence: await shownAt(http, waitMs) };
      }),
    );
    if (shown.every((one) => one.evidence === undefined)) {
      const expected = 'run this on a machine of a replica: pages of state are on loopback alone';
      throw new ExitError(EXIT.refused, `no replica shows its state here; ${expected}`);
    }
    const rows = judge(cell, shown).map(({ member, ...rest }): Row => {
      const key = member === undefined ? undefined : members[member];
      return { member, key: key && toHex(key), ...rest };
    });
    if (format === 'json') for (const row of rows) io.out(`${json(row)}\n`);
    else if (rows.length === 0) io.out('no evidence against anybody\n');
    else
      show(
        io,
        format,
        rows.map(({ evidence: bytes, ...row }) => ({ ...row, bytes: String(bytes).length / 2 })),
      );
    return EXIT.done;
  });
}

/** evidence. */
export const registerEvidence: Register = ({ cli, io, run }) => {
  withCell(
    cli.command(
      'evidence',
      'Show what convicts members of lying, as their replicas have it, checked here',
    ),
  ).action(run((flags: CellFlags) => evidence(flags, io)));
};
