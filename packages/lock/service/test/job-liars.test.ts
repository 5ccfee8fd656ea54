// Tests of what lying workers, thieves of proofs and lying coordinators can do to jobs.
import { type Acl, aclOf, INBOX_START, inboxChain } from '@fatty/api';
import { bindingCell } from '@fatty/cairo-verify';
import { describe, expect, test } from 'vitest';
import { claimed, JOB, JobWorld, LEASE_MS, result, value } from './job-world.ts';
import { code } from './machine-world.ts';
import { at, CELL, type Client, op } from './world.ts';

const NO_JOB = { kind: 'error', code: 'no_job' };

/** `in` of a job that has taken in its one input, 7. */
const IN = inboxChain(INBOX_START, 7n);

describe('a lying worker', () => {
  test.each([
    [
      'wrong_program',
      {
        words: [
          0x40780017fff7fffn,
          0n,
          0x1104800180018000n,
          4n,
          0x10780017fff7fffn,
          0n,
          0x208b7fff7fff7ffen,
          9n,
        ],
      },
    ],
    ['below_policy', { commitmentHash: 'keccak256_masked160_lsb' }],
    ['wrong_t', { to: [2n, 4n] as const }],
    ['wrong_t', { from: [1n, 1n] as const, to: [2n, 4n] as const }],
    ['wrong_s', { from: [0n, 5n] as const }],
    ['wrong_in', { outputs: [0n, 8n, 0n, 0n, 0n, 1n] }],
    ['wrong_in', { outputs: [IN, 8n, 0n, 0n, 0n, 1n] }],
    ['wrong_in', { outputs: [IN, 7n, 0n, 9n, 0n, 1n] }],
    ['wrong_in', { outputs: [0n, 7n, 9n, 0n, 0n, 1n] }],
    ['wrong_in', { outputs: [1n, 7n, 0n, 0n, 0n, 1n] }],
    ['bad_proof', { outputs: [1n] }],
  ])('%s: refused, counted, and the next worker has the job', (expected, claim) => {
    const world = new JobWorld();
    const { a, b } = world;
    world.declare({ inputs: [value(7n)] });
    world.claim(a);
    const sent = world.proof(a, claim);
    // A statement of another length is refused where proofs are read.
    if (expected === 'bad_proof') {
      expect(world.send(a, sent)).toBe('lease_cells');
      return;
    }
    expect(code(world.send(a, sent))).toBe(expected);
    expect(world.job()).toMatchObject({ status: 'ready', refused: 1, refusal: expected });
    expect(world.claim(a)).toMatchObject(NO_JOB);
    claimed(world.claim(b));
    expect(world.prove(b)).toMatchObject({ done: true, s: 9n });
  });

  test.each([1n, 3n, 5n])('goes to t = %d where the span ends at 2', (tTo) => {
    const world = new JobWorld();
    world.declare({ steps: 5n, span: 2n });
    world.claim(world.a);
    expect(code(world.send(world.a, world.proof(world.a, { to: [tTo, 9n] })))).toBe('wrong_t');
    expect(world.job()).toMatchObject({ status: 'ready', progress: { t: 0n }, refusal: 'wrong_t' });
  });

  test('a false STARK never gets as far as the order', () => {
    const world = new JobWorld();
    world.declare();
    world.claim(world.a);
    expect(world.send(world.a, world.proof(world.a, { lie: true }))).toBe('bad_stark');
    expect(world.job()).toMatchObject({ status: 'claimed', refused: 0 });
  });

  test('says other counts of cells than the job declared', () => {
    for (const [expected, extra] of [
      ['bad_outputs', { outputs: 2, inbox: 0 }],
      ['bad_inbox', { outputs: 1, inbox: 1 }],
    ] as const) {
      const world = new JobWorld();
      world.declare();
      world.claim(world.a);
      const cells = extra.inbox > 0 ? [0n, 0n, 1n] : [1n, 1n];
      const sent = { ...world.proof(world.a, { outputs: cells }), ...extra };
      expect(code(world.send(world.a, sent))).toBe(expected);
      expect(world.job()).toMatchObject({ status: 'ready', refusal: expected });
    }
  });

  test('stalls: the job goes on after one lease, and it has one claim after another at most', () => {
    const world = new JobWorld({ jobClaimsPerClientMax: 2 });
    for (const name of ['a', 'b', 'c']) world.declare({ path: `/fleet/${name}` });
    for (const name of ['a', 'b']) expect(claimed(world.claim(world.a)).name).toBe(name);
    expect(code(world.claim(world.a))).toBe('too_many_claims');
    world.step(LEASE_MS);
    expect(world.claim(world.a)).toMatchObject({ kind: 'jobClaimed', name: 'c' });
    expect([1, 2].map(() => claimed(world.claim(world.b)).name)).toEqual(['a', 'b']);
  });

  test('who is not named gets nothing, by the queue or by the path', () => {
    const world = new JobWorld();
    world.declare({ workers: [world.b.signer.publicKey] });
    expect(world.claim(world.a)).toMatchObject(NO_JOB);
    expect(code(world.claim(world.a, JOB))).toBe('not_worker');
    expect(world.claim(world.b, JOB)).toMatchObject({ kind: 'jobClaimed' });
    expect(world.claim(world.a, JOB)).toMatchObject({ code: 'job_claimed', waitMs: LEASE_MS });
  });
});

