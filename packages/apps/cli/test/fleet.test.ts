// Tests of the fleet demo: its plan, its audit, and what it takes for a success.
import { createCairoVerifier } from '@fatty/cairo';
import { startTestCell } from '@fatty/client/testing';
import { proverPool, runJobs } from '@fatty/client/worker';
import { toHex } from '@fatty/codec';
import { describe, expect, it } from 'vitest';
import { type Audited, auditJob } from '../src/fleet/audit.ts';
import type { Hand } from '../src/fleet/crew.ts';
import { countsOf, factsOf, type Heard, type Story } from '../src/fleet/facts.ts';
import { FLEET, PROGRAMS, planJobs, QUEUE } from '../src/fleet/graph.ts';
import type { Role, Told } from '../src/fleet/messages.ts';
import { EXIT } from '../src/terminal/io.ts';
import { fatty } from './fatty.ts';

const LEASE_MS = 12_000;
const FIELD = 2n ** 251n + 17n * 2n ** 192n + 1n;

describe('the plan', () => {
  it('is a graph: jobs use the results of jobs before them, in one proof and in several', () => {
    const jobs = planJobs(40, LEASE_MS);
    expect(jobs).toHaveLength(40);
    for (const [i, { terms, values }] of jobs.entries()) {
      const inputs = terms.inputs ?? [];
      expect(values).toHaveLength(inputs.length);
      for (const [k, input] of inputs.entries()) {
        if (typeof input === 'bigint') expect(values[k]).toBe(input);
        else {
          const source = jobs.findIndex(({ path }) => path === input.path);
          expect(source).toBeLessThan(i);
          expect(values[k]).toBe(jobs[source]?.result.s);
        }
      }
    }
    expect(new Set(jobs.map(({ terms }) => terms.steps / terms.span))).toEqual(new Set([1n, 2n]));
    const [, , , , sum] = planJobs(10, LEASE_MS);
    const total = sum?.values.reduce((all, one) => all + one) ?? 0n;
    expect(sum?.result.s).toBe(total % FIELD);
  });

  it('demands a demo that there is, and sizes that leave the faults something', async () => {
    for (const line of [['nothing'], ['fleet', '--jobs', '3'], ['fleet', '--workers', '2']]) {
      const { code, err } = await fatty('demo', ...line);
      expect([code, err]).toEqual([EXIT.usage, expect.stringContaining('expected')]);
    }
  });
});

it('the audit passes what is right, and finds other results, inputs and missing proofs', async () => {
  await using cell = await startTestCell();
  const client = await cell.connect();
  const prover = proverPool({ threads: 1 });
  const [leaf, , , , , sum] = planJobs(8, LEASE_MS);
  if (leaf === undefined || sum === undefined) throw new Error('there are jobs');
  const terms = { ...sum.terms, inputs: sum.values };
  const undone = planJobs(8, LEASE_MS)[1] ?? leaf;
  await client.create(FLEET, { node: 'directory' });
  await client.create(QUEUE, { node: 'directory' });
  await client.job(leaf.path).declare(leaf.terms);
  await client.job(sum.path).declare({ ...terms, keepProofs: true });
  const programs = Object.values(PROGRAMS).map(({ program }) => program);
  await runJobs(client, { path: QUEUE, programs, prover, wait: false });
  await prover.close();
  await client.job(undone.path).declare(undone.terms);
  const verifier = await createCairoVerifier();
  const flawsOf = async (job: typeof sum): Promise<string> =>
    (await auditJob(client, job, verifier)).flaws.join('; ');
  expect([await flawsOf(leaf), await flawsOf(sum)]).toEqual(['', '']);
  const { result } = sum;
  expect(await flawsOf({ ...sum, result: { ...result, s: result.s + 1n } })).toMatch(
    /its program says/,
  );
  expect(await flawsOf({ ...sum, result: { ...result, outputs: [1n, 1n] } })).toMatch(
    /outputs are/,
  );
  expect(await flawsOf({ ...sum, values: [9n, ...sum.values.slice(1)] })).toMatch(/other inputs/);
  const other = { ...sum.terms, programId: leaf.terms.programId };
  expect(await flawsOf({ ...sum, terms: other })).toMatch(/wrong_program/);
  expect(await flawsOf(undone)).toMatch(/is ready.*do not lead/);
});

describe('what it takes for a success', () => {
  const hand = (name: string, role: Role, key: string): Hand =>
    ({ name, key, orders: { role } }) as unknown as Hand;
  const [a, b] = [hand('a', 'coordinator', '0a'), hand('b', 'coordinator', '0b')];
  const [liar, good] = [hand('w', 'liar', '11'), hand('g', 'honest', '22')];
  const lies = ['one', 'two', 'three', 'four'];
  const told = (by: Hand, ...all: Told[]): Heard[] => all.map((one) => ({ hand: by, told: one }));
  const heard: readonly Heard[] = [
    ...told(a, { kind: 'leads', token: '1' }),
    ...told(liar, ...lies.map((lie) => ({ kind: 'refused', path: '/j', lie, code: lie }) as const)),
    ...told(b, { kind: 'leads', token: '2' }, { kind: 'fenced', code: 'lock_mismatch' }),
    ...told(good, { kind: 'proved', path: '/j', done: true }),
  ];
  const state = { claims: 2, failedBy: [Uint8Array.of(0x11)] };
  const audited = [{ state, proofs: 1, flaws: [] } as unknown as Audited];
  const story: Story = {
    hands: [a, b, liar, good],
    heard,
    audited,
    killedCoordinator: a,
    foundMaster: true,
  };
  const failing = (change: Partial<Story>): number =>
    factsOf({ ...story, ...change }).filter(({ holds }) => !holds).length;
  const without = (kind: Told['kind']) => heard.filter((one) => one.told.kind !== kind);

  it('is all of it', () => {
    expect(failing({})).toBe(0);
    expect(toHex(state.failedBy[0] ?? new Uint8Array())).toBe(liar.key);
    const refused = { one: 1, two: 1, three: 1, four: 1 };
    const numbers = { jobs: 1, proofs: 1, claims: 2, claimsLost: 1, retries: 1, leaders: 2 };
    expect(countsOf(story)).toEqual({ ...numbers, refused });
  });

  it.each<[string, Partial<Story>]>([
    ['a flaw', { audited: audited.map((one) => ({ ...one, flaws: ['wrong'] })) }],
    [
      'a liar whose claim stayed',
      {
        audited: [
          { state: { claims: 1, failedBy: [] }, proofs: 1, flaws: [] } as unknown as Audited,
        ],
      },
    ],
    [
      'a job completed twice',
      { heard: [...heard, ...told(good, { kind: 'proved', path: '/j', done: true })] },
    ],
    [
      'a lie that was not tried',
      { heard: heard.filter(({ told: one }) => one.kind !== 'refused' || one.lie !== 'two') },
    ],
    [
      'a lie that was believed',
      { heard: [...heard, ...told(liar, { kind: 'believed', path: '/j', lie: 'one' })] },
    ],
    ['no coordinator killed', { killedCoordinator: undefined }],
    ['no fence met', { heard: without('fenced') }],
    [
      'a fence that let through',
      { heard: [...without('fenced'), ...told(b, { kind: 'fenced', code: 'declared' })] },
    ],
    ['a token that fell', { heard: [...heard, ...told(a, { kind: 'leads', token: '1' })] }],
    ['a master that nobody finds', { foundMaster: false }],
  ])('fails with %s', (_, change) => {
    expect(failing(change)).toBeGreaterThan(0);
  });
});
