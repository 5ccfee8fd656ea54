// Answers of later epochs: checked along the chain, from the cell id alone; a second verifier is held to the vectors.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import {
  asDigest,
  compareBytes,
  encode,
  fromHex,
  hash,
  type Signer,
  toHex,
  utf8,
} from '@fatty/codec';
import { nodeScheme } from '@fatty/codec/node';
import {
  type Change,
  type Committee,
  cellIdOf,
  certOf,
  committeeShape,
  DEFAULT_PARAMS,
  type EpochLink,
  signVote,
} from '@fatty/protocol';
import { describe, expect, test } from 'vitest';
import { linkFor } from '../../core/test/links-of.ts';
import { Client, op, World } from '../../service/test/world.ts';
import {
  CellChain,
  checkBundle,
  checkCertified,
  checkFencing,
  encodeBundle,
  encodeCertified,
  Fence,
  type ProofQuestion,
  subjectOf,
} from '../src/index.ts';

const FILE = new URL('../vectors/epochs.json', import.meta.url);
const scheme = nodeScheme();
const signers: readonly Signer[] = Array.from({ length: 7 }, (_, i) =>
  scheme.signer(hash('vector-member', Uint8Array.of(i))),
);
const keyOf = (i: number) => (signers[i] as Signer).publicKey;
const genesis: Committee = {
  epoch: 0,
  members: [0, 1, 2, 3].map(keyOf).sort(compareBytes),
  genesisTs: 1_800_000_000_000,
  params: DEFAULT_PARAMS,
};
const cellId = cellIdOf(genesis);
const pinned = { cellId, scheme };

/** Three changes: a member replaced, one added, one gone. The commits that ended them: 100, 200, 300. */
const CHANGES: readonly Change[] = [
  { kind: 'replace', old: keyOf(3), key: keyOf(4) },
  { kind: 'add', key: keyOf(5) },
  { kind: 'remove', old: keyOf(0) },
];
const links: EpochLink[] = [];
const committees: Committee[] = [genesis];
for (const [i, change] of CHANGES.entries()) {
  const committee = committees[i] as Committee;
  const end = { index: 100 * (i + 1), leaseClock: 1_000 * i };
  const link = linkFor({ committee, cellId, scheme }, signers, [change], end);
  links.push(link);
  committees.push(link.frame.end?.next ?? committee);
}

/** A cell of one lock, whose holder has it. */
function cell(): { world: World; holder: Client } {
  const world = new World();
  const holder = new Client(1);
  world.open(holder, op.file('/db', 'x'), op.acquire('/db'));
  return { world, holder };
}

interface Signing {
  readonly epoch: number;
  /** Whose members sign, when not those of the epoch. */
  readonly by?: number;
  /** Other than that of the state. */
  readonly index?: number;
  readonly count?: number;
}

function certified(
  world: World,
  question: ProofQuestion,
  { epoch, by, index, count }: Signing,
): Uint8Array {
  const committee = committees[by ?? epoch] as Committee;
  const stateRoot = world.service.root();
  const digest = asDigest(hash('vector-commit', utf8(`${world.commit}`)));
  const vote = { epoch, index: index ?? world.commit, commitDigest: digest, stateRoot };
  const whole = { ...vote, receiptsRoot: stateRoot, frameRoot: digest };
  const n = committee.members.length;
  const authors = committee.members.map((_, i) => i).slice(0, count ?? n - Math.floor((n - 1) / 3));
  const votes = authors.map((i) => {
    const key = committee.members[i] as Uint8Array;
    const signer = signers.find(({ publicKey }) => compareBytes(publicKey, key) === 0) as Signer;
    return signVote(cellId, signer, i, whole);
  });
  const proof = world.service.prove(question);
  if (!proof.ok) throw new Error(proof.failure.code);
  const cert = certOf(committee, votes);
  return encodeCertified({ about: subjectOf(question), cert, proof: proof.value });
}

/** Goes on until this commit. */
function until(world: World, commit: number): World {
  while (world.commit < commit) {
    const epoch = links.filter(({ frame }) => frame.index <= world.commit).length;
    world.step(1, [], { epoch });
  }
  return world;
}

