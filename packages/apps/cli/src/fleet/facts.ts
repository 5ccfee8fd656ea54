// What must hold at the end of the demo, and the figures of its summary.
import { toHex } from '@fatty/codec';
import type { Audited } from './audit.ts';
import type { Hand } from './crew.ts';
import type { Told } from './messages.ts';

/** Something that must hold. */
export interface Fact {
  readonly what: string;
  readonly holds: boolean;
}

/** One thing that a process told. */
export interface Heard {
  readonly hand: Hand;
  readonly told: Told;
}

/** All that was seen of a fleet. */
export interface Story {
  readonly hands: readonly Hand[];
  readonly heard: readonly Heard[];
  readonly audited: readonly Audited[];
  readonly killedCoordinator: Hand | undefined;
  /** Whether the address that the master's machine shows leads to who holds the lock. */
  readonly foundMaster: boolean;
}

/** Figures of the summary. */
export interface Counts {
  readonly jobs: number;
  readonly proofs: number;
  readonly claims: number;
  readonly claimsLost: number;
  readonly retries: number;
  /** Refused proofs, by the code that refused them. */
  readonly refused: Readonly<Record<string, number>>;
  readonly leaders: number;
}

type Of<K extends Told['kind']> = Extract<Told, { kind: K }>;

const toldOf = <K extends Told['kind']>({ heard }: Story, kind: K): readonly Of<K>[] =>
  heard.flatMap(({ told }) => (told.kind === kind ? [told as Of<K>] : []));

/** The figures of a story. */
export function countsOf(story: Story): Counts {
  const { audited } = story;
  const sum = (of: (one: Audited) => number): number =>
    audited.reduce((total, one) => total + of(one), 0);
  const refused: Record<string, number> = {};
  for (const { code } of toldOf(story, 'refused')) refused[code] = (refused[code] ?? 0) + 1;
  const claims = sum(({ state }) => state.claims);
  return {
    jobs: audited.length,
    proofs: sum(({ proofs }) => proofs),
    claims,
    claimsLost: sum(({ state }) => state.failedBy.length),
    retries: claims - audited.length,
    refused,
    leaders: toldOf(story, 'leads').length,
  };
}

/** Ways in which the liar lies. */
const LIES = 4;

/** What must hold of a story. */
export function factsOf(story: Story): readonly Fact[] {
  const { audited, hands, killedCoordinator, foundMaster } = story;
  const flaws = audited.flatMap((one) => one.flaws);
  const completed = toldOf(story, 'proved').filter(({ done }) => done);
  const once = new Set(completed.map(({ path }) => path)).size === completed.length;
  const tokens = toldOf(story, 'leads').map(({ token }) => token);
  const fenced = toldOf(story, 'fenced');
  const failedBy = new Set(
    audited.flatMap(({ state }) => state.failedBy.map((worker) => toHex(worker))),
  );
  const lost = hands.filter(({ orders }) => BAD.has(orders.role));
  return [
    ...(flaws.length === 0 ? [] : flaws.map((what) => ({ what, holds: false }))),
    {
      what: 'every result is what its program comes to, and its proofs verify',
      holds: flaws.length === 0,
    },
    { what: 'no job was completed twice', holds: once },
    { what: `${LIES} kinds of wrong proofs were refused`, holds: liesRefused(story) },
    ...lost.map(({ name, orders, key }) => ({
      what: `the ${orders.role} ${name} lost its claim, and another did its job`,
      holds: failedBy.has(key),
    })),
    {
      what: 'the coordinator was killed, and the one that stood by took over',
      holds: killedCoordinator !== undefined && tokens.length > 1,
    },
    { what: 'every later one has a higher token', holds: isAscending(tokens) },
    {
      what: 'nobody declares under the generation before',
      holds: fenced.length > 0 && fenced.every(({ code }) => code === 'lock_mismatch'),
    },
    { what: 'the machine taken by proof shows the address of who leads', holds: foundMaster },
  ];
}

const BAD: ReadonlySet<string> = new Set(['staller', 'liar', 'victim']);

function liesRefused(story: Story): boolean {
  const lies = new Set(toldOf(story, 'refused').map(({ lie }) => lie));
  return lies.size === LIES && toldOf(story, 'believed').length === 0;
}

const isAscending = (tokens: readonly string[]): boolean =>
  tokens.every((token, i) => i === 0 || token > (tokens[i - 1] ?? ''));