describe('a thief of proofs, a replaying worker', () => {
  test('a proof is good for its worker alone', () => {
    const world = new JobWorld();
    const { a, b } = world;
    world.declare();
    world.claim(a);
    const stolen = world.next(a);
    // Bound to a: no replica lets it pass under b's name.
    expect(world.send(b, stolen)).toBe('wrong_binding');
    // b's own proof for a's claim.
    expect(code(world.send(b, world.next(b)))).toBe('not_claimant');
    expect(world.job()).toMatchObject({ status: 'claimed', refused: 0 });
    expect(world.send(a, stolen)).toMatchObject({ done: true });
  });

  test('a proof of an earlier claim is stale, whoever claimed then', () => {
    const world = new JobWorld();
    const { a, b } = world;
    world.declare();
    world.claim(a);
    const early = world.next(a);
    world.step(LEASE_MS);
    expect(code(world.send(a, early))).toBe('not_claimant');
    world.step(LEASE_MS);
    claimed(world.claim(a));
    expect(code(world.send(a, early))).toBe('wrong_nonce');
    // It may have been overtaken by its own claim: it keeps it.
    expect(world.job()).toMatchObject({ status: 'claimed', refused: 1 });
    expect(world.send(a, { kind: 'failJob', path: JOB, nonce: early.nonce })).toMatchObject({
      code: 'wrong_nonce',
    });
    expect(world.send(b, { kind: 'failJob', path: JOB, nonce: early.nonce })).toMatchObject({
      code: 'not_claimant',
    });
    expect(world.prove(a)).toMatchObject({ done: true });
  });

  test('nothing is proved twice: not a step, not a job', () => {
    const world = new JobWorld();
    const { a } = world;
    world.declare({ steps: 2n });
    world.claim(a);
    const first = world.next(a);
    expect(world.send(a, first)).toMatchObject({ t: 1n });
    expect(code(world.send(a, first))).toBe('stale_t');
    expect(world.job().status).toBe('claimed');
    const last = world.next(a);
    expect(world.send(a, last)).toMatchObject({ t: 2n, done: true });
    expect(code(world.send(a, last))).toBe('job_ended');
    expect(world.job().proofs).toBe(2);
  });

  test('a proof is good for its path alone', () => {
    const world = new JobWorld();
    const { a } = world;
    world.declare();
    world.declare({ path: '/fleet/b' });
    world.claim(a);
    world.claim(a);
    const other = world.next(a, '/fleet/b');
    expect(world.send(a, { ...other, path: JOB })).toBe('wrong_binding');
    const nonce = world.job('/fleet/b').claim?.nonce ?? { commit: 0, index: 0 };
    const binding = bindingCell(CELL, JOB, a.signer.publicKey, nonce);
    expect(code(world.send(a, { ...world.proof(a, { binding }), nonce }))).toBe('wrong_nonce');
  });
});

