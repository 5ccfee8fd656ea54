// The picture of the protocol: rounds from left to right, a lane for each replica.

/** How far the block of a member in a round has come, as the replica that serves the page has seen it. */
export type Stage = 'awaited' | 'missing' | 'made' | 'delivered' | 'committed';

/** One block. */
export interface BlockSeen {
  readonly stage: Stage;
  readonly late: boolean;
  /** There are two of it: its author lies. */
  readonly twice: boolean;
}

/** One round. */
export interface RoundSeen {
  readonly round: number;
  readonly leaders: readonly number[];
  readonly blocks: readonly BlockSeen[];
}

/** What the replica that serves the page tells. */
export interface RoundsSeen {
  readonly replica: number;
  readonly rounds: readonly RoundSeen[];
}

/** A square of the picture. */
export interface Square extends BlockSeen {
  readonly round: number;
  readonly leader: boolean;
  /** For a pointer that rests on it. */
  readonly words: string;
}

/** One replica's lane. */
export interface Lane {
  readonly replica: number;
  readonly squares: readonly Square[];
  /** The lane in a sentence: for who cannot see it. */
  readonly words: string;
}

/** Rounds that are drawn. */
export const ROUNDS_DRAWN_MAX = 50;

const STAGES: ReadonlySet<string> = new Set([
  'awaited',
  'missing',
  'made',
  'delivered',
  'committed',
]);

/** Undefined: the answer is none of a replica that tells of its rounds. */
export function readRounds(answer: unknown): RoundsSeen | undefined {
  if (!isRecord(answer) || !Array.isArray(answer.rounds)) return undefined;
  const rounds = answer.rounds.slice(-ROUNDS_DRAWN_MAX).map(readRound);
  if (rounds.some((one) => one === undefined)) return undefined;
  return { replica: Number(answer.replica), rounds: rounds.filter((one) => one !== undefined) };
}

function readRound(value: unknown): RoundSeen | undefined {
  if (!isRecord(value) || typeof value.round !== 'number') return undefined;
  if (!Array.isArray(value.blocks) || !Array.isArray(value.leaders)) return undefined;
  const blocks = value.blocks.flatMap((one: unknown): BlockSeen[] => {
    if (!isRecord(one) || typeof one.stage !== 'string' || !STAGES.has(one.stage)) return [];
    return [{ stage: one.stage as Stage, late: one.late === true, twice: one.twice === true }];
  });
  if (blocks.length !== value.blocks.length) return undefined;
  return { round: value.round, leaders: value.leaders.map(Number), blocks };
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

/** A lane for each of so many replicas. */
export function lanesOf({ rounds }: RoundsSeen, replicas: number): readonly Lane[] {
  return Array.from({ length: replicas }, (_, replica) => {
    const squares = rounds.map(({ round, leaders, blocks }): Square => {
      const block = blocks[replica] ?? { stage: 'awaited', late: false, twice: false };
      const leader = leaders.includes(replica);
      return { ...block, round, leader, words: squareWords(round, replica, block, leader) };
    });
    return { replica, squares, words: laneWords(replica, squares) };
  });
}

function squareWords(round: number, replica: number, block: BlockSeen, leader: boolean): string {
  const { stage, late, twice } = block;
  const parts = [stage, late && 'late', twice && 'signed twice', leader && 'leader of a commit'];
  return `round ${round}, replica ${replica}: ${parts.filter(Boolean).join(', ')}`;
}

function laneWords(replica: number, squares: readonly Square[]): string {
  const count = (is: (square: Square) => boolean): number => squares.filter(is).length;
  const figures = [
    [count(({ stage }) => stage === 'committed'), 'committed'],
    [count(({ stage }) => stage === 'delivered'), 'delivered'],
    [count(({ stage }) => stage === 'made'), 'made'],
    [count(({ late }) => late), 'late'],
    [count(({ stage }) => stage === 'missing'), 'missing'],
    [count(({ twice }) => twice), 'signed twice'],
  ] as const;
  const told = figures.filter(([figure]) => figure > 0).map((parts) => parts.join(' '));
  return `replica ${replica}, of ${squares.length} rounds: ${told.join(', ') || 'nothing'}`;
}
