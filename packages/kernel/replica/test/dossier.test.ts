// Tests of evidence: kept on disk, passed on, charged when it does not hold (R27b).
import { checkAccusation, contradiction, openAccusation } from '@fatty/broadcast';
import { asDigest, fromHex } from '@fatty/codec';
import { signVote, type Vote, votePair } from '@fatty/protocol';
import { describe, expect, it } from 'vitest';
import { encodeMessage, type PeerMessage, RECORD_ACCUSATION } from '../src/index.ts';
import { forge } from './forge.ts';
import { busy } from './traffic.ts';
import { makeCell, scheme, World } from './world.ts';

function rested(): World {
  const world = new World({ cell: makeCell(4, { checkpointCommits: 3 }) });
  world.start();
  busy(world, 12);
  world.run(60_000);
  return world;
}

function send(world: World, to: number, message: PeerMessage): void {
  world.inject(3, to, encodeMessage(message));
  world.run(1_000);
}

const digest = (byte: number) => asDigest(new Uint8Array(32).fill(byte));

/** What r3 says of a commit. */
function vote(world: World, index: number, byte: number, author = 3) {
  const { cellId, signers } = world.options.cell;
  const signer = signers[author];
  if (signer === undefined) throw new Error('four members');
  const root = digest(byte);
  const roots = { stateRoot: root, receiptsRoot: root, frameRoot: root };
  const what: Vote = { epoch: 0, index, commitDigest: root, ...roots };
  return signVote(cellId, signer, author, what);
}

/** A block of r3 in its first slot, beside whatever is there. */
function twins(world: World) {
  const { cell } = world.options;
  const parents = [3, 0, 1, 2].map((author) => ({ author, round: 0, digest: digest(author) }));
  const [one, two] = [parents, parents.slice(0, 3)].map((some) => forge(cell, 3, 1, some));
  if (one === undefined || two === undefined) throw new Error('two blocks');
  return contradiction(one, two);
}

const evidenceOf = (world: World, index: number) => world.host(index).replica.status().evidence;

function rulesOf(world: World) {
  const { committee, cellId } = world.options.cell;
  return { committee, cellId, scheme };
}

describe('evidence', () => {
  it('of two votes for one commit reaches everybody, and whoever asks can check it', () => {
    const world = rested();
    const at = world.host(0).replica.status().certifiedCommit + 5;
    for (const byte of [1, 2]) send(world, 0, { kind: 'vote', vote: vote(world, at, byte) });
    for (const index of [0, 1, 2]) {
      const [found, ...more] = evidenceOf(world, index);
      expect(more).toEqual([]);
      expect(found).toMatchObject({ member: 3, by: 'votes' });
      const opened = openAccusation(fromHex(found?.evidence ?? '') ?? new Uint8Array());
      if (!opened.ok) return expect.fail(opened.failure.code);
      expect(checkAccusation(rulesOf(world), opened.value)).toEqual({ ok: true, value: 3 });
    }
    expect(evidenceOf(world, 3)).toEqual([]);
  });

  it('of a vote against a certificate is found, whichever came first', () => {
    const world = rested();
    const at = world.host(0).replica.status().certifiedCommit;
    send(world, 0, { kind: 'vote', vote: vote(world, at, 1) });
    expect(evidenceOf(world, 1)).toMatchObject([{ member: 3, by: 'votes' }]);
    const early = rested();
    const next = early.host(0).replica.status().certifiedCommit + 3;
    send(early, 0, { kind: 'vote', vote: vote(early, next, 1) });
    expect(evidenceOf(early, 0)).toEqual([]);
    busy(early, 12, 1);
    early.run(60_000);
    expect(evidenceOf(early, 0)).toMatchObject([{ member: 3 }]);
  });

  it('is on disk, and there again in the next life', () => {
    const world = rested();
    const at = world.host(0).replica.status().certifiedCommit + 5;
    for (const byte of [1, 2]) send(world, 0, { kind: 'vote', vote: vote(world, at, byte) });
    const [before] = [evidenceOf(world, 0)];
    const kept = world.host(0).log.filter(({ type }) => type === RECORD_ACCUSATION);
    expect(kept).toHaveLength(1);
    // Nobody passes it on again.
    for (const index of [0, 1, 2, 3]) world.kill(index);
    world.restart(0);
    expect(evidenceOf(world, 0)).toEqual(before);
  });

  it('is passed on to who comes later', () => {
    const world = rested();
    world.kill(2);
    const at = world.host(0).replica.status().certifiedCommit + 5;
    for (const byte of [1, 2]) send(world, 0, { kind: 'vote', vote: vote(world, at, byte) });
    world.restart(2);
    world.run(1_000);
    expect(evidenceOf(world, 2)).toEqual(evidenceOf(world, 0));
  });

  it('of blocks that somebody passes on is carried in a block, and a commit convicts', () => {
    const world = rested();
    const accusation = { kind: 'blocks', evidence: twins(world) } as const;
    expect(checkAccusation(rulesOf(world), accusation)).toEqual({ ok: true, value: 3 });
    send(world, 0, { kind: 'accusation', accusation });
    busy(world, 6, 1);
    world.run(60_000);
    const convicts = world.host(1).committed.flatMap(({ commit }) => commit.convicted);
    expect(convicts).toEqual([3]);
  });

  it('that does not hold is charged to who sent it; what is known is not looked at', () => {
    const world = rested();
    const host = world.host(0);
    const good = votePair(vote(world, 90, 1), vote(world, 90, 2));
    const bad = votePair(vote(world, 90, 1), { ...vote(world, 90, 2, 2), author: 3 });
    const said = (evidence: typeof good): PeerMessage => {
      return { kind: 'accusation', accusation: { kind: 'votes', evidence } };
    };
    send(world, 0, said(bad));
    expect(host.count('messageRejected', 'bad_signature')).toBe(1);
    expect(evidenceOf(world, 0)).toEqual([]);
    send(world, 0, said(good));
    expect(evidenceOf(world, 0)).toHaveLength(1);
    for (let i = 0; i < 20; i++) send(world, 0, said(bad));
    expect(host.count('messageRejected', 'bad_signature')).toBe(1);
    // Against whom it is told it is nothing: only the key's owner can know who else runs under it.
    send(world, 0, said(votePair(vote(world, 90, 1, 0), vote(world, 90, 2, 0))));
    expect(evidenceOf(world, 0)).toHaveLength(1);
  });
});
