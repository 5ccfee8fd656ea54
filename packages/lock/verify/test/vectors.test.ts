// Vectors of certified answers, which a second verifier in another language is held to.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { compareBytes, encode, fromHex, hash, type Signer, toHex, utf8 } from '@fatty/codec';
import { nodeScheme } from '@fatty/codec/node';
import {
  type Committee,
  cellIdOf,
  certOf,
  committeeShape,
  DEFAULT_PARAMS,
  signVote,
} from '@fatty/protocol';
import { expect, test } from 'vitest';
import { Client, op, World } from '../../service/test/world.ts';
import {
  checkCertified,
  encodeCertified,
  type Fact,
  type NodeRecord,
  type ProofQuestion,
  subjectOf,
} from '../src/index.ts';

const FILE = new URL('../vectors/answers.json', import.meta.url);
const scheme = nodeScheme();
const signers = [0, 1, 2, 3]
  .map((i) => scheme.signer(hash('vector-member', Uint8Array.of(i))))
  .sort((a, b) => compareBytes(a.publicKey, b.publicKey));
const committee: Committee = {
  epoch: 0,
  members: signers.map(({ publicKey }) => publicKey),
  genesisTs: 1_800_000_000_000,
  params: DEFAULT_PARAMS,
};
const cellId = cellIdOf(committee);
const rules = { committee, cellId, scheme };

interface Vector {
  readonly name: string;
  readonly hex: string;
  /** What it proves; null: nothing. */
  readonly fact: unknown;
}

/** Two sessions, a lock held and waited for, directories of none, one and sixteen children. */
function worldOf(): { world: World; clients: readonly [Client, Client, Client] } {
  const world = new World();
  const [first, second, third] = [new Client(1), new Client(2), new Client(3)];
  world.open(first, op.dir('/d'), op.dir('/d/empty'), op.file('/d/f', 'one'), op.file('/db', 'x'));
  world.open(second, op.write('/d/f', 'two'), op.dir('/many'));
  world.open(third, op.acquire('/d/f', { mode: 'shared' }));
  for (let i = 0; i < 16; i++) world.one(second, op.file(`/many/${i}`, `content ${i}`));
  world.one(first, op.acquire('/db'));
  world.one(second, op.acquire('/db'));
  return { world, clients: [first, second, third] };
}

function subjects(clients: readonly [Client, Client, Client]): readonly ProofQuestion[] {
  const [first, second, third] = clients.map(({ session }) => session);
  const paths = [
    '/',
    '/d',
    '/d/f',
    '/db',
    '/many/7',
    '/none',
    '/d/none',
    '/db/below',
    '/no/way/there',
  ];
  const nodes = paths.map((path): ProofQuestion => ({ kind: 'node', path }));
  const lists = ['/', '/d/empty', '/many', '/db', '/none'].map(
    (path): ProofQuestion => ({ kind: 'list', path, from: 0, bytesMax: 1e6 }),
  );
  const page = (from: number): ProofQuestion => ({
    kind: 'list',
    path: '/many',
    from,
    bytesMax: 2_000,
  });
  if (!first || !second || !third) throw new Error('three sessions');
  const claims = [first, second, third].flatMap((session) =>
    ['/db', '/d/f', '/none'].map((path): ProofQuestion => ({ kind: 'claim', path, session })),
  );
  const receipts = [first, third].flatMap((session) =>
    [0, 1, 9].map((seq): ProofQuestion => ({ kind: 'receipts', session, seq })),
  );
  return [...nodes, ...lists, page(0), page(5), page(15), ...claims, ...receipts];
}

function nodeOf(node: NodeRecord | undefined): unknown {
  if (node === undefined) return null;
  const { id, kind, slot, siblings } = node.body;
  return {
    id: [toHex(id.session), id.seq, id.index],
    file: kind === 'file' ? 1 : 0,
    slot: ['none', 'machine', 'job'].indexOf(slot),
    contents: siblings.map(({ checksum, size }) => [toHex(checksum), size]),
    children: node.children?.count ?? null,
  };
}