const NODE: ProofQuestion = { kind: 'node', path: '/db' };
const codeOf = (outcome: { ok: true } | { ok: false; failure: { code: string } }): string =>
  outcome.ok ? 'ok' : outcome.failure.code;

describe('along the chain', () => {
  const { world } = cell();
  until(world, 150);
  const chain = (count: number): CellChain => {
    const opened = CellChain.open({ ...pinned, genesis, links: links.slice(0, count) });
    if (!opened.ok) throw new Error(opened.failure.code);
    return opened.value;
  };

  test('an answer is held against the members of its own epoch', () => {
    const answer = certified(world, NODE, { epoch: 1 });
    expect(codeOf(checkCertified(chain(1), answer))).toBe('ok');
    expect(codeOf(checkCertified(chain(3), answer))).toBe('ok');
    expect(codeOf(checkCertified({ ...pinned, genesis, links }, answer))).toBe('ok');
    expect(codeOf(checkCertified(chain(0), answer))).toBe('needs_links');
    expect(codeOf(checkCertified({ ...pinned, committee: genesis }, answer))).toBe('wrong_epoch');
    expect(codeOf(checkCertified(chain(3), certified(world, NODE, { epoch: 1, by: 0 })))).not.toBe(
      'ok',
    );
    expect(codeOf(checkCertified(chain(3), certified(world, NODE, { epoch: 1, count: 2 })))).toBe(
      'no_quorum',
    );
  });

  test('members of an epoch prove nothing of commits before or after it', () => {
    // Commit 150 is of epoch 1; those of epoch 0 and 2 have signed it all the same.
    expect(codeOf(checkCertified(chain(3), certified(world, NODE, { epoch: 0 })))).toBe(
      'wrong_epoch',
    );
    expect(codeOf(checkCertified(chain(3), certified(world, NODE, { epoch: 2 })))).toBe(
      'wrong_epoch',
    );
    // Who does not know yet that epoch 0 is over cannot see that.
    expect(codeOf(checkCertified(chain(0), certified(world, NODE, { epoch: 0 })))).toBe('ok');
    const last = until(cell().world, 100);
    expect(codeOf(checkCertified(chain(3), certified(last, NODE, { epoch: 0 })))).toBe(
      'wrong_epoch',
    );
  });

  test('a chain grows by links of any epoch on, and is led nowhere else by others', () => {
    const growing = chain(0);
    expect(growing.grow(links.slice(0, 2))).toEqual({ ok: true, value: 2 });
    expect(growing.grow(links)).toEqual({ ok: true, value: 3 });
    expect(growing.links).toEqual(links);
    expect(codeOf(chain(0).grow(links.slice(1)))).toBe('wrong_epoch');
    const few = linkFor(
      { committee: genesis, ...pinned },
      signers,
      [{ kind: 'renew' }],
      { index: 9, leaseClock: 0 },
      2,
    );
    expect(codeOf(chain(0).grow([few]))).toBe('no_quorum');
    const other = { ...genesis, genesisTs: 1 };
    expect(codeOf(CellChain.open({ ...pinned, genesis: other, links: [] }))).toBe('wrong_cell_id');
  });
});

