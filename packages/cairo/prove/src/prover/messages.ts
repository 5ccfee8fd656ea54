// What a prover thread hears and says.
import type { Proof, ProofParameters } from '@fatty/cairo-air';
import type { Outcome } from '@fatty/interface';
import type { ProverProgress } from './prover.ts';
import type { ProvableRun } from './table.ts';

/** To a prover thread. Jobs are done one after the other; `id` is the sender's number for one. */
export type ProverRequest =
  | {
      readonly kind: 'prove';
      readonly id: number;
      readonly run: ProvableRun;
      readonly parameters: ProofParameters;
    }
  | { readonly kind: 'cancel'; readonly id: number };

/** From a prover thread: any number of `progress`, then one `done`, also for a cancelled job. */
export type ProverReply =
  | { readonly kind: 'progress'; readonly id: number; readonly progress: ProverProgress }
  | { readonly kind: 'done'; readonly id: number; readonly outcome: Outcome<Proof> };
