import type { Signer } from '@fatty/codec';
import type { LogRecord, StateMachine } from '@fatty/interface';
import type { CertRules } from '@fatty/protocol';
import type { Outbox } from '../boundary/outbox.ts';
import type { Shared } from '../context.ts';
import type { Persistence } from '../signing/persistence.ts';
import type { Standing } from '../signing/standing.ts';

/** What checkpoints need of the replica around them. */
export interface FramesPort {
  readonly rules: CertRules;
  readonly me: number;
  readonly signer: Signer;
  readonly machine: StateMachine;
  readonly out: Outbox;
  /** Links that stand. */
  peersUp(): readonly number[];
  /** False while the log is replayed or the others are followed from far behind: nobody waits for a vote then. */
  isAtTip(): boolean;
  /** This replica may sign (R26). */
  maySign(): boolean;
  /** Puts a record into the next write of the log and answers the token of that write. */
  log(record: LogRecord): number;
}

/** The port of one replica. */
export function framesPort(
  shared: Shared,
  persistence: Persistence,
  standing: Standing,
  isStarted: () => boolean,
): FramesPort {
  const { config, me, out, peers } = shared;
  const { committee, cellId, scheme, signer, machine } = config;
  return {
    rules: { committee, cellId, scheme },
    me,
    signer,
    machine,
    out,
    peersUp: () => peers.up,
    isAtTip: () => isStarted() && !shared.syncing,
    maySign: () => standing.isVouched && standing.refusal === undefined,
    log: (record) => persistence.log(record),
  };
}
