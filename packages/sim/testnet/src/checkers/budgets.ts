// Checks the budgets of R12.
import type { CheckedCell, Checker, Observation, Violation } from '../world/observation.ts';

/** R12: no honest replica ever carries more for nothing than its budget, whatever clients do. */
export class BudgetChecker implements Checker {
  readonly rules = ['R12'] as const;
  readonly #checked: CheckedCell;

  constructor(checked: CheckedCell) {
    this.#checked = checked;
  }

  see(observation: Observation): readonly Violation[] {
    if (observation.kind !== 'noted' || observation.note.what !== 'overBudget') return [];
    const { liars, cell } = this.#checked;
    const { peer = -1 } = observation.note;
    const author = cell.roll.hostOf(observation.epoch ?? 0, peer) ?? -1;
    if (liars.has(author)) return [];
    const { atMs, by: replica } = observation;
    const actual = `r${replica} thinks so of r${author}`;
    return [{ rule: 'R12', atMs, replica, expected: 'no honest author over its budget', actual }];
  }

  finish(): readonly Violation[] {
    return [];
  }
}
