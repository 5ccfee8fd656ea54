// What to do about an error, in one sentence.
import type { OpOutcome } from '@fatty/core';

/** Of the codes that applications meet; the others follow from what is known of a retry. */
const BY_CODE: Readonly<Record<string, string>> = {
  aborted: 'Your own signal ended it.',
  timeout: 'Allow more time (timeoutMs), or see why the replicas named here are slow.',
  closed: 'Connect again: this client is closed.',
  overloaded: 'Await some calls before you make more.',
  unreachable: 'See that the replicas run and can be reached from here (fatty status).',
  plain_refused:
    'Give the replicas certificates (wss), or allow insecure on a path that you trust.',
  not_authenticated: 'See that this is the cell of these replicas, and that they admit this key.',
  wrong_cell_id: 'See that address and cell id belong together.',
  session_expired: 'Call again, which opens a session, and take your locks again.',
  in_jeopardy: 'Stop what this protected; go on when the session is safe, and take it again.',
  lock_lost: 'Stop what this protected, and take it again.',
  lock_released: 'Take it again: it was given back.',
  lock_held: 'Wait for it with acquire, or see who has it with lockState.',
  held: 'Wait until its lease has run out.',
  max_wait: 'Allow a longer wait (maxWaitMs), or see who has it with lockState.',
  access_denied: 'Have this key granted it (acl), or open the handle for it.',
  key_rotated: 'Connect with the key that acts now (keys.stat).',
  key_revoked: 'Connect with the key of another client: nobody acts for this one any more.',
  cell_unreadable: 'Name the cell.json that fatty up or fatty init has written.',
  bad_cell_file: 'Name the cell.json that fatty up or fatty init has written.',
  bad_path: 'Mend the path that is named here.',
  bad_argument: 'Mend the argument that is named here.',
  bad_answer: 'See that this SDK is not older than the cell.',
  sdk_fault: 'Report it with its cause: the mistake is ours.',
  not_found: 'Create it first; parents makes what is above it.',
  exists: 'Choose another name, or write to what is there.',
  wrong_mode:
    'Write a guarded file with a generation or a lock, a shared one with neither (mode of create).',
  already_held: 'Go on with the lock that you have, or release it first.',
  generation_mismatch: 'Read it again, and write over what is there now.',
  not_empty: 'Remove what is below it first, or all of it (recursive).',
  no_prover: 'Install @fatty/cairo beside @fatty/client.',
};

/** What an error says that its advice depends on. */
export interface Advised {
  readonly code: string;
  readonly retryable: boolean;
  readonly outcome: OpOutcome;
  readonly waitMs: number | undefined;
}

/** One sentence, or two where the outcome is not known. */
export function adviceFor({ code, retryable, outcome, waitMs }: Advised): string {
  const known = Object.hasOwn(BY_CODE, code) ? BY_CODE[code] : undefined;
  const later = waitMs === undefined ? 'Call again a little later.' : `Call again in ${waitMs} ms.`;
  const never =
    outcome === 'applied'
      ? 'There is nothing to do: it was applied.'
      : 'Mend the call: the same one would fail again.';
  const unsure = outcome === 'unknown' ? ' It may have happened: look before you repeat it.' : '';
  return (known ?? (retryable ? later : never)) + unsure;
}
