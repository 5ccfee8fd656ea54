// Parameters of the commit rule.
import type { Committee } from '@fatty/protocol';

/** Parameters of the commit rule (R16–R18). Rounds are relative to the slot's round r. */
export interface Rule {
  readonly name: string;
  /** w: votes at r + w − 2, certificates at r + w − 1. */
  readonly wave: number;
  /** A slot not decided directly is decided by the first committed slot from r + floor up. */
  readonly anchorFloor: number;
  /** Committee index, a function of the epoch alone; undefined while unknown (coin). */
  readonly leader: (round: number, committee: Committee) => number | undefined;
}

/** Rule M: Mysticeti-C with one round-robin leader per round. */
export const RULE_M: Rule = {
  name: 'M',
  wave: 3,
  anchorFloor: 3,
  leader: (round, committee) => round % committee.members.length,
};

/** Rule A: Mahi-Mahi's wave of five. `coin` answers a round's leader once the coin is known. */
export function ruleA(coin: (round: number) => number | undefined): Rule {
  return { name: 'A', wave: 5, anchorFloor: 5, leader: (round) => coin(round) };
}
