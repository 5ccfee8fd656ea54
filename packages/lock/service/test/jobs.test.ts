// Tests of jobs: their life, and their bounds.
import { decodeJobPieces } from '@fatty/api';
import { hash } from '@fatty/codec';
import { describe, expect, test } from 'vitest';
import { DEFAULT_QUOTAS } from '../src/index.ts';
import { claimed, JOB, JobWorld, LEASE_MS, QUEUE, result, value } from './job-world.ts';
import { code } from './machine-world.ts';
import { Client, op } from './world.ts';

const NO_JOB = { kind: 'error', code: 'no_job' };

describe('the life of a job', () => {
  test('declared, claimed, proved: done, and its file holds the proof', () => {
    const world = new JobWorld();
    const { a } = world;
    expect(world.declare()).toMatchObject({ kind: 'jobDeclared' });
    expect(world.job().status).toBe('ready');
    const { name, nonce, leaseExpiry } = claimed(world.claim(a));
    expect([name, leaseExpiry]).toEqual(['a', world.leaseClock + LEASE_MS]);
    expect(world.job()).toMatchObject({ status: 'claimed', claims: 1, claim: { nonce } });
    const proof = world.next(a);
    expect(world.send(a, proof)).toEqual({
      kind: 'jobProved',
      t: 1n,
      s: 2n,
      done: true,
      leaseExpiry: 0,
    });
    const job = world.job();
    expect(job).toMatchObject({ status: 'done', claim: undefined, proofs: 1, refused: 0 });
    expect(job.progress).toMatchObject({ t: 1n, s: 2n, outputs: [20n] });
    const digest = hash('job-proof', proof.proofs[0] ?? new Uint8Array(0));
    expect(job.proofsDigest).toEqual(hash('job-proofs', hash('job-proofs'), digest));
    const file = world.ask({ kind: 'get', path: JOB });
    if (file.kind !== 'value') throw new Error('a file');
    const pieces = decodeJobPieces(file.siblings[0]?.content ?? new Uint8Array(0));
    const worker = a.signer.publicKey;
    const [envelope] = proof.proofs;
    expect(pieces).toEqual({
      ok: true,
      value: [{ worker, nonce, proofs: [{ digest, envelope }] }],
    });
  });

  test('progress stays when a claim is lost, and so do its proofs', () => {
    const world = new JobWorld();
    const { a, b } = world;
    const inputs = [1n, 2n, 3n, 4n, 5n, 6n].map(value);
    world.declare({ steps: 5n, span: 2n, inputs });
    world.claim(a);
    expect(world.prove(a)).toMatchObject({
      kind: 'jobProved',
      t: 2n,
      s: 1n + 10n + 2n,
      done: false,
    });
    expect(world.job().progress.taken).toBe(4);
    world.step(LEASE_MS - 1);
    expect(world.job().status).toBe('claimed');
    world.step(1);
    expect(world.job()).toMatchObject({ status: 'ready', failedBy: [a.signer.publicKey] });
    claimed(world.claim(b));
    expect(world.prove(b)).toMatchObject({ t: 4n, s: 26n, done: false });
    expect(world.prove(b)).toMatchObject({ t: 5n, s: 27n, done: true });
    const file = world.ask({ kind: 'get', path: JOB });
    const [sibling] = file.kind === 'value' ? file.siblings : [];
    const pieces = decodeJobPieces(sibling?.content ?? new Uint8Array(0));
    const workers = pieces.ok ? pieces.value.map(({ worker }) => worker) : [];
    expect(workers).toEqual([a, b, b].map(({ signer }) => signer.publicKey));
  });

  test('a claim lasts as long as proofs come, and no longer than to the deadline', () => {
    const world = new JobWorld();
    world.declare({ steps: 9n, deadlineMs: 5_000 });
    world.claim(world.a);
    for (const left of [LEASE_MS, LEASE_MS, 1_500]) {
      world.step(1_500);
      const expiry = world.leaseClock + Math.min(left, 5_000 - world.leaseClock);
      expect(world.prove(world.a)).toMatchObject({ done: false, leaseExpiry: expiry });
    }
    world.step(500);
    expect(world.job()).toMatchObject({ status: 'expired', endedAt: world.leaseClock });
    expect(code(world.prove(world.a))).toBe('job_ended');
    expect(world.service.needsTime()).toBe(true);
  });

  test('results of jobs are the inputs of others, as the replicas have them', () => {
    const world = new JobWorld();
    world.declare({ path: '/fleet/a', outputs: 2 });
    world.declare({ path: '/fleet/b', outputs: 0 });
    const inputs = [value(100n), result('/fleet/a', 1), result('/fleet/b')];
    world.declare({ path: '/fleet/c', inputs });
    expect(world.job('/fleet/c')).toMatchObject({ status: 'waiting', values: [] });
    expect(code(world.claim(world.a, '/fleet/c'))).toBe('job_waits');
    for (const [worker, path] of [
      [world.a, '/fleet/a'],
      [world.b, '/fleet/b'],
    ] as const) {
      expect(claimed(world.claim(worker)).name).toBe(path.at(-1));
      expect(world.prove(worker, path)).toMatchObject({ done: true });
    }
    expect(world.job('/fleet/c')).toMatchObject({ status: 'ready', values: [100n, 40n, 2n] });
    claimed(world.claim(world.a));
    expect(world.prove(world.a, '/fleet/c')).toMatchObject({ s: 144n, done: true });
  });

  test('a lost input ends who waits for it, and who waits for those', () => {
    const world = new JobWorld();
    world.declare();
    for (const [path, from] of [
      ['b', 'a'],
      ['c', 'b'],
      ['d', 'c'],
    ]) {
      world.declare({ path: `/fleet/${path}`, inputs: [result(`/fleet/${from}`)] });
    }
    expect(world.one(world.owner, { kind: 'cancelJob', path: JOB })).toMatchObject({
      kind: 'jobCancelled',
    });
    for (const name of ['b', 'c', 'd'])
      expect(world.job(`/fleet/${name}`).status).toBe('input_lost');
    world.declare({ path: '/fleet/e' });
    world.declare({ path: '/fleet/f', inputs: [result('/fleet/e')] });
    world.one(world.owner, { kind: 'removeSubtree', path: '/fleet/e' });
    expect(world.job('/fleet/f').status).toBe('input_lost');
    // Too late: it is known at once.
    world.declare({ path: '/fleet/g', inputs: [result(JOB)] });
    expect(world.job('/fleet/g').status).toBe('input_lost');
  });

  test('higher priorities first, then in the order they were queued', () => {
    const world = new JobWorld({ jobClaimsPerClientMax: 9 });
    for (const [name, priority] of [
      ['a', 1],
      ['b', 3],
      ['c', 1],
      ['d', 3],
    ] as const) {
      world.declare({ path: `/fleet/${name}`, priority });
    }
    const names = [1, 2, 3].map(() => claimed(world.claim(world.a)).name);
    expect(names).toEqual(['b', 'd', 'a']);
    // Back behind those that waited.
    world.one(world.a, {
      kind: 'failJob',
      path: JOB,
      nonce: world.job().claim?.nonce ?? { commit: 0, index: 0 },
    });
    expect([1, 2].map(() => claimed(world.claim(world.b)).name)).toEqual(['c', 'a']);
  });

  test('given up when so many workers have failed it, each of them counted once', () => {
    const world = new JobWorld();
    const { a, b } = world;
    world.declare({ giveUpAfter: 2 });
    for (let i = 0; i < 3; i++) {
      claimed(world.claim(a));
      world.step(LEASE_MS);
      expect(world.claim(a)).toMatchObject({ ...NO_JOB });
      expect(world.claim(a, JOB)).toMatchObject({ code: 'no_job', waitMs: LEASE_MS });
      world.step(LEASE_MS);
    }
    expect(world.job()).toMatchObject({ status: 'ready', claims: 3 });
    const { nonce } = claimed(world.claim(b));
    expect(world.one(b, { kind: 'failJob', path: JOB, nonce })).toMatchObject({ ended: true });
    expect(world.job().status).toBe('given_up');
  });

  test('an ended job is kept as long as was said', () => {
    const world = new JobWorld();
    world.declare({ retainMs: 7_000 });
    world.claim(world.a);
    world.prove(world.a);
    world.step(6_999);
    expect(world.job().status).toBe('done');
    world.step(1);
    expect(world.ask({ kind: 'job', path: JOB })).toMatchObject({ code: 'not_found' });
  });

  test('a page of a queue shows jobs alone', () => {
    const world = new JobWorld();
    world.run(world.owner.batch(op.file('/fleet/0'), op.dir('/fleet/1')));
    for (const name of ['a', 'b', 'c']) world.declare({ path: `/fleet/${name}` });
    world.claim(world.a);
    const page = world.ask({ kind: 'jobs', path: QUEUE, after: undefined, limit: 2 });
    expect(page).toMatchObject({
      entries: [{ name: 'a', status: 'claimed', worker: world.a.signer.publicKey }, { name: 'b' }],
      more: true,
    });
    const rest = world.ask({ kind: 'jobs', path: QUEUE, after: 'b', limit: 2 });
    expect(rest).toMatchObject({ entries: [{ name: 'c', status: 'ready' }], more: false });
    expect(world.ask({ kind: 'jobs', path: '/fleet/0', after: undefined, limit: 2 })).toMatchObject(
      {
        code: 'not_a_directory',
      },
    );
    expect(world.ask({ kind: 'job', path: '/fleet/0' })).toMatchObject({ code: 'not_a_job' });
  });
});

