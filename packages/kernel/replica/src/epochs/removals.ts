// Evidence asks for a change: who is convicted is to go.
import {
  type Agenda,
  type Change,
  type Committee,
  compareChanges,
  removalsFor,
} from '@fatty/protocol';
import type { Tuning } from '../boundary/tuning.ts';
import type { Dossier } from '../evidence/dossier.ts';

/** What Removals needs of its replica. */
export interface RemovalsPort {
  readonly committee: Committee;
  readonly dossier: Pick<Dossier, 'convicted' | 'size'>;
  readonly me: number;
  readonly orderer: { readonly agenda: Agenda };
  readonly statements: { move(change: Change): unknown };
  readonly tuning: Pick<Tuning, 'movesRemovals'>;
}

/**
 * R27b.5: each member that knows of evidence moves the removals that it asks for, once in an epoch. What they are
 * is a function of who is convicted, so members that know the same move the same.
 */
export class Removals {
  readonly #port: RemovalsPort;
  /** How many were convicted when the last motions were made. */
  #known = 0;

  constructor(port: RemovalsPort) {
    this.#port = port;
  }

  /** By a replica that may sign. */
  tend(): void {
    const { committee, dossier, orderer, statements, tuning } = this.#port;
    const { size } = dossier;
    if (!tuning.movesRemovals) return;
    if (size === this.#known || orderer.agenda.plan) return;
    this.#known = size;
    const places = dossier.convicted.map(({ member }) => member);
    for (const change of removalsFor(committee, places)) {
      if (!this.#hasMoved(change)) statements.move(change);
    }
  }

  /** In an earlier life, and a commit has it. */
  #hasMoved(change: Change): boolean {
    const { me, orderer } = this.#port;
    return orderer.agenda.moved.some(
      (one) =>
        compareChanges(one.change, change) === 0 && one.by.some(({ member }) => member === me),
    );
  }
}
