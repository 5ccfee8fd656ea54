// Rules of form that several ops share.
import { ACCEPT, reject } from '@fatty/codec';
import type { Verdict } from '@fatty/interface';
import { CELLS_MAX, cellCount } from './inbox.ts';
import type { MachinePolicy } from './machine-policy.ts';
import { OUTPUTS_MAX } from './ops.ts';
import { splitWritable } from './path.ts';

/** Committee minimum of a proof policy (conjectured bits). */
export const BITS_MIN = 96;
/** Committee minimum: 160-bit commitments. */
export const COLLISION_BITS_MIN = 80;

/** Whether a number is in its range. */
export function within(
  code: string,
  value: number,
  min: number,
  max: number,
  unit: string,
): Verdict {
  if (value >= min && value <= max) return ACCEPT;
  return reject(code, `${min}..${max} ${unit}`, String(value));
}

/** The first refusal of a list, or accept. */
export function all(...verdicts: readonly Verdict[]): Verdict {
  return verdicts.find((verdict) => verdict.kind !== 'accept') ?? ACCEPT;
}

/** Code `bad_path`, `reserved_path`. */
export function checkPath(path: string): Verdict {
  const segments = splitWritable(path);
  return segments.ok ? ACCEPT : { kind: 'reject', ...segments.failure };
}

/** `window` 0: no inbox. */
export function checkCells(outputs: number, window: number): Verdict {
  return all(
    within('bad_outputs', outputs, 0, OUTPUTS_MAX, 'cells'),
    within('bad_inbox', cellCount(window, outputs), 0, CELLS_MAX, 'cells with in and outputs'),
  );
}

/** Code `bad_policy`. */
export function checkBits({ bitsMin, collisionBitsMin }: MachinePolicy): Verdict {
  return all(
    within('bad_policy', bitsMin, BITS_MIN, 1024, 'security bits'),
    within('bad_policy', collisionBitsMin, COLLISION_BITS_MIN, 128, 'collision bits'),
  );
}
