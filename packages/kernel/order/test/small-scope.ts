// Every DAG of four members and one equivocator, up to symmetry, for one slot of the commit rule.

import type { Vertex } from '@fatty/broadcast';
import type { Committee } from '@fatty/protocol';
import type { RuleView } from '../src/commit-rule.ts';
import { type Decision, decide } from '../src/commit-rule.ts';
import type { Rule } from '../src/rule-parameters.ts';
import { at, first } from './run.ts';

/**
 * What is enumerated, and why it is everything:
 *
 * 1. Members 0 to 3, one of them a liar. The others make at most one block a round, on their own
 *    chain; every block has parents by three authors of the round before (R9).
 * 2. The liar makes every block it can make, two of each kind in the slots that it leads. What it
 *    leaves out is left out by whoever does not refer to it, and by the views.
 * 3. Blocks that the rule cannot tell apart are one kind: they support the same leader block of the
 *    round before, certify the same one of two rounds before, and their cones hold certificates of
 *    the same blocks of the slot that is looked at. A block reaches later rounds only by its kind.
 *    An own block of an older round as a parent is left out: votes and certificates do not look at
 *    it, and below the first anchor, three rounds up, it cannot hold a certificate.
 * 4. So the DAGs of a round are one *situation* when their top blocks have the same kinds and the
 *    slots decided so far have the same fates. One DAG of each situation is built and goes on.
 * 5. A view is what is in the cones of some blocks of one round, for each author one block, or of
 *    the liar all. Direct decisions of a slot look at two rounds only, so each shows in a view of
 *    the later one.
 */
export interface Scope {
  readonly committee: Committee;
  readonly rule: Rule;
  /** Undefined: all are honest. */
  readonly liar: number | undefined;
  readonly rounds: number;
  /**
   * Cones that hold other certificates of the same block are other kinds too. For rules under which
   * it matters which ones an anchor sees; there are many more situations then.
   */
  readonly tellsCertifiers?: boolean;
}

/** What came of it; the search ends at the first fork. */
export interface Reached {
  situations: number;
  views: number;
  /** Of the slot of round 1, in whole DAGs. */
  readonly fates: Map<string, number>;
  /** The first two views that decide a slot differently, in words. */
  fork: string | undefined;
}

type Blocks = readonly Made[];

/** A DAG: its top round, and all that lies below, whether something refers to it or not. */
interface Situation {
  readonly row: Blocks;
  readonly below: Blocks;
}

/** A block as the rule sees it. */
interface Made extends Vertex {
  readonly parents: Blocks;
}

const MEMBERS = [0, 1, 2, 3];
const QUORUM = 3;

/** The slot that is looked at. */
const SLOT = 1;

/** A set of blocks, closed under parents. Support by the word of R14: depth first, in stored order. */
class View implements RuleView {
  readonly highestRound: number;
  readonly #byRound = new Map<number, Made[]>();

  constructor(tops: Blocks) {
    const all = new Set(tops);
    for (const block of all) for (const parent of block.parents) all.add(parent);
    for (const block of all) {
      const row = this.#byRound.get(block.round);
      if (row) row.push(block);
      else this.#byRound.set(block.round, [block]);
    }
    this.highestRound = Math.max(...this.#byRound.keys());
  }

  verticesAt(round: number): Blocks {
    return this.#byRound.get(round) ?? [];
  }

  slotVertices(author: number, round: number): Blocks {
    return this.verticesAt(round).filter((block) => block.author === author);
  }

  supportOf(vertex: Vertex, author: number, round: number): Vertex | undefined {
    for (const parent of vertex.parents) {
      if (parent.round === round && parent.author === author) return parent;
      const below = parent.round > round ? this.supportOf(parent, author, round) : undefined;
      if (below) return below;
    }
    return undefined;
  }
}

const nameOf = ({ ref }: Vertex): string => Buffer.from(ref.digest.subarray(0, 6)).toString('hex');

function wordOf(decision: Decision | undefined): string {
  if (decision === undefined) return 'undecided';
  return decision.kind === 'commit' ? `commit ${nameOf(decision.leader)}` : decision.kind;
}

/** Whether a slot is looked at, or decides that one as its anchor within the rounds of the scope. */
const matters = (slot: number, { rule, rounds }: Scope): boolean =>
  slot === SLOT || (slot >= SLOT + rule.anchorFloor && slot + rule.wave - 1 <= rounds);

/** Fates of the slots that matter. R16 to R18 look from a slot up, so each is asked by itself. */
function fatesOf(view: RuleView, scope: Scope): readonly string[] {
  const slots = Array.from({ length: scope.rounds }, (_, i) => i + 1);
  return slots
    .filter((slot) => matters(slot, scope))
    .map((slot) => wordOf(decide(view, scope.committee, scope.rule, slot - 1)[0]));
}

/** All of them, the empty one first. */
function subsets<T>(of: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: 2 ** of.length }, (_, bits) =>
    of.filter((_one, i) => (bits & (1 << i)) !== 0),
  );
}

