// Tour (c): a machine.
import { readFile } from 'node:fs/promises';
import {
  encodeProof,
  inspectProof,
  type Proof,
  parseStoneJson,
  type Statement,
} from '@fatty/cairo-verify';
import { freed, type Pace, paced, secs, short } from './pace.ts';
import { expectTrue, ms, StepFailed, timed } from './screen.ts';
import type { Stage } from './stage.ts';

const CHAIN = 5;

async function loadProof(i: number): Promise<Proof> {
  const file = import.meta.resolve(`@fatty/cairo-verify/fixtures/lease-chain/${i}.json`);
  const parsed = parseStoneJson(await readFile(new URL(file), 'utf8'));
  if (!parsed.ok) throw new StepFailed(`lease-chain/${i}.json: ${parsed.failure.code}`);
  return parsed.value;
}

function tampered(proof: Proof): Uint8Array {
  const proofBytes = proof.proofBytes.slice();
  const middle = proofBytes.length >> 1;
  proofBytes[middle] = (proofBytes[middle] ?? 0) ^ 1;
  return encodeProof({ ...proof, proofBytes });
}

interface Proofs {
  readonly programId: Statement['programId'];
  /** Bytes of the first proof. */
  readonly bytes: number;
  readonly envelopes: readonly Uint8Array[];
  /** The fourth, with one bit flipped. */
  readonly tampered: Uint8Array;
}

async function loadProofs(): Promise<Proofs> {
  const chain = await Promise.all(Array.from({ length: CHAIN }, (_, i) => loadProof(i)));
  const [first, , , fourth] = chain;
  if (!first || !fourth) throw new StepFailed('there are proofs');
  const { statement } = inspectProof(first);
  if (!statement) throw new StepFailed('the proof has a statement');
  const { programId } = statement;
  const envelopes = chain.map(encodeProof);
  return { programId, bytes: first.proofBytes.length, envelopes, tampered: tampered(fourth) };
}

/** A lease renewed by proof of work done, with proofs that StarkWare's prover made. */
export async function machine(stage: Stage): Promise<void> {
  stage.screen.title('A machine: its lease is renewed by STARK proofs of work done');
  const proofs = await loadProofs();
  await paced(stage, (pace) => keepAndLose(stage, proofs, pace));
}

async function keepAndLose({ alice, screen }: Stage, proofs: Proofs, pace: Pace): Promise<void> {
  const { programId, bytes, envelopes, tampered: flipped } = proofs;
  const proofOf = (i: number): Uint8Array => envelopes[i] ?? new Uint8Array();
  const { periodMs } = pace;
  const worker = alice.machine(pace.named('/demo/worker'));
  await worker.declare({ programId, t: 0n, s: 1n, binding: 'open', periodMs });
  screen.say(`${worker.path} declared: a Cairo program, state clock t=0, period ${secs(periodMs)}`);
  const taken = await timed(() => worker.take([proofOf(0)]));
  const lease = taken.value;
  screen.say(`taken with a proof of ${bytes} bytes in ${ms(taken.ms)}: t=${lease.t}`);
  for (const i of [1, 2]) {
    const renewed = await timed(() => pace.held(lease.renew([proofOf(i)])));
    screen.say(`renewed in ${ms(renewed.ms)}: t=${lease.t}, s=${short(lease.s)}`);
  }
  const lie = await pace.refusal(lease.renew([flipped]));
  expectTrue(lie.code.startsWith('bad_'), `a tampered proof is refused as such, not ${lie.code}`);
  screen.say(`one bit of the next proof flipped: refused, ${lie.code}`);
  const replay = await pace.refusal(lease.renew([proofOf(1)]));
  expectTrue(replay.code === 'stale_t', `a replayed proof is stale, not ${replay.code}`);
  screen.say(`an old proof sent again: refused, ${replay.code}`);
  await pace.held(lease.renew([proofOf(3)]));
  screen.say(`the honest one: t=${lease.t}. Now the worker stalls.`);
  const lost = await timed(() => lease.lost);
  screen.say(`${ms(lost.ms)} later it can no longer be proved: its holder must stop`);
  const free = await freed(alice, worker.path);
  screen.say(`and the cell has taken the lease away; the machine waits at t=${free.t}`);
}
