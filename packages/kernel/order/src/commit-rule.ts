// The commit rule (R16–R18): which leader slots are committed, and which are skipped.
import type { Vertex } from '@fatty/broadcast';
import { type Committee, quorum } from '@fatty/protocol';
import { Cone } from './cone.ts';
import type { Rule } from './rule-parameters.ts';

/** What the rule reads: a set of blocks closed under parents above the last decided slot. */
export interface RuleView {
  readonly highestRound: number;
  verticesAt(round: number): readonly Vertex[];
  slotVertices(author: number, round: number): readonly Vertex[];
  supportOf(vertex: Vertex, author: number, round: number): Vertex | undefined;
}

/**
 * The fate of a leader slot. `conflict` means more than f liars: two blocks of one slot are
 * certified, and nothing may be ordered from there on.
 */
export type Decision =
  | {
      readonly kind: 'commit';
      readonly round: number;
      readonly leader: Vertex;
      readonly direct: boolean;
    }
  | { readonly kind: 'skip'; readonly round: number; readonly direct: boolean }
  | { readonly kind: 'conflict'; readonly round: number; readonly certified: readonly Vertex[] };

/** What earlier calls on growing views of one DAG found out. Saves work, changes no answer. */
export class Memo {
  /** Decided slots, by round: a decision never changes as the view grows. */
  readonly decided: Map<number, Decision> = new Map();
  /** By round: blocks at the voting rounds when the slot was last looked at. */
  readonly looked: Map<number, number> = new Map();
  /** By slot round, by certificate block: the leader block it certifies. */
  readonly certified: Map<number, Map<Vertex, Vertex | undefined>> = new Map();

  forget(round: number): void {
    this.decided.delete(round);
    this.looked.delete(round);
    this.certified.delete(round);
  }
}

/**
 * R16–R18: the decisions for slots lastDecided + 1, + 2, … up to the first undecided one.
 * Pure: the same blocks give the same answer with any memo of the same DAG and rule.
 */
export function decide(
  view: RuleView,
  committee: Committee,
  rule: Rule,
  lastDecided: number,
  memo: Memo = new Memo(),
): readonly Decision[] {
  return new Decider(view, committee, rule, memo).decide(lastDecided);
}

class Decider {
  readonly #view: RuleView;
  readonly #committee: Committee;
  readonly #rule: Rule;
  readonly #memo: Memo;
  readonly #quorum: number;

  constructor(view: RuleView, committee: Committee, rule: Rule, memo: Memo) {
    this.#view = view;
    this.#committee = committee;
    this.#rule = rule;
    this.#memo = memo;
    this.#quorum = quorum(committee);
  }

  decide(lastDecided: number): readonly Decision[] {
    const { decided } = this.#memo;
    const top = this.#view.highestRound - this.#rule.wave + 2;
    let news = false;
    for (let round = top; round > lastDecided; round--) {
      if (decided.has(round)) continue;
      const decision = this.#tryDirect(round);
      if (decision) decided.set(round, decision);
      news ||= decision !== undefined;
    }
    // An indirect decision can only follow from a new direct one.
    if (news) this.#decideIndirectly(lastDecided, top);
    const found: Decision[] = [];
    for (let round = lastDecided + 1; ; round++) {
      const decision = decided.get(round);
      if (decision === undefined) return found;
      found.push(decision);
      if (decision.kind === 'conflict') return found;
    }
  }

  /** R16: direct commit or direct skip; undefined while the votes seen allow neither. */
  #tryDirect(round: number): Decision | undefined {
    const author = this.#rule.leader(round, this.#committee);
    if (author === undefined) return undefined;
    const votes = this.#view.verticesAt(round + this.#rule.wave - 2);
    const certificates = this.#view.verticesAt(round + this.#rule.wave - 1);
    if (this.#memo.looked.get(round) === votes.length + certificates.length) return undefined;
    this.#memo.looked.set(round, votes.length + certificates.length);
    const blames = votes.filter((vote) => !this.#view.supportOf(vote, author, round));
    const certified = this.#certifiedBy(certificates, author, round);
    if (certified.size > 1) return { kind: 'conflict', round, certified: [...certified.keys()] };
    for (const [leader, by] of certified) {
      if (this.#isQuorum(by)) return { kind: 'commit', round, leader, direct: true };
    }
    return this.#isQuorum(blames) ? { kind: 'skip', round, direct: true } : undefined;
  }

  /** Distinct authors count, not blocks: an equivocator has several blocks in one round. */
  #isQuorum(blocks: readonly Vertex[]): boolean {
    if (blocks.length < this.#quorum) return false;
    return new Set(blocks.map((block) => block.author)).size >= this.#quorum;
  }

  /** The leader blocks that some of `blocks` certify, each with those blocks. */
  #certifiedBy(blocks: Iterable<Vertex>, author: number, round: number): Map<Vertex, Vertex[]> {
    const certified = new Map<Vertex, Vertex[]>();
    for (const block of blocks) {
      const leader = this.#certifiedLeader(block, author, round);
      if (leader === undefined) continue;
      const by = certified.get(leader);
      if (by) by.push(block);
      else certified.set(leader, [block]);
    }
    return certified;
  }

  /** The leader block that `block` certifies: at most one, as its parents' authors differ (R9). */
  #certifiedLeader(block: Vertex, author: number, round: number): Vertex | undefined {
    const { certified } = this.#memo;
    const known = certified.get(round) ?? new Map<Vertex, Vertex | undefined>();
    certified.set(round, known);
    if (known.has(block)) return known.get(block);
    const votes = block.parents.filter((parent) => parent.round === block.round - 1);
    const leader = this.#view.slotVertices(author, round).find((candidate) => {
      const supports = (vote: Vertex): boolean =>
        this.#view.supportOf(vote, author, round) === candidate;
      return votes.filter(supports).length >= this.#quorum;
    });
    known.set(block, leader);
    return leader;
  }

  /** R17: from the top down, each undecided slot asks the first slot above that is not skipped. */
  #decideIndirectly(lastDecided: number, top: number): void {
    const { decided } = this.#memo;
    const { anchorFloor } = this.#rule;
    const anchors = new Map<number, number>();
    let cone: Cone | undefined;
    for (let round = top; round > lastDecided; round--) {
      const anchorRound = anchors.get(round + anchorFloor);
      const anchor = anchorRound === undefined ? undefined : decided.get(anchorRound);
      if (!decided.has(round) && anchor?.kind === 'commit') {
        if (cone?.top !== anchor.leader) cone = new Cone(anchor.leader);
        const decision = this.#decideByAnchor(round, cone);
        if (decision) decided.set(round, decision);
      }
      const skipped = decided.get(round)?.kind === 'skip';
      const next = skipped ? anchors.get(round + 1) : round;
      if (next !== undefined) anchors.set(round, next);
    }
  }

  #decideByAnchor(round: number, cone: Cone): Decision | undefined {
    const author = this.#rule.leader(round, this.#committee);
    if (author === undefined) return undefined;
    const certificates = cone.at(round + this.#rule.wave - 1);
    const [first, ...more] = this.#certifiedBy(certificates, author, round).keys();
    if (first === undefined) return { kind: 'skip', round, direct: false };
    if (more.length > 0) return { kind: 'conflict', round, certified: [first, ...more] };
    return { kind: 'commit', round, leader: first, direct: false };
  }
}