describe('bounds', () => {
  test('of a queue, and of one key in it: ended jobs make room', () => {
    const world = new JobWorld({ jobsPerQueueMax: 3, jobsPerQueueAndClientMax: 2 });
    const { owner, a } = world;
    world.declare({ path: '/fleet/a' });
    world.declare({ path: '/fleet/b' });
    expect(world.declare({ path: '/fleet/c' })).toMatchObject({
      code: 'queue_full',
      expected: 'at most 2 of yours',
    });
    world.declare({ path: '/fleet/c' }, a);
    expect(world.declare({ path: '/fleet/d' }, a)).toMatchObject({
      code: 'queue_full',
      expected: 'at most 3',
    });
    world.one(owner, { kind: 'cancelJob', path: JOB });
    expect(world.declare({ path: '/fleet/d' }, a)).toMatchObject({ kind: 'jobDeclared' });
  });

  test('of those that wait for one job', () => {
    const world = new JobWorld({ dependentsPerJobMax: 2 });
    world.declare();
    const inputs = [result(JOB)];
    for (const name of ['b', 'c']) world.declare({ path: `/fleet/${name}`, inputs });
    expect(code(world.declare({ path: '/fleet/d', inputs }))).toBe('too_many_dependents');
  });

  test('what a commit has no room for is settled at the next, also after a restore', () => {
    const world = new JobWorld({ ...DEFAULT_QUOTAS, effectsPerCommitMax: 3 });
    const copy = new JobWorld({ ...DEFAULT_QUOTAS, effectsPerCommitMax: 3 });
    world.declare();
    for (const name of ['b', 'c', 'd', 'e', 'f']) {
      world.declare({ path: `/fleet/${name}`, inputs: [result(JOB)] });
      world.declare({ path: `/fleet/${name}${name}`, inputs: [result(`/fleet/${name}`)] });
    }
    world.one(world.owner, { kind: 'cancelJob', path: JOB });
    const lost = (one: JobWorld): number => {
      const page = one.ask({ kind: 'jobs', path: QUEUE, after: undefined, limit: 99 });
      const entries = page.kind === 'jobs' ? page.entries : [];
      return entries.filter(({ status }) => status === 'input_lost').length;
    };
    expect(lost(world)).toBe(3);
    for (const after of [6, 9, 10, 10]) {
      copy.service.restore(world.service.snapshot());
      [copy.commit, copy.leaseClock] = [world.commit, world.leaseClock];
      copy.step(0);
      world.step(0);
      expect(lost(world)).toBe(after);
      expect(copy.service.snapshot()).toEqual(world.service.snapshot());
    }
  });

  test('an owner without room keeps no worker from its result: the digest is kept', () => {
    const world = new JobWorld({ bytesPerClientMax: 300 });
    world.declare();
    world.claim(world.a);
    const proof = world.next(world.a);
    expect(world.send(world.a, proof)).toMatchObject({ done: true });
    const file = world.ask({ kind: 'get', path: JOB });
    const [sibling] = file.kind === 'value' ? file.siblings : [];
    const pieces = decodeJobPieces(sibling?.content ?? new Uint8Array(0));
    const [piece] = pieces.ok ? pieces.value : [];
    const digest = hash('job-proof', proof.proofs[0] ?? new Uint8Array(0));
    expect(piece?.proofs).toEqual([{ digest, envelope: undefined }]);
  });

  test('a job outlives the session of its worker, and claims end with their node', () => {
    const world = new JobWorld({ jobClaimsPerClientMax: 1 });
    const { a, owner } = world;
    world.declare();
    world.claim(a);
    world.one(a, { kind: 'closeSession' });
    const again = new Client(2, 5);
    world.open(again);
    expect(code(world.claim(again))).toBe('too_many_claims');
    world.one(owner, { kind: 'removeSubtree', path: JOB });
    world.declare({ path: '/fleet/b' });
    expect(world.claim(again)).toMatchObject({ kind: 'jobClaimed', name: 'b' });
    expect(code(world.send(again, world.next(again, '/fleet/b')))).toBeUndefined();
  });
});
