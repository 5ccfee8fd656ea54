// Whether a statement is about the wanted program and bound to the wanted lessee.
import { demand } from '@fatty/cairo-air';
import { equalBytes, toHex } from '@fatty/codec';
import type { Digest } from '@fatty/interface';
import type { Statement } from '../statement/statement.ts';

/** @throws Rejected `wrong_program` */
export function demandProgram(statement: Statement, wanted: Digest | undefined): void {
  if (wanted === undefined) return;
  const holds = equalBytes(statement.programId, wanted);
  demand(holds, 'wrong_program', toHex(wanted), toHex(statement.programId));
}

/** @throws Rejected `wrong_binding` */
export function demandBinding(binding: bigint, wanted: bigint | undefined): void {
  const holds = wanted === undefined || binding === wanted;
  demand(holds, 'wrong_binding', `0x${wanted?.toString(16)}`, `0x${binding.toString(16)}`);
}
