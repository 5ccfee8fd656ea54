// Remembers verdicts, so that no job is done twice.
import { sha256, toHex } from '@fatty/codec';
import type { Verdict } from '@fatty/interface';

/** Verdicts that a verifier thread keeps: some 200 bytes each. */
export const VERDICTS_MAX = 4096;

/**
 * The same check, made once per job: a verdict is a function of the job's bytes alone, so that
 * forgetting one (the one asked least recently, beyond `entriesMax`) costs time and nothing else.
 * The hash is over the whole job, policy and binding included: two jobs never share a verdict.
 */
export function rememberVerdicts(
  runJob: (job: Uint8Array) => Verdict,
  entriesMax: number = VERDICTS_MAX,
): (job: Uint8Array) => Verdict {
  const known = new Map<string, Verdict>();
  return (job) => {
    const key = toHex(sha256(job));
    const verdict = known.get(key) ?? runJob(job);
    known.delete(key);
    known.set(key, verdict);
    const [oldest] = known.keys();
    if (known.size > entriesMax && oldest !== undefined) known.delete(oldest);
    return verdict;
  };
}