describe('a bundle', () => {
  const { world, holder } = cell();
  until(world, 250);
  const question: ProofQuestion = { kind: 'claim', path: '/db', session: holder.session };
  const bundleOf = (signing: Signing, count = links.length): Uint8Array =>
    encodeBundle({
      genesis,
      links: links.slice(0, count),
      answer: certified(world, question, signing),
    });

  test('is checked by who knows the cell id and nothing else', () => {
    expect(codeOf(checkBundle(pinned, bundleOf({ epoch: 2 })))).toBe('ok');
    expect(codeOf(checkBundle(pinned, bundleOf({ epoch: 2 }, 1)))).toBe('needs_links');
    const other = { ...genesis, genesisTs: 1 };
    const foreign = encodeBundle({ genesis: other, links: [], answer: bundleOf({ epoch: 0 }) });
    expect(codeOf(checkBundle(pinned, foreign))).toBe('wrong_cell_id');
    expect(codeOf(checkBundle(pinned, certified(world, question, { epoch: 2 })))).not.toBe('ok');
  });

  test('moves a fence on, which takes no certificate of an earlier epoch from then on', () => {
    const fence = new Fence(pinned);
    const early = until(cell().world, 50);
    const old = encodeBundle({
      genesis,
      links: [],
      answer: certified(early, question, { epoch: 0 }),
    });
    expect(fence.admit('/db', old).ok).toBe(true);
    const grant = fence.admit('/db', bundleOf({ epoch: 2 }, 2));
    expect(grant).toMatchObject({ ok: true, value: { epoch: 2 } });
    // The members of then may have sold their keys.
    expect(codeOf(fence.admit('/db', old))).toBe('wrong_epoch');
    expect(fence.admit('/db', certified(world, question, { epoch: 2 })).ok).toBe(true);
    expect(
      codeOf(
        checkFencing({ ...pinned, genesis, links: [] }, certified(world, question, { epoch: 2 })),
      ),
    ).toBe('needs_links');
    expect(codeOf(new Fence(pinned).admit('/db', certified(world, question, { epoch: 0 })))).toBe(
      'needs_links',
    );
  });
});

interface Vector {
  readonly name: string;
  readonly hex: string;
  /** Epoch and commit of what it proves; null: nothing. */
  readonly fact: readonly number[] | null;
}

function vectors(): readonly Vector[] {
  const { world } = cell();
  const at = (commit: number, signing: Signing): Uint8Array =>
    certified(until(world, commit), NODE, signing);
  const judged = (name: string, count: number, answer: Uint8Array): Vector => {
    const hex = toHex(encodeBundle({ genesis, links: links.slice(0, count), answer }));
    const fact = checkBundle(pinned, fromHex(hex) ?? new Uint8Array());
    return { name, hex, fact: fact.ok ? [fact.value.head.epoch, fact.value.head.commit] : null };
  };
  const first = at(50, { epoch: 0 });
  const second = at(150, { epoch: 1 });
  const early = at(150, { epoch: 0 });
  const later = at(150, { epoch: 2 });
  const third = at(250, { epoch: 2 });
  const newest = at(350, { epoch: 3 });
  const few = at(350, { epoch: 3, count: 2 });
  const strangers = at(350, { epoch: 3, by: 0 });
  const rows = [
    judged('epoch 0, no links', 0, first),
    judged('epoch 0, all links', 3, first),
    judged('epoch 1', 1, second),
    judged('epoch 2', 3, third),
    judged('epoch 3', 3, newest),
    judged('links too few', 2, newest),
    judged('signed by epoch 0 behind its end', 3, early),
    judged('signed by epoch 2 before its beginning', 3, later),
    judged('two signatures', 3, few),
    judged('members of the genesis', 3, strangers),
  ];
  const bytes = fromHex(rows[4]?.hex ?? '') ?? new Uint8Array();
  const broken = Array.from({ length: 12 }, (_, i) => {
    const changed = Uint8Array.from(bytes);
    const place = Math.floor(((i + 0.5) * bytes.length) / 12);
    changed[place] = (changed[place] ?? 0) ^ (1 << (i % 8));
    const fact = checkBundle(pinned, changed);
    const said = fact.ok ? [fact.value.head.epoch, fact.value.head.commit] : null;
    return { name: `epoch 3 with byte ${place} changed`, hex: toHex(changed), fact: said };
  });
  return [...rows, ...broken];
}

test('the committed vectors are what this code makes and says', () => {
  const made = {
    cell: toHex(cellId),
    genesis: toHex(encode(committeeShape, genesis)),
    bundles: vectors(),
  };
  if (process.env.GOLDEN === 'write') writeFileSync(FILE, `${JSON.stringify(made, null, 1)}\n`);
  expect(existsSync(FILE)).toBe(true);
  expect(JSON.parse(readFileSync(FILE, 'utf8'))).toEqual(made);
  const proving = made.bundles.filter(({ fact }) => fact !== null).map(({ name }) => name);
  expect(proving).toEqual([
    'epoch 0, no links',
    'epoch 0, all links',
    'epoch 1',
    'epoch 2',
    'epoch 3',
  ]);
});
