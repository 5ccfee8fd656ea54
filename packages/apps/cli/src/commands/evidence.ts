// `fatty evidence`: what replicas have against members, checked here.
import {
  type Accusation,
  accusationEpoch,
  checkAccusation,
  openAccusation,
} from '@fatty/broadcast';
import { equalBytes, fail, fromHex, toHex } from '@fatty/codec';
import { nodeScheme } from '@fatty/codec/node';
import type { Outcome } from '@fatty/interface';
import { type ChainRules, type Epoch, type EpochLink, followChain } from '@fatty/protocol';
import { EXIT, ExitError, type Io } from '../terminal/io.ts';
import { formatOf, json, type Row, show } from '../terminal/output.ts';
import { type CellFlags, milliseconds, withClient } from './client.ts';
import { type Register, withCell } from './command.ts';
import { statusPage } from './page.ts';
import { placesOf } from './places.ts';
import { isPath, targetOf } from './target.ts';
import { look } from './today.ts';

/** What one replica shows. */
export interface Shown {
  /** Its committee index today, or the beginning of its key where it is no member. */
  readonly replica: number | string;
  /** Undefined: its HTTP port does not answer here. */
  readonly evidence: readonly string[] | undefined;
}

/** One piece of evidence, whoever showed it. */
export interface Judged {
  /** As the accused has signed it; undefined: nobody can read it. */
  readonly epoch: number | undefined;
  /** Committee index in that epoch of the member that it convicts; undefined: nobody. */
  readonly member: number | undefined;
  /** Of that member, hex. */
  readonly key: string | undefined;
  /** What the member has signed, or why this convicts nobody. */
  readonly why: string;
  readonly shownBy: readonly (number | string)[];
  /** Hex. */
  readonly evidence: string;
}

/** What evidence is held against: a cell from its first members on, and how its epochs have ended. */
export interface JudgedBy extends Omit<ChainRules, 'scheme'> {
  /** Each held against the members before it, here. */
  readonly links: readonly EpochLink[];
  /**
   * Where the cell began is the word of a stranger, who could leave out that it was founded on another: whether a first
   * block of its first epoch is false nobody can say then.
   */
  readonly isBeginningUnknown?: boolean;
}

type Verdict = Pick<Judged, 'epoch' | 'member' | 'key' | 'why'>;

/**
 * Nobody has to believe a replica: each piece is held against the members of its epoch here, and who those were by
 * the links. Of equal ones one is told. The newest epoch first, and what convicts nobody last.
 */
export function judge(rules: JudgedBy, shown: readonly Shown[]): readonly Judged[] {
  const shownBy = new Map<string, (number | string)[]>();
  for (const { replica, evidence = [] } of shown) {
    for (const one of evidence) shownBy.set(one, [...(shownBy.get(one) ?? []), replica]);
  }
  return [...shownBy]
    .map(([evidence, by]) => ({ ...verdictOn(rules, evidence), shownBy: by, evidence }))
    .sort((a, b) => rank(a) - rank(b) || (b.epoch ?? 0) - (a.epoch ?? 0));
}

const rank = ({ member }: Verdict): number => (member === undefined ? 1 : 0);

function verdictOn(rules: JudgedBy, evidence: string): Verdict {
  const nobody = (why: string, epoch?: number): Verdict => {
    return { epoch, member: undefined, key: undefined, why };
  };
  const bytes = fromHex(evidence);
  if (bytes === undefined) return nobody('no hex');
  const accusation = openAccusation(bytes);
  if (!accusation.ok) return nobody(accusation.failure.code);
  const epoch = accusationEpoch(accusation.value);
  const at = epochAt(rules, epoch ?? -1);
  if (!at.ok) return nobody(at.failure.code, epoch);
  const { committee, origin } = at.value;
  if (rules.isBeginningUnknown && epoch === rules.genesis.epoch && isOneBlock(accusation.value)) {
    return nobody('not checked: give the path of a cell.json that you trust', epoch);
  }
  const { cellId } = rules;
  const by = { committee, origin, cellId, scheme: nodeScheme() };
  const convicted = checkAccusation(by, accusation.value);
  if (!convicted.ok) return nobody(convicted.failure.code, epoch);
  const member = convicted.value;
  const key = committee.members[member];
  return { epoch, member, key: key && toHex(key), why: WHY[accusation.value.kind] };
}

/** It is false by itself, and not by what else was signed. */
const isOneBlock = ({ kind, evidence }: Accusation): boolean =>
  kind === 'blocks' && equalBytes(evidence.a.header, evidence.b.header);

/** Codes: `needs_links`, those of `followChain`. */
function epochAt({ links, ...rules }: JudgedBy, epoch: number): Outcome<Epoch> {
  const steps = epoch - rules.genesis.epoch;
  if (steps < 0 || steps > links.length) {
    return fail('needs_links', `an epoch from ${rules.genesis.epoch} on`, `${epoch}`);
  }
  return followChain({ ...rules, scheme: nodeScheme() }, links.slice(0, steps));
}

const WHY = {
  blocks: 'blocks that no honest member signs',
  votes: 'votes that no honest member signs',
} as const;

const ANSWER_MS_MAX = 2_000;

/** What a replica's /status shows as evidence; undefined when there is no such page. */
async function shownAt(http: string, waitMs: number): Promise<readonly string[] | undefined> {
  const page = await statusPage(http, waitMs);
  if (!Array.isArray(page?.evidence)) return undefined;
  return page.evidence.flatMap((one: { evidence?: unknown } | null) =>
    typeof one?.evidence === 'string' ? [one.evidence] : [],
  );
}

/** Exit 1 when no replica's page answers. */
async function evidence(flags: CellFlags, io: Io): Promise<number> {
  const format = formatOf(flags.output);
  const waitMs =
    flags.timeout === undefined ? ANSWER_MS_MAX : milliseconds('--timeout', flags.timeout);
  const { source } = targetOf(flags, io);
  return withClient(flags, io, async (client) => {
    const { cell, members } = await look(client, ANSWER_MS_MAX / 2);
    const addresses = await placesOf(cell, waitMs);
    const shown = await Promise.all(
      addresses.map(async ({ key, http }): Promise<Shown> => {
        const name = toHex(key);
        const replica = members.find((member) => member.key === name)?.number;
        return { replica: replica ?? name.slice(0, 16), evidence: await shownAt(http, waitMs) };
      }),
    );
    if (shown.every((one) => one.evidence === undefined)) {
      const expected = 'run this on a machine of a replica: pages of state are on loopback alone';
      throw new ExitError(EXIT.refused, `no replica shows its state here; ${expected}`);
    }
    const { cellId, committee: genesis, founding } = client.cell;
    const { links } = client.followed;
    const isBeginningUnknown = !isPath(source);
    const rules = { cellId, genesis, founding, links, isBeginningUnknown };
    const rows = judge(rules, shown).map((one): Row => ({ ...one }));
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
