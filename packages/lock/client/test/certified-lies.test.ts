// What a gateway may say that proves something else, or nothing: every lie is caught before it is believed.
import { compareBytes, hash, ok } from '@fatty/codec';
import { nodeScheme } from '@fatty/codec/node';
import type { CallOutcome } from '@fatty/core';
import type { Failure } from '@fatty/interface';
import {
  type Cert,
  type Committee,
  cellIdOf,
  certOf,
  DEFAULT_PARAMS,
  signVote,
} from '@fatty/protocol';
import { FalseProofs, PROOF_LIES, type ProofLie } from '@fatty/testnet';
import { expect, test } from 'vitest';
import { Client, op, World } from '../../service/test/world.ts';
import { type Asking, certifiedFile, certifiedList, prove } from '../src/sdk/certified.ts';

const scheme = nodeScheme();
const signers = [0, 1, 2, 3]
  .map((i) => scheme.signer(hash('lies-member', Uint8Array.of(i))))
  .sort((a, b) => compareBytes(a.publicKey, b.publicKey));
const committee: Committee = {
  epoch: 0,
  members: signers.map(({ publicKey }) => publicKey),
  genesisTs: 1_800_000_000_000,
  params: DEFAULT_PARAMS,
};
const cellId = cellIdOf(committee);
const { session } = new Client(1);

type Event = Parameters<FalseProofs['step']>[0];
type Effects = ReturnType<FalseProofs['step']>;

interface Scene {
  readonly world: World;
  readonly client: Client;
}

function sceneOf(): Scene {
  const [world, client] = [new World(), new Client(1)];
  const files = PROOF_LIES.filter((lie) => !lie.includes('listing') && !lie.includes('page'));
  world.open(client, ...files.map((lie) => op.file(`/${lie}`, 'one')));
  for (const directory of ['/trimmed-listing', '/short-page']) {
    world.one(client, op.dir(directory));
    for (const name of ['a', 'b', 'c']) world.one(client, op.file(`${directory}/${name}`));
  }
  return { world, client };
}

/** A quorum has signed the state as it is. */
function certificate({ service, commit }: World): Cert {
  const [stateRoot, digest] = [service.root(), hash('any', Uint8Array.of(1))];
  const vote = {
    epoch: 0,
    index: commit,
    commitDigest: digest,
    stateRoot,
    receiptsRoot: stateRoot,
    frameRoot: digest,
  };
  return certOf(
    committee,
    signers.slice(0, 3).map((signer, i) => signVote(cellId, signer, i, vote)),
  );
}

/** A replica that proves the state of now. */
function honest(world: World) {
  return {
    step(event: Event): Effects {
      if (event.kind !== 'prove') return [];
      const proof = world.service.provable().prove(event.question);
      if (!proof?.ok) throw new Error(JSON.stringify(proof));
      const value = { index: world.commit, cert: certificate(world), proof: proof.value };
      return [{ kind: 'proved', tag: event.tag, answer: ok(value) }];
    },
    resume: () => {
      throw new Error('no past');
    },
    restore: () => [],
  };
}

/** Asks a liar once for each question; what proves nothing, or too little, is a failure of the call. */
function asking(world: World, flaws: Failure[], lies: ProofLie[]): Asking {
  const liar = new FalseProofs(honest(world), (lie) => lies.push(lie));
  let tag = 0;
  const answer = (request: Parameters<Asking['call']>[0]): CallOutcome => {
    if (request.kind !== 'prove') throw new Error(request.kind);
    const { question, minCommit, check } = request;
    const [effect] = liar.step({ kind: 'prove', tag: tag++, question, minCommit, nowMs: 0 });
    if (effect?.kind !== 'proved' || !effect.answer.ok) throw new Error('no answer');
    const { cert, proof } = effect.answer.value;
    const commit = check({ cert, proof });
    if (commit.ok && commit.value >= minCommit) {
      return { kind: 'proved', cert, proof, commit: commit.value, replica: 0 };
    }
    const stale = { code: 'stale_answer', expected: `${minCommit}`, actual: 'older' };
    const failure = commit.ok ? stale : commit.failure;
    flaws.push(failure);
    return { kind: 'failed', failure, outcome: 'not_applied', retryable: true };
  };
  return {
    core: { attach: () => undefined },
    rules: { genesis: committee, links: [], cellId, scheme },
    call: (request) => ({ call: tag, outcome: Promise.resolve(answer(request)) }),
  };
}

const ASKS: Readonly<Record<ProofLie, (driver: Asking, scene: Scene) => Promise<unknown>>> = {
  'wrong-value': (driver) => certifiedFile(driver, '/wrong-value', {}),
  async 'old-value'(driver, { world, client }) {
    await certifiedFile(driver, '/old-value', {});
    world.one(client, op.write('/old-value', 'two'));
    const minPosition = { commit: world.commit, index: 0 };
    return certifiedFile(driver, '/old-value', { minPosition });
  },
  'wrong-absence': (driver) => prove(driver, { kind: 'node', path: '/wrong-absence' }, {}),
  'trimmed-listing': (driver) => certifiedList(driver, '/trimmed-listing', {}),
  'short-page': (driver) => certifiedList(driver, '/short-page', {}),
  'stranger-holds': (driver) =>
    prove(driver, { kind: 'claim', path: '/stranger-holds', session }, {}),
  'forged-receipt': (driver) => prove(driver, { kind: 'receipts', session, seq: 0 }, {}),
};

test.each(Object.entries(ASKS))('%s is caught', async (lie, ask) => {
  const [flaws, lies]: [Failure[], ProofLie[]] = [[], []];
  const scene = sceneOf();
  const driver = asking(scene.world, flaws, lies);
  const said = await ask(driver, scene).catch((error: unknown) => error);
  expect(lies).toContain(lie);
  expect(flaws).toHaveLength(1);
  expect(said).toMatchObject({ code: flaws[0]?.code });
});
