// Fencing certificates: what a resource believes of them.
import { showPosition } from '@fatty/api';
import { asCellId, asSessionId, equalBytes, hash, standIn, utf8 } from '@fatty/codec';
import type { Digest } from '@fatty/interface';
import { type Committee, certOf, DEFAULT_PARAMS, signVote, type Vote } from '@fatty/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CELL, Client, keyOf, op, World } from '../../service/test/world.ts';
import { checkFencing, encodeCertified, Fence } from '../src/index.ts';

const scheme = standIn();
const signers = [0, 1, 2, 3].map((i) => scheme.signer(hash('fencing-test', Uint8Array.of(i))));
const sorted = [...signers].sort((a, b) => (a.publicKey.join() < b.publicKey.join() ? -1 : 1));
const committee: Committee = {
  epoch: 0,
  members: sorted.map(({ publicKey }) => publicKey),
  genesisTs: 0,
  params: DEFAULT_PARAMS,
};
const rules = { committee, cellId: CELL, scheme };

/** What members sign of the state as it stands. */
function voteOn({ service, commit }: World, other: Partial<Vote> = {}): Vote {
  const stateRoot = service.root();
  const digest = hash('fencing-test', utf8(String(commit)));
  const rest = { commitDigest: digest, receiptsRoot: stateRoot, frameRoot: digest };
  return { epoch: 0, index: commit, stateRoot, ...rest, ...other };
}

function certify(vote: Vote, members = [0, 1, 2]): ReturnType<typeof certOf> {
  const signed = members.map((i) => {
    const signer = sorted[i];
    if (signer === undefined) throw new Error('a member');
    return signVote(CELL, signer, i, vote);
  });
  return certOf(committee, signed);
}

function certificateOf(
  world: World,
  { session }: Client,
  path: string,
  vote = voteOn(world),
): Uint8Array {
  const proof = world.service.prove({ kind: 'claim', path, session });
  if (!proof.ok) throw new Error(proof.failure.code);
  return encodeCertified({
    about: { kind: 'claim', path, session },
    cert: certify(vote),
    proof: proof.value,
  });
}

/** Two clients after one lock: the first holds it. */
function twoClients(): { world: World; first: Client; second: Client } {
  const world = new World();
  const [first, second] = [new Client(1), new Client(2)];
  world.open(first, op.file('/db'), op.acquire('/db'));
  world.open(second, op.acquire('/db'));
  return { world, first, second };
}

const codeOf = (outcome: ReturnType<typeof checkFencing>): string =>
  outcome.ok ? 'ok' : outcome.failure.code;

test('the certificate of a holder names path, holder, generation and lease', () => {
  const { world, first } = twoClients();
  const grant = checkFencing(rules, certificateOf(world, first, '/db'));
  if (!grant.ok) throw new Error(grant.failure.code);
  const lock = world.ask({ kind: 'lock', path: '/db' });
  const [holder] = lock.kind === 'lock' ? lock.holders : [];
  expect(grant.value.generation).toEqual(holder?.position);
  expect(grant.value.leaseExpiry).toBe(holder?.leaseExpiry);
  expect(equalBytes(grant.value.holder, first.signer.publicKey)).toBe(true);
  expect(grant.value.commit).toBe(world.commit);
});

test('a hold goes on under another key: certificates of before and after are good, and name the key of their commit', () => {
  const { world, first } = twoClients();
  const [oldKey, fresh] = [first.signer.publicKey, keyOf(50)];
  const before = certificateOf(world, first, '/db');
  world.one(first, first.rotation(fresh));
  const after = certificateOf(world, first, '/db');
  const fence = new Fence(rules);
  const grants = [before, after, before].map((one) => fence.admit('/db', one));
  expect(grants.map(codeOf)).toEqual(['ok', 'ok', 'ok']);
  const holders = grants.map((one) => one.ok && one.value.holder);
  expect(holders).toEqual([oldKey, fresh.publicKey, oldKey]);
  const generations = grants.map((one) => one.ok && showPosition(one.value.generation));
  expect(new Set(generations).size).toBe(1);
});

test('who waits, or has nothing to do with the lock, gets no certificate', () => {
  const { world, second } = twoClients();
  expect(codeOf(checkFencing(rules, certificateOf(world, second, '/db')))).toBe('not_held');
  expect(codeOf(checkFencing(rules, certificateOf(world, second, '/other')))).toBe('not_held');
  const nobody = new Client(9);
  expect(codeOf(checkFencing(rules, certificateOf(world, nobody, '/db')))).toBe('not_held');
});

