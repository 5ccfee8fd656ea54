// What the commits of an epoch have said so far about the next one (R30): a fold.
import {
  array,
  compareBytes,
  equalBytes,
  optional,
  publicKey,
  record,
  type Shape,
  u16,
  u53,
} from '@fatty/codec';
import type { PublicKey } from '@fatty/interface';
import { type Change, changeShape, compareChanges, fitting, joinerOf } from './changes.ts';
import { type Committee, MEMBERS_MAX, quorum } from './committee.ts';
import type { Statement } from './statements.ts';

/** Motions of one member that count at a time: a newer one takes the place of its oldest. */
export const MOTIONS_MAX = 8;
/** A ready counts when its commit is at most this many before the one that looks at it. */
export const READY_COMMITS_MAX = 1_000;

/** A change, and which members move it. */
export interface Moved {
  readonly change: Change;
  /** Ascending by member; `number`: of its motion. */
  readonly by: readonly Mover[];
}

/** A motion of a member, by its number. */
export interface Mover {
  readonly member: number;
  readonly number: number;
}

/** A key that is ready, and the newest commit whose state it has. */
export interface ReadyKey {
  readonly key: PublicKey;
  readonly index: number;
}

/** The end of the epoch is decided: at which commit, and for which changes. */
export interface Plan {
  readonly index: number;
  /** Ascending. */
  readonly changes: readonly Change[];
}

/** Immutable. Bounded: members times {@link MOTIONS_MAX} changes, each with one key. */
export interface Agenda {
  /** Ascending by change. */
  readonly moved: readonly Moved[];
  /** By member that has moved anything, ascending: the highest number of its motions. */
  readonly numbers: readonly Mover[];
  /** Of the keys that moved changes let in, ascending. */
  readonly ready: readonly ReadyKey[];
  /** Members with a sealed block in a commit of the epoch, ascending. */
  readonly sealed: readonly number[];
  /** From its commit on own blocks are sealed. */
  readonly plan: Plan | undefined;
}

/** What one commit says: its statements in linear order, and the authors of its sealed blocks. */
export interface AgendaStep {
  readonly index: number;
  readonly statements: readonly Statement[];
  readonly sealed: readonly number[];
}

/** Of an epoch in which nothing has been said. */
export const EMPTY_AGENDA: Agenda = {
  moved: [],
  numbers: [],
  ready: [],
  sealed: [],
  plan: undefined,
};

const moverShape: Shape<Mover> = record({ member: u16, number: u53 });
const CHANGES_MAX = MEMBERS_MAX * MOTIONS_MAX;

/** Canonical bytes of an agenda, a part of every frame. */
export const agendaShape: Shape<Agenda> = record<Agenda>({
  moved: array(
    record<Moved>({ change: changeShape, by: array(moverShape, MEMBERS_MAX) }),
    CHANGES_MAX,
  ),
  numbers: array(moverShape, MEMBERS_MAX),
  ready: array(record<ReadyKey>({ key: publicKey, index: u53 }), CHANGES_MAX),
  sealed: array(u16, MEMBERS_MAX),
  plan: optional(record<Plan>({ index: u53, changes: array(changeShape, CHANGES_MAX) })),
});

/**
 * The agenda after one more commit. A function of the epoch's commits, and the same object where they say
 * nothing. Once there is a plan only seals count.
 */
export function foldAgenda(committee: Committee, agenda: Agenda, step: AgendaStep): Agenda {
  const sealed = withSealed(agenda.sealed, step.sealed);
  const seen = sealed === agenda.sealed ? agenda : { ...agenda, sealed };
  if (agenda.plan || step.statements.length === 0) return seen;
  let next = seen;
  for (const one of step.statements) if (one.kind === 'motion') next = withMotion(next, one);
  // Behind all motions: a key is only waited for once somebody wants to let it in.
  for (const one of step.statements) {
    if (one.kind === 'ready' && one.index <= step.index) next = withReady(next, one);
  }
  const changes = fitting(committee, wanted(committee, next, step.index));
  return changes.length === 0 ? next : { ...next, plan: { index: step.index, changes } };
}