/** Goes through all situations, round by round. */
export class SmallScope {
  readonly reached: Reached = { situations: 0, views: 0, fates: new Map(), fork: undefined };
  readonly #scope: Scope;
  readonly #kinds = new WeakMap<Made, string>();
  readonly #met = new Set<string>();
  #variants = 0;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  run(): Reached {
    const firsts = MEMBERS.flatMap((author) =>
      Array.from({ length: this.#copies(author, 1) }, (_, variant) =>
        made(first(author, 4, { variant }), []),
      ),
    );
    const honest = MEMBERS.filter((author) => author !== this.#scope.liar);
    // In the first round as in any other one honest member may come too late, if the liar is there.
    const all: readonly Situation[] = this.#present(honest).map((present) => ({
      row: firsts.filter(({ author }) => author === this.#scope.liar || present.includes(author)),
      below: [],
    }));
    for (const situation of all) this.#goOn(situation, 2);
    return this.reached;
  }

  #goOn({ row, below }: Situation, round: number): void {
    for (const next of this.#above(row, round)) {
      const situation = { row: next, below: [...below, ...row] };
      const name = `${round} ${this.#nameOf(situation)}`;
      if (this.reached.fork || this.#met.has(name)) continue;
      this.#met.add(name);
      this.reached.situations++;
      this.#judge(situation);
      if (round < this.#scope.rounds) this.#goOn(situation, round + 1);
      else this.#count(this.#fates(situation)[0] ?? '');
    }
  }

  #count(fate: string): void {
    this.reached.fates.set(fate, (this.reached.fates.get(fate) ?? 0) + 1);
  }

  #fates({ row, below }: Situation): readonly string[] {
    return fatesOf(new View([...row, ...below]), this.#scope);
  }

  /** How many blocks of one kind an author makes. */
  #copies(author: number, round: number): number {
    const leads = this.#scope.rule.leader(round, this.#scope.committee) === author;
    return author === this.#scope.liar && leads ? 2 : 1;
  }

  /** Sets of honest members that make a block in one round: with the liar they are three or more. */
  #present(honest: readonly number[]): readonly (readonly number[])[] {
    return subsets(honest).filter((set) => set.length + (4 - honest.length) >= QUORUM);
  }

  /** Every next round, with one block of each kind. */
  #above(row: Blocks, round: number): readonly Blocks[] {
    const { liar } = this.#scope;
    const kinds = new Map(MEMBERS.map((author) => [author, this.#kindsBy(author, row, round)]));
    const honest = MEMBERS.filter((author) => author !== liar);
    const liars = liar === undefined ? [] : (kinds.get(liar) ?? []);
    return this.#present(honest).flatMap((present) =>
      present.reduce<readonly Blocks[]>(
        (rows, author) =>
          rows.flatMap((blocks) => (kinds.get(author) ?? []).map((block) => [...blocks, block])),
        [liars],
      ),
    );
  }

  /** One block of each kind that an author can make on a row. */
  #kindsBy(author: number, row: Blocks, round: number): Blocks {
    const own = row.filter((block) => block.author === author);
    const starts: readonly (Made | undefined)[] = own.length > 0 ? own : [undefined];
    const found = new Map<string, Blocks>();
    for (const start of starts) {
      for (const others of this.#othersOf(author, row)) {
        if (others.length + (start ? 1 : 0) < QUORUM) continue;
        const parents = start ? [start, ...others] : others;
        const copies = Array.from({ length: this.#copies(author, round) }, () =>
          made(at(round, author, [], { variant: this.#variants++ }), parents),
        );
        const kind = this.#kindOf(copies[0] as Made);
        if (!found.has(kind)) found.set(kind, copies);
      }
    }
    return [...found.values()].flat();
  }

  /** Parents by others: for each author none, or one of its blocks. */
  #othersOf(author: number, row: Blocks): readonly Blocks[] {
    return MEMBERS.filter((other) => other !== author).reduce<readonly Blocks[]>(
      (sets, other) => {
        const theirs = row.filter((block) => block.author === other);
        return sets.flatMap((set) => [set, ...theirs.map((block) => [...set, block])]);
      },
      [[]],
    );
  }

  #kindOf(block: Made): string {
    const known = this.#kinds.get(block) ?? this.#look(block);
    this.#kinds.set(block, known);
    return known;
  }

  /** What the rule can see of a block from above. */
  #look(block: Made): string {
    const view = new View([block]);
    const slots = [block.round - 1, block.round - 2].filter((slot) => matters(slot, this.#scope));
    return [
      ...slots.map((slot) => this.#backed(view, block, slot)),
      [...this.#certifiedInCone(view)].sort().join('+'),
    ].join('|');
  }

  /** The leader block that a block supports one round below, or certifies two rounds below. */
  #backed(view: View, block: Made, round: number): string {
    const author = this.#leaderOf(round);
    const supported = (vote: Made): string => {
      const found = view.supportOf(vote, author, round) as Made | undefined;
      return found ? this.#leaderName(found) : '-';
    };
    if (round === block.round - 1) return supported(block);
    const votes = block.parents.filter((parent) => parent.round === block.round - 1).map(supported);
    const isCertified = (name: string): boolean =>
      name !== '-' && votes.filter((vote) => vote === name).length >= QUORUM;
    return votes.find(isCertified) ?? '-';
  }

  #leaderOf(round: number): number {
    return this.#scope.rule.leader(round, this.#scope.committee) ?? -1;
  }

  /** Two leader blocks are two, and an anchor is told by what its cone holds of the slot. */
  #leaderName(leader: Made): string {
    const held = [...this.#certifiedInCone(new View([leader]))].sort().join('+');
    return `${nameOf(leader)}(${held})`;
  }

  /** Blocks of the slot that some block of the cone certifies, if asked for with who does. */
  #certifiedInCone(view: View): ReadonlySet<string> {
    const by = (block: Made): string => (this.#scope.tellsCertifiers ? `${block.author}/` : '');
    const certificates = view.verticesAt(SLOT + 2).flatMap((block) => {
      const leader = this.#backed(new View([block]), block, SLOT);
      return leader === '-' ? [] : [by(block) + leader];
    });
    return new Set(certificates);
  }

  /** Blocks are named apart for the rule; here they are named by the order in which they appear. */
  #nameOf(situation: Situation): string {
    const names = new Map<string, string>();
    const named = (text: string): string =>
      text.replace(/[0-9a-f]{12}/g, (name) => {
        const known = names.get(name) ?? `b${names.size}`;
        names.set(name, known);
        return known;
      });
    const kinds = situation.row.map((block) => `${block.author}:${this.#kindOf(block)}`).sort();
    return named([...this.#fates(situation), ...kinds].join(' '));
  }

  /** No view may decide a slot in another way than the whole, nor where the whole does not. */
  #judge(situation: Situation): void {
    const { row, below } = situation;
    const whole = this.#fates(situation);
    this.#compare(fatesOf(new View(below), this.#scope), whole);
    const honest = row.filter(({ author }) => author !== this.#scope.liar);
    const liars = row.filter(({ author }) => author === this.#scope.liar);
    const choices = [[], ...liars.map((block) => [block]), liars];
    for (const some of subsets(honest)) {
      for (const lies of choices) {
        const tops = [...some, ...lies];
        if (tops.length > 0) this.#compare(fatesOf(new View(tops), this.#scope), whole);
      }
    }
  }

  #compare(part: readonly string[], whole: readonly string[]): void {
    this.reached.views++;
    const slot = part.findIndex((fate, i) => fate !== 'undecided' && fate !== whole[i]);
    const isConflict = whole.includes('conflict');
    if (slot < 0 && !isConflict) return;
    this.reached.fork ??= `a view decides ${part.join(', ')}, the whole ${whole.join(', ')}`;
  }
}

function made(block: ReturnType<typeof at>, parents: Blocks): Made {
  const { ref } = block;
  const { round, author } = ref;
  return { block, whole: block, sizeBytes: 0, ref, round, author, sealed: false, parents };
}