function claimOf({ claim }: Extract<Fact, { kind: 'claim' }>): unknown {
  if (claim === undefined) return null;
  const { held, mode, position } = claim.record;
  return {
    held: held ? 1 : 0,
    mode,
    position: [position.commit, position.index],
    holder: toHex(claim.session.client),
    leaseExpiry: claim.session.expiry,
  };
}

/** In plain values, as the second verifier says it. */
function plain(fact: Fact): unknown {
  const { epoch, commit, commitTs, leaseClock } = fact.head;
  const head = [epoch, commit, commitTs, leaseClock];
  if (fact.kind === 'node') return { node: nodeOf(fact.node), head };
  if (fact.kind === 'claim') return { claim: claimOf(fact), head };
  if (fact.kind === 'receipts') return { kept: fact.kept.map(toHex), head };
  const children = fact.children.map(({ name }) => Buffer.from(name).toString());
  return { node: nodeOf(fact.node), from: fact.from, total: fact.total, children, head };
}

/** What the library makes of an answer. */
function judged(name: string, bytes: Uint8Array): Vector {
  const fact = checkCertified(rules, bytes);
  return { name, hex: toHex(bytes), fact: fact.ok ? plain(fact.value) : null };
}

function memberOf(i: number): Signer {
  const signer = signers[i];
  if (signer === undefined) throw new Error('a member');
  return signer;
}

function certified(
  world: World,
  question: ProofQuestion,
  signing = [0, 1, 3],
  epoch = 0,
): Uint8Array {
  const stateRoot = world.service.root();
  const commitDigest = hash('vector-commit', utf8(String(world.commit)));
  const vote = { epoch, index: world.commit, commitDigest, stateRoot };
  const whole = { ...vote, receiptsRoot: stateRoot, frameRoot: commitDigest };
  const votes = signing.map((i) => signVote(cellId, memberOf(i), i, whole));
  const proof = world.service.prove(question);
  if (!proof.ok) throw new Error(proof.failure.code);
  const cert = certOf(committee, votes);
  return encodeCertified({ about: subjectOf(question), cert, proof: proof.value });
}

/** Good answers, each also with a byte changed, and answers that too few or others have signed. */
function vectors(): readonly Vector[] {
  const { world, clients } = worldOf();
  const questions = subjects(clients);
  const good = questions.map((question, i) => judged(`good ${i}`, certified(world, question)));
  const bad = good.flatMap(({ hex }, i) => {
    const bytes = fromHex(hex) ?? new Uint8Array();
    // In the second half: what the answer is about stands in front, and another question has another answer.
    const half = bytes.length >> 1;
    const at = half + ((7_919 * (i + 1)) % half);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (i % 8));
    return [judged(`good ${i} with byte ${at} changed`, bytes)];
  });
  const [question] = questions;
  if (question === undefined) throw new Error('a question');
  const forged = [
    judged('two signatures', certified(world, question, [0, 1])),
    judged('another epoch', certified(world, question, [0, 1, 2], 1)),
  ];
  return [...good, ...bad, ...forged];
}

test('the committed vectors are what this code makes and says', () => {
  const made = { committee: toHex(encode(committeeShape, committee)), answers: vectors() };
  if (process.env.GOLDEN === 'write') writeFileSync(FILE, `${JSON.stringify(made, null, 1)}\n`);
  expect(existsSync(FILE)).toBe(true);
  expect(JSON.parse(readFileSync(FILE, 'utf8'))).toEqual(made);
  const proving = made.answers.filter(({ fact }) => fact !== null);
  expect(proving.map(({ name }) => name)).toEqual(
    made.answers.filter(({ name }) => /^good \d+$/.test(name)).map(({ name }) => name),
  );
});
