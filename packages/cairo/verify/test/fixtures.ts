// Proofs by StarkWare's prover, and ways to change them.
import { readFileSync } from 'node:fs';
import { toHex } from '@fatty/codec';
import type { Outcome } from '@fatty/interface';
import {
  COMMITTEE_POLICY,
  type Policy,
  type Program,
  type Proof,
  type PublicInput,
  parseProgram,
  parseStoneJson,
  type TranscriptEvent,
} from '../src/index.ts';

export const fixtureText = (name: string): string =>
  readFileSync(new URL(`../fixtures/${name}`, import.meta.url), 'utf8');

export function proofOf(text: string): Proof {
  const proof = parseStoneJson(text);
  if (!proof.ok) throw new Error(JSON.stringify(proof.failure));
  return proof.value;
}

export const fixture = (name: string): Proof => proofOf(fixtureText(name));

export const leaseChain = (): Proof[] =>
  [0, 1, 2, 3, 4].map((i) => fixture(`lease-chain/${i}.json`));

export function leaseTick(): Program {
  const program = parseProgram(fixtureText('lease-tick.json'));
  if (!program.ok) throw new Error(JSON.stringify(program.failure));
  return program.value;
}

export const withInput = (proof: Proof, change: Partial<PublicInput>): Proof => ({
  ...proof,
  publicInput: { ...proof.publicInput, ...change },
});

export const withParameters = (proof: Proof, change: Partial<Proof['parameters']>): Proof => ({
  ...proof,
  parameters: { ...proof.parameters, ...change },
});

/** Public memory with cell `i` (counted from the end when negative) replaced. */
export function withCell(
  proof: Proof,
  i: number,
  change: Partial<PublicInput['publicMemory'][number]>,
): Proof {
  const cells = [...proof.publicInput.publicMemory];
  const at = i < 0 ? cells.length + i : i;
  const cell = cells[at];
  if (cell === undefined) throw new Error(`no cell ${i}`);
  cells[at] = { ...cell, ...change };
  return withInput(proof, { publicMemory: cells });
}

export function withByte(proof: Proof, at: number, change: number): Proof {
  const proofBytes = Uint8Array.from(proof.proofBytes);
  proofBytes[at] = (proofBytes[at] ?? 0) ^ change;
  return { ...proof, proofBytes };
}

/** For tests that must get past the policy with a weak proof. */
export const NO_POLICY: Policy = { ...COMMITTEE_POLICY, bitsMin: 0, nQueriesMin: 0 };

/** A transcript line as StarkWare's verifier prints it. */
export function annotation({ from, label, start, end, values }: TranscriptEvent): string {
  const hex = (value: Uint8Array | bigint): string =>
    `0x${BigInt(value instanceof Uint8Array ? `0x${toHex(value)}` : value).toString(16)}`;
  const [first = 0n] = values;
  let shown = `Field Element${values.length > 1 ? 's' : ''}(${values.map(hex).join(', ')})`;
  if (first instanceof Uint8Array) shown = `Hash(${hex(first)})`;
  else if (label.includes('QueryIndices')) shown = `Number(${first})`;
  else if (label.endsWith('POW')) shown = `Data(${hex(first)})`;
  const head = from === 'prover' ? `P->V[${start}:${end}]` : 'V->P';
  return `${head}: ${label}: ${shown}`;
}

/** Bytes as text: comparing 40,000 of them one by one takes a second. */
export const shown = (outcome: Outcome<Proof>): unknown =>
  outcome.ok
    ? { ...outcome.value, proofBytes: Buffer.from(outcome.value.proofBytes).toString('hex') }
    : outcome.failure;