test('a resource goes on for the newest generation that it has seen, and for no lower one', () => {
  const { world, first, second } = twoClients();
  const fence = new Fence(rules);
  const old = certificateOf(world, first, '/db');
  expect(codeOf(fence.admit('/db', old))).toBe('ok');
  expect(codeOf(fence.admit('/db', old))).toBe('ok');
  world.one(first, op.release('/db'));
  const next = certificateOf(world, second, '/db');
  expect(codeOf(fence.admit('/db', next))).toBe('ok');
  expect(codeOf(fence.admit('/db', old))).toBe('stale_generation');
  expect(codeOf(fence.admit('/other', next))).toBe('other_path');
  // The memory of a resource that was started again.
  expect(codeOf(new Fence(rules, fence.seen).admit('/db', old))).toBe('stale_generation');
});

test('generations of one commit are told apart by their place in it', () => {
  const { world, first } = twoClients();
  const certificate = certificateOf(world, first, '/db');
  const grant = checkFencing(rules, certificate);
  if (!grant.ok) throw new Error(grant.failure.code);
  const { commit, index } = grant.value.generation;
  const seen = (place: number): Fence => {
    const any = { commit, index: place };
    return new Fence(rules, [['/db', { any, exclusive: any }]]);
  };
  expect(codeOf(seen(index).admit('/db', certificate))).toBe('ok');
  expect(codeOf(seen(index + 1).admit('/db', certificate))).toBe('stale_generation');
});

test('those who share a lock go on beside one another, until somebody has it alone', () => {
  const world = new World();
  const [one, two, alone] = [new Client(1), new Client(2), new Client(3)];
  world.open(one, op.file('/db'), op.acquire('/db', { mode: 'shared' }));
  world.open(two, op.acquire('/db', { mode: 'shared' }));
  world.open(alone, op.acquire('/db'));
  const [first, second] = [one, two].map((client) => certificateOf(world, client, '/db'));
  if (!first || !second) throw new Error('two certificates');
  const fence = new Fence(rules);
  for (const shown of [second, first, second]) {
    expect(codeOf(fence.admit('/db', shown))).toBe('ok');
  }
  for (const client of [one, two]) world.one(client, op.release('/db'));
  expect(codeOf(fence.admit('/db', certificateOf(world, alone, '/db')))).toBe('ok');
  for (const shown of [first, second]) {
    expect(codeOf(fence.admit('/db', shown))).toBe('stale_generation');
  }
  // And who had it alone, when somebody shares it since.
  const before = certificateOf(world, alone, '/db');
  world.one(alone, op.release('/db'));
  world.one(one, op.acquire('/db', { mode: 'shared' }));
  expect(codeOf(fence.admit('/db', certificateOf(world, one, '/db')))).toBe('ok');
  expect(codeOf(fence.admit('/db', before))).toBe('stale_generation');
});

test('a certificate is held to its committee, its commit and its state', () => {
  const { world, first } = twoClients();
  const certificate = certificateOf(world, first, '/db');
  const other = { ...committee, epoch: 1 };
  expect(codeOf(checkFencing({ ...rules, committee: other }, certificate))).toBe('wrong_epoch');
  const elsewhere = { ...rules, cellId: asCellId(hash('another cell')) };
  expect(codeOf(checkFencing(elsewhere, certificate))).toBe('bad_signature');
  const root = hash('another state') as Digest;
  const forged = certificateOf(world, first, '/db', voteOn(world, { stateRoot: root }));
  expect(codeOf(checkFencing(rules, forged))).toBe('wrong_root');
  const later = certificateOf(world, first, '/db', voteOn(world, { index: world.commit + 1 }));
  expect(codeOf(checkFencing(rules, later))).toBe('bad_proof');
  const proof = world.service.prove({ kind: 'claim', path: '/db', session: first.session });
  if (!proof.ok) throw new Error(proof.failure.code);
  const about = { kind: 'claim', path: '/db', session: first.session } as const;
  const few = { about, cert: certify(voteOn(world), [0, 1]) };
  expect(codeOf(checkFencing(rules, encodeCertified({ ...few, proof: proof.value })))).toBe(
    'no_quorum',
  );
  const stranger = asSessionId(new Uint8Array(32));
  const cert = certify(voteOn(world));
  const borrowed = encodeCertified({
    about: { kind: 'claim', path: '/db', session: stranger },
    cert,
    proof: proof.value,
  });
  expect(checkFencing(rules, borrowed).ok).toBe(false);
});

test('with any byte changed a certificate is worth nothing', () => {
  const { world, first } = twoClients();
  const certificate = certificateOf(world, first, '/db');
  fc.assert(
    fc.property(fc.nat(certificate.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const changed = Uint8Array.from(certificate);
      changed[at] = (changed[at] ?? 0) ^ flip;
      expect(checkFencing(rules, changed).ok).toBe(false);
    }),
    { numRuns: 500 },
  );
});
