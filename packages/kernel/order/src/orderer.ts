// The total order over one DAG: decided slots become commits.
import {
  type Block,
  type Dag,
  evidenceAuthor,
  type Ref,
  refKey,
  type Vertex,
} from '@fatty/broadcast';
import { invariant } from '@fatty/codec';
import { type Agenda, type Committee, EMPTY_AGENDA, foldAgenda, isFinal } from '@fatty/protocol';
import { type Commit, sealCommit } from './commit.ts';
import { decide, Memo } from './commit-rule.ts';
import { agreedTime } from './lease-clock.ts';
import { linearise } from './linearise.ts';
import { RULE_M, type Rule } from './rule-parameters.ts';

/** A commit together with what it orders; the DAG may already have dropped these blocks. */
export interface Ordered extends Commit {
  /** The blocks of `blocks`, in the same order. */
  readonly content: readonly Block[];
  /** Authors that evidence in this commit accuses and none before it did, ascending. */
  readonly convicted: readonly number[];
  /** What the epoch has said about the next one, this commit included (R30). */
  readonly agenda: Agenda;
  /** It is the last commit of its epoch. */
  readonly isFinal: boolean;
}

/** Two certified blocks in one slot: more than f members lie. Ordering has stopped for good. */
export interface Halt {
  readonly round: number;
  readonly certified: readonly Ref[];
}

/**
 * The total order (R16–R20) over one DAG. Its state is a function of the blocks inserted, so a
 * restart rebuilds it by inserting them again.
 */
export class Orderer {
  readonly #dag: Dag;
  readonly #committee: Committee;
  readonly #rule: Rule;
  readonly #memo: Memo = new Memo();
  readonly #committed = new WeakSet<Vertex>();
  /** Committed before this life began, and not inserted since; by name. */
  readonly #before = new Set<string>();
  readonly #convicted = new Set<number>();
  #beforeRound = 0;
  #lastDecided = 0;
  #last: Commit | undefined;
  #agenda: Agenda = EMPTY_AGENDA;
  #halted: Halt | undefined;

  constructor(dag: Dag, committee: Committee, rule: Rule = RULE_M) {
    this.#dag = dag;
    this.#committee = committee;
    this.#rule = rule;
  }

  /**
   * Goes on behind the last of these commits, which hold every committed block above its horizon;
   * `convicted` and `agenda`: what the commits of the epoch up to it say. To be called before any block is
   * inserted.
   */
  resume(
    commits: readonly Commit[],
    convicted: readonly number[],
    agenda: Agenda = EMPTY_AGENDA,
  ): void {
    const last = commits.at(-1);
    if (last === undefined) return;
    this.#last = last;
    this.#agenda = agenda;
    this.#lastDecided = last.leader.round;
    this.#beforeRound = last.leader.round;
    for (const author of convicted) this.#convicted.add(author);
    for (const ref of commits.flatMap(({ blocks }) => blocks)) {
      if (ref.round > last.horizon) this.#before.add(refKey(ref));
    }
    this.#dag.raiseHorizon(last.horizon);
  }

  /** Every leader slot up to this round is decided; 0 at first. */
  get lastDecidedRound(): number {
    return this.#lastDecided;
  }

  /** The newest commit of this epoch. */
  get lastCommit(): Commit | undefined {
    return this.#last;
  }

  /** Index of the newest commit of the cell, which may be of an epoch before; 0: there is none. */
  get lastIndex(): number {
    return this.#last?.index ?? this.#dag.origin.index;
  }

  /** Set once, and then `advance` answers nothing more. */
  get halted(): Halt | undefined {
    return this.#halted;
  }

  /** What the commits of the epoch have said about the next one. */
  get agenda(): Agenda {
    return this.#agenda;
  }

  /** The last commit of the epoch is made (R30): nothing is ordered behind it. */
  get hasEnded(): boolean {
    return isFinal(this.#committee, this.#agenda);
  }

  leaderOf(round: number): number | undefined {
    return this.#rule.leader(round, this.#committee);
  }

  /** A block that need not be inserted yet: committed, or below the horizon, by what {@link resume} said. */
  wasCommitted(ref: Ref): boolean {
    return ref.round <= this.#dag.horizon || this.#before.has(refKey(ref));
  }

  /** False for blocks that the DAG no longer holds. */
  isCommitted(ref: Ref): boolean {
    const vertex = this.#dag.vertex(ref);
    return vertex !== undefined && this.#hasCommitted(vertex);
  }

  /** What the blocks inserted since the last call decide. Raises the DAG's horizon. */
  advance(): readonly Ordered[] {
    if (this.#halted || this.hasEnded) return [];
    const commits: Ordered[] = [];
    const decisions = decide(this.#dag, this.#committee, this.#rule, this.#lastDecided, this.#memo);
    for (const decision of decisions) {
      if (decision.kind === 'conflict') {
        const { round, certified } = decision;
        this.#halted = { round, certified: certified.map((vertex) => vertex.ref) };
        break;
      }
      if (decision.kind === 'commit') commits.push(this.#commit(decision.leader));
      this.#lastDecided = decision.round;
      this.#memo.forget(decision.round);
      if (this.hasEnded) break;
    }
    if (this.#last) this.#dag.raiseHorizon(this.#last.horizon);
    if (this.#dag.horizon >= this.#beforeRound) this.#before.clear();
    return commits;
  }

  #hasCommitted(vertex: Vertex): boolean {
    if (this.#committed.has(vertex)) return true;
    if (this.#before.size === 0 || !this.#before.delete(refKey(vertex.ref))) return false;
    this.#committed.add(vertex);
    return true;
  }

  #commit(leader: Vertex): Ordered {
    const last = this.#last;
    const { origin } = this.#dag;
    const { genesisTs } = this.#committee;
    // The horizon of the commit before: with this leader's own, delivered blocks would be lost.
    const horizon = last?.horizon ?? 0;
    const vertices = linearise(leader, horizon, (vertex) => this.#hasCommitted(vertex));
    for (const vertex of vertices) this.#committed.add(vertex);
    const commit = sealCommit({
      index: this.lastIndex + 1,
      prevDigest: last?.digest ?? origin.digest,
      leader: leader.ref,
      blocks: vertices.map((vertex) => vertex.ref),
      ...agreedTime(
        leader,
        this.#committee,
        last ?? { commitTs: genesisTs, leaseClock: origin.leaseClock },
      ),
      horizon: Math.max(horizon, leader.round - this.#committee.params.horizonRounds),
    });
    this.#last = commit;
    const content = vertices.map((vertex) => bodyOf(vertex));
    this.#agenda = foldAgenda(this.#committee, this.#agenda, {
      index: commit.index,
      statements: content.flatMap(({ statements }) => statements),
      // By the block alone: what its chain has said before may be out of sight here.
      sealed: content.filter(({ header }) => header.seal).map(({ ref }) => ref.author),
    });
    const convicted = this.#convict(content);
    return { ...commit, content, convicted, agenda: this.#agenda, isFinal: this.hasEnded };
  }

  #convict(content: readonly Block[]): readonly number[] {
    const fresh = new Set<number>();
    for (const evidence of content.flatMap((block) => block.body.evidence)) {
      const accused = evidenceAuthor(evidence);
      if (accused !== undefined && !this.#convicted.has(accused)) fresh.add(accused);
    }
    for (const author of fresh) this.#convicted.add(author);
    return [...fresh].sort((a, b) => a - b);
  }
}

function bodyOf({ whole }: Vertex): Block {
  invariant(whole !== undefined, 'bodies leave memory after their commit');
  return whole;
}
