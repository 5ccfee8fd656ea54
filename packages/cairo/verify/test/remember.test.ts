// A verifier's memory of verdicts.
import { reject } from '@fatty/codec';
import type { Verdict } from '@fatty/interface';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCairoVerifier, encodeJob, encodeProof, MACHINE_POLICY } from '../src/index.ts';
import { rememberVerdicts } from '../src/verifier/remember.ts';
import { leaseChain } from './fixtures.ts';

/** Says yes to jobs of an even first byte, and notes what it was asked. */
function counting(): { asked: number[]; runJob: (job: Uint8Array) => Verdict } {
  const asked: number[] = [];
  const runJob = (job: Uint8Array): Verdict => {
    const [first = 0] = job;
    asked.push(first);
    return first % 2 === 0 ? { kind: 'accept' } : reject('odd', 'even', `${first}`);
  };
  return { asked, runJob };
}

describe('verdicts that are remembered', () => {
  it('are those of the check, which is made again only for what was forgotten', () => {
    const jobs = fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 60 });
    fc.assert(
      fc.property(jobs, fc.integer({ min: 1, max: 5 }), (order, entriesMax) => {
        const { asked, runJob } = counting();
        const remembered = rememberVerdicts(runJob, entriesMax);
        const expected: number[] = [];
        let recent: number[] = [];
        for (const one of order) {
          if (!recent.includes(one)) expected.push(one);
          recent = [...recent.filter((other) => other !== one), one].slice(-entriesMax);
          expect(remembered(Uint8Array.of(one))).toEqual(counting().runJob(Uint8Array.of(one)));
        }
        expect(asked).toEqual(expected);
      }),
    );
  });

  it('belong to the whole job: another policy or binding is another job', async () => {
    const { runJob } = await createCairoVerifier();
    const remembered = rememberVerdicts(runJob);
    const [proof] = leaseChain();
    if (proof === undefined) throw new Error('no proof');
    const job = {
      proofs: [encodeProof(proof)],
      policy: MACHINE_POLICY,
      programId: undefined,
      binding: undefined,
      extra: 0,
    };
    const strict = { ...job, policy: { ...MACHINE_POLICY, bitsMin: 128 } };
    for (const _ of [1, 2]) {
      expect(remembered(encodeJob(job))).toEqual({ kind: 'accept' });
      expect(remembered(encodeJob({ ...job, binding: 5n }))).toMatchObject({
        code: 'wrong_binding',
      });
      expect(remembered(encodeJob(strict))).toMatchObject({ code: 'policy_bits' });
    }
  });
});