/** R30: the commit that made this agenda is the last one of its epoch. */
export function isFinal(committee: Committee, { plan, sealed }: Agenda): boolean {
  return plan !== undefined && sealed.length >= quorum(committee);
}

/** Changes that q distinct members move, and whose joiner is ready; ascending. */
export function wanted(committee: Committee, agenda: Agenda, index: number): readonly Change[] {
  return carried(committee, agenda).filter((change) => {
    const joiner = joinerOf(change);
    const ready = joiner && agenda.ready.find(({ key }) => equalBytes(key, joiner));
    return joiner === undefined || (ready?.index ?? -Infinity) + READY_COMMITS_MAX >= index;
  });
}

/** Changes that q distinct members of the epoch move, ready or not; ascending. */
export function carried(committee: Committee, { moved }: Agenda): readonly Change[] {
  return moved.filter(({ by }) => by.length >= quorum(committee)).map(({ change }) => change);
}

/** Whether the agenda would be another with this statement in the next commit: else it is not worth a block. */
export function isNews(agenda: Agenda, statement: Statement, index: number): boolean {
  if (agenda.plan) return false;
  if (statement.kind === 'motion') return withMotion(agenda, statement) !== agenda;
  return statement.index <= index + 1 && withReady(agenda, statement) !== agenda;
}

function withSealed(known: readonly number[], authors: readonly number[]): readonly number[] {
  const fresh = authors.filter((author) => !known.includes(author));
  if (fresh.length === 0) return known;
  return [...new Set([...known, ...fresh])].sort((a, b) => a - b);
}

/** An old number is a copy of what the member has said before. */
function withMotion(agenda: Agenda, motion: Extract<Statement, { kind: 'motion' }>): Agenda {
  const { author: member, number, change } = motion;
  const last = agenda.numbers.find((one) => one.member === member)?.number ?? -1;
  if (number <= last) return agenda;
  const others = agenda.numbers.filter((one) => one.member !== member);
  const numbers = [...others, { member, number }].sort((a, b) => a.member - b.member);
  const moved = withoutOldest(withMover(agenda.moved, change, { member, number }), member);
  return { ...agenda, numbers, moved, ready: agenda.ready.filter(({ key }) => awaits(moved, key)) };
}

function withMover(moved: readonly Moved[], change: Change, mover: Mover): readonly Moved[] {
  const at = moved.findIndex((one) => compareChanges(one.change, change) === 0);
  const before = moved[at]?.by ?? [];
  const others = before.filter(({ member }) => member !== mover.member);
  const by = [...others, mover].sort((a, b) => a.member - b.member);
  const rest = moved.filter((_, i) => i !== at);
  return [...rest, { change, by }].sort((a, b) => compareChanges(a.change, b.change));
}

function withoutOldest(moved: readonly Moved[], member: number): readonly Moved[] {
  const own = moved.flatMap(({ by }) => by.filter((one) => one.member === member));
  if (own.length <= MOTIONS_MAX) return moved;
  const oldest = Math.min(...own.map(({ number }) => number));
  return moved
    .map(({ change, by }) => ({
      change,
      by: by.filter((one) => one.member !== member || one.number !== oldest),
    }))
    .filter(({ by }) => by.length > 0);
}

/** Some moved change lets this key in. */
function awaits(moved: readonly Moved[], key: PublicKey): boolean {
  return moved.some(({ change }) => {
    const joiner = joinerOf(change);
    return joiner !== undefined && equalBytes(joiner, key);
  });
}

function withReady(agenda: Agenda, { key, index }: ReadyKey): Agenda {
  const known = agenda.ready.find((one) => equalBytes(one.key, key));
  if (!awaits(agenda.moved, key) || (known?.index ?? -1) >= index) return agenda;
  const others = agenda.ready.filter((one) => one !== known);
  const ready = [...others, { key, index }].sort((a, b) => compareBytes(a.key, b.key));
  return { ...agenda, ready };
}
