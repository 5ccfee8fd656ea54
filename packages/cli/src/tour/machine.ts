import { readFile } from 'node:fs/promises';
import { encodeProof, inspectProof, type Proof, parseStoneJson } from '@fatty/cairo';
import { type FattyError, isFattyError } from '@fatty/client/node';
import { expectTrue, ms, StepFailed, timed, until } from './screen.ts';
import type { Stage } from './stage.ts';

const PATH = '/demo/worker';
/** Shorter than the default of 12 s, so that the loss can be watched. */
const PERIOD_MS = 4_000;
const CHAIN = 5;

async function loadProof(i: number): Promise<Proof> {
  const url = new URL(`../../../cairo/fixtures/lease-chain/${i}.json`, import.meta.url);
  const parsed = parseStoneJson(await readFile(url, 'utf8'));
  if (!parsed.ok) throw new StepFailed(`lease-chain/${i}.json: ${parsed.failure.code}`);
  return parsed.value;
}

function tampered(proof: Proof): Uint8Array {
  const proofBytes = proof.proofBytes.slice();
  const middle = proofBytes.length >> 1;
  proofBytes[middle] = (proofBytes[middle] ?? 0) ^ 1;
  return encodeProof({ ...proof, proofBytes });
}

async function refusal(work: Promise<unknown>): Promise<FattyError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (isFattyError(error)) return error;
  throw new StepFailed('the proof is refused');
}

const short = (value: bigint): string => `0x${value.toString(16).slice(0, 8)}…`;

/** A lease renewed by proof of work done, with proofs that StarkWare's prover made. */
export async function machine({ alice, screen }: Stage): Promise<void> {
  screen.title('A machine: its lease is renewed by STARK proofs of work done');
  const chain = await Promise.all(Array.from({ length: CHAIN }, (_, i) => loadProof(i)));
  const first = chain[0];
  if (!first) throw new StepFailed('there is a proof');
  const { statement } = inspectProof(first);
  if (!statement) throw new StepFailed('the proof has a statement');
  const { programId } = statement;
  const envelopes = chain.map(encodeProof);
  const proofOf = (i: number): Uint8Array => envelopes[i] ?? new Uint8Array();
  const worker = alice.machine(PATH);
  await worker.declare({ programId, t: 0n, s: 1n, binding: 'open', periodMs: PERIOD_MS });
  screen.say(`${PATH} declared: a Cairo program, state clock t=0, period ${PERIOD_MS / 1000} s`);
  const first10 = await timed(() => worker.take([proofOf(0)]));
  const lease = first10.value;
  screen.say(
    `taken with a proof of ${first.proofBytes.length} bytes in ${ms(first10.ms)}: t=${lease.t}`,
  );
  for (const i of [1, 2]) {
    const renewed = await timed(() => lease.renew([proofOf(i)]));
    screen.say(`renewed in ${ms(renewed.ms)}: t=${lease.t}, s=${short(lease.s)}`);
  }
  const third = chain[3];
  if (!third) throw new StepFailed('there is a fourth proof');
  const lie = await refusal(lease.renew([tampered(third)]));
  screen.say(`one bit of the next proof flipped: refused, ${lie.code}`);
  const replay = await refusal(lease.renew([proofOf(1)]));
  expectTrue(replay.code === 'stale_t', 'a replayed proof is stale');
  screen.say(`an old proof sent again: refused, ${replay.code}`);
  await lease.renew([proofOf(3)]);
  screen.say(`the honest one: t=${lease.t}. Now the worker stalls.`);
  const lost = await timed(() => lease.lost);
  screen.say(`${ms(lost.ms)} later it can no longer be proved: its holder must stop`);
  const taken = await until('the cell takes the lease away', 4 * PERIOD_MS, async () => {
    const now = await worker.state();
    return now.lessee === undefined ? now : undefined;
  });
  screen.say(`and the cell has taken the lease away; the machine waits at t=${taken.t}`);
}