describe('a lying coordinator', () => {
  test('one that lost its lock declares nothing under it, and its successor may cancel', () => {
    const world = new JobWorld();
    const { owner, a: next, b } = world;
    world.run(owner.batch(op.file('/leader')));
    const held = world.one(owner, op.acquire('/leader'));
    if (held.kind !== 'granted') throw new Error('a lock');
    const fence = { path: '/leader', lockGen: held.lockGen };
    expect(world.declare({ fence })).toMatchObject({ kind: 'jobDeclared' });
    world.one(owner, op.release('/leader'));
    const again = world.one(next, op.acquire('/leader'));
    if (again.kind !== 'granted') throw new Error('a lock');
    expect(code(world.declare({ path: '/fleet/b', fence }))).toBe('lock_mismatch');
    const own = { path: '/leader', lockGen: again.lockGen };
    expect(code(world.declare({ path: '/fleet/b', fence: own }))).toBe('lock_mismatch');
    expect(code(world.declare({ path: '/fleet/b', fence }, next))).toBe('lock_mismatch');
    expect(world.declare({ path: '/fleet/b', fence: own }, next)).toMatchObject({
      kind: 'jobDeclared',
    });
    expect(code(world.one(b, { kind: 'cancelJob', path: JOB }))).toBe('not_job_owner');
    expect(world.one(next, { kind: 'cancelJob', path: JOB })).toMatchObject({
      kind: 'jobCancelled',
    });
    expect(code(world.one(next, { kind: 'cancelJob', path: JOB }))).toBe('job_ended');
  });

  test('declares a job again, with other inputs: the first one stands', () => {
    const world = new JobWorld();
    world.declare({ inputs: [value(1n)] });
    expect(code(world.declare({ inputs: [value(2n)] }))).toBe('exists');
    expect(world.job().values).toEqual([1n]);
    expect(code(world.one(world.a, op.set(JOB, 'forged', at(1, 0))))).toBe('not_a_file');
    expect(code(world.one(world.a, op.file(JOB, 'forged')))).toBe('wrong_kind');
  });

  test('names what is no job, or no output of it', () => {
    const world = new JobWorld();
    world.run(world.owner.batch(op.file('/f')));
    world.declare();
    const declare = (path: string, output?: number): unknown =>
      code(world.declare({ path: '/fleet/b', inputs: [result(path, output)] }));
    expect(declare('/none')).toBe('not_found');
    expect(declare('/f')).toBe('not_a_job');
    expect(declare('/fleet/b')).toBe('not_found');
    expect(declare(JOB, 1)).toBe('bad_job');
  });

  test.each([
    ['bad_job', { path: `/fleet/${'n'.repeat(65)}` }],
    ['bad_job', { steps: 0n }],
    ['bad_job', { span: 0n }],
    ['bad_job', { inputs: [1n, 2n, 3n].map(value), window: 1, steps: 2n }],
    ['bad_job', { deadlineMs: LEASE_MS - 1 }],
    ['bad_job', { retainMs: 31 * 24 * 3_600_000 }],
    ['bad_job', { giveUpAfter: 0 }],
    ['bad_job', { giveUpAfter: 17 }],
    ['bad_period', { leaseMs: 1 }],
    ['bad_inbox', { window: 32, inputs: [value(1n)] }],
    ['bad_outputs', { outputs: 31 }],
    ['bad_policy', { policy: { layout: 'plain', bitsMin: 95, collisionBitsMin: 124 } }],
    ['bad_policy', { policy: { layout: 'none', bitsMin: 96, collisionBitsMin: 124 } }],
    ['bad_path', { inputs: [result('none')] }],
    ['reserved_path', { fence: { path: '/.sys/x', lockGen: { commit: 0, index: 0 } } }],
  ])('%s: terms out of range are refused by their form', (expected, extra) => {
    expect(new JobWorld().declare(extra)).toBe(expected);
  });
});

test('lists guard a queue, each job of it, and what jobs come to', () => {
  const world = new JobWorld();
  const { owner, a, b } = world;
  const anyone = { kind: 'anyone' } as const;
  const keyOf = ({ signer }: Client) => ({ kind: 'key', key: signer.publicKey }) as const;
  const restrict = (path: string, lists: Partial<Acl>): unknown => {
    const asked = world.ask({ kind: 'acl', path });
    if (asked.kind !== 'acl') throw new Error('an ACL');
    const acl = aclOf({ read: [anyone], write: [anyone], change: [anyone], ...lists });
    return world.one(owner, { kind: 'setAcl', path, acl, generation: asked.aclGen });
  };
  world.declare();
  world.declare({ path: '/fleet/b' });
  expect(restrict(JOB, { read: [keyOf(owner)], write: [keyOf(owner), keyOf(b)] })).toMatchObject({
    kind: 'aclSet',
  });
  // The queue shows each worker what it may have.
  expect(code(world.claim(a, JOB))).toBe('access_denied');
  expect(claimed(world.claim(a)).name).toBe('b');
  expect(claimed(world.claim(b)).name).toBe('a');
  const inputs = [result(JOB)];
  expect(code(world.declare({ path: '/fleet/c', inputs }, a))).toBe('access_denied');
  expect(world.declare({ path: '/fleet/c', inputs })).toMatchObject({ kind: 'jobDeclared' });
  const seen = world.service.query(
    { kind: 'jobs', path: '/fleet', after: undefined, limit: 9 },
    a.signer.publicKey,
  );
  expect(seen).toMatchObject({ entries: [{ name: 'b' }, { name: 'c' }] });
  restrict('/fleet', { write: [keyOf(owner)] });
  expect(code(world.claim(a))).toBe('access_denied');
  expect(code(world.declare({ path: '/fleet/d' }, a))).toBe('access_denied');
});
