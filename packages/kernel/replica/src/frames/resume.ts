// A life that begins behind a frame.
import type { Block } from '@fatty/broadcast';
import { fail, ok } from '@fatty/codec';
import type { Outcome, StateMachine } from '@fatty/interface';
import type { Commit, Orderer } from '@fatty/order';
import type { Persistence } from '../signing/persistence.ts';
import type { Frames } from './frames.ts';
import { type OpenPayload, openPayload } from './payload.ts';
import { type FrameRules, openFrame, restoreState, type StoredFrame } from './stored.ts';

/** Who has to know what an earlier life left. */
export interface ResumePort extends FrameRules {
  readonly acceptance: { shun(author: number): void };
  readonly frames: Frames;
  readonly machine: StateMachine;
  readonly me: number;
  readonly orderer: Orderer;
  readonly peers: { signed(author: number, round: number): void };
  readonly persistence: Persistence;
  readonly pool: {
    readonly accusations: { convicted(authors: readonly number[]): void };
    include(block: Block): void;
  };
  readonly restore: {
    ownBeside(bytes: Uint8Array): Block | undefined;
    ownCommitted(round: number): void;
  };
  readonly rounds: { stand(block: Block): void; resumed(): void };
}

/**
 * Puts a replica without a past behind a frame of its own (R28): all of it, or after a failure nothing.
 * Answers the commit it goes on behind. Codes: those of `openFrame` and of `openPayload`, `wrong_state`,
 * `foreign_log`.
 */
export function resumeFrom(
  port: ResumePort,
  head: Uint8Array,
  payload: Uint8Array,
): Outcome<Commit> {
  const proved = openFrame(port, head);
  if (!proved.ok) return proved;
  const { stored, stateRoot, isBefore } = proved.value;
  if (!isBefore && stored.author !== port.me) {
    return fail('foreign_log', `a frame of replica ${port.me}`, `of ${stored.author}`);
  }
  const opened = openPayload(stored.frame, payload);
  if (!opened.ok) return opened;
  const { last, state } = opened.value;
  const restored = restoreState(port.machine, stateRoot, state);
  if (!restored.ok) return restored;
  port.frames.resume(stored, opened.value, isBefore);
  if (!isBefore) resumeOrder(port, stored, opened.value);
  port.rounds.resumed();
  return ok(last);
}

/** The frame is of the epoch that goes on. */
function resumeOrder(port: ResumePort, stored: StoredFrame, { commits }: OpenPayload): void {
  const { convicted, agenda } = stored.frame;
  port.orderer.resume(commits, convicted, agenda);
  port.persistence.restoredFrame();
  port.pool.accusations.convicted(convicted);
  for (const author of convicted) port.acceptance.shun(author);
  // R26: what a log tells of every member's last round the frame tells when that log is gone.
  for (const [author, { round }] of stored.frame.authors.entries()) {
    if (author === port.me) port.restore.ownCommitted(round);
    else port.peers.signed(author, round);
  }
  const own = port.restore.ownBeside(stored.own);
  if (own) standOn(port, own);
}

/** An own block of an earlier life, from the log or from beside a frame: the next one stands on it. */
export function standOn(
  {
    rounds,
    persistence,
    orderer,
    pool,
  }: Pick<ResumePort, 'rounds' | 'persistence' | 'orderer' | 'pool'>,
  own: Block,
): void {
  rounds.stand(own);
  persistence.restoredOwn(own);
  if (!orderer.wasCommitted(own.ref)) pool.include(own);
}
