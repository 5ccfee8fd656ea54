// Votes on checkpoints and the certificates they make (R27).
import { asDigest, encode, hash, toHex } from '@fatty/codec';
import type { StateMachine } from '@fatty/interface';
import {
  type CertRules,
  checkCert,
  openVote,
  type SignedVote,
  signedVoteShape,
  signVote,
  type Vote,
} from '@fatty/protocol';
import { describe, expect, it } from 'vitest';
import { decodeMessage, encodeMessage, type PeerMessage, RECORD_VOTE } from '../src/index.ts';
import { bareMachine } from './bare-machine.ts';
import { busy } from './traffic.ts';
import { type Cell, type Host, listAlgorithm, makeCell, scheme, World } from './world.ts';

const SMALL = { checkpointCommits: 3 };

function rulesOf({ committee, cellId }: Cell): CertRules {
  return { committee, cellId, scheme };
}

const messageOf = (bytes: Uint8Array): PeerMessage | undefined => {
  const message = decodeMessage(bytes, bytes.length);
  return message.ok ? message.value : undefined;
};

const voteIn = ({ core }: Pick<SignedVote, 'core'>): Vote => {
  const vote = openVote(core);
  if (!vote.ok) throw new Error(vote.failure.code);
  return vote.value;
};

/** Every vote that its own author sent, by author and commit, as hex. */
class Heard {
  readonly votes = new Map<string, Set<string>>();
  readonly certs: Extract<PeerMessage, { kind: 'cert' }>[] = [];
  hear(from: number, bytes: Uint8Array): void {
    const message = messageOf(bytes);
    if (message?.kind === 'cert') this.certs.push(message);
    if (message?.kind !== 'vote' || message.vote.author !== from) return;
    const name = `${from}/${voteIn(message.vote).index}`;
    this.votes.set(name, (this.votes.get(name) ?? new Set()).add(toHex(message.vote.core)));
  }
}

const certified = (host: Host): number => host.replica.status().certifiedCommit;

/** A machine whose root is another than its state's from the commit on. */
function wrongFrom(commit: number, cell: Cell): StateMachine {
  const context = { cellId: cell.cellId, epoch: 0, members: cell.committee.members };
  const machine = bareMachine(listAlgorithm, context);
  const [root, applyCommit] = [machine.root.bind(machine), machine.applyCommit.bind(machine)];
  let last = 0;
  machine.applyCommit = (input) => {
    last = input.index;
    return applyCommit(input);
  };
  machine.root = () => (last < commit ? root() : hash('wrong', root()));
  return machine;
}

/** The machines of these replicas go wrong from a commit on. */
function worldWithWrong(wrong: readonly number[], commit: number): World {
  const cell = makeCell(4, SMALL);
  const context = { cellId: cell.cellId, epoch: 0, members: cell.committee.members };
  let next = 0;
  const machine = (): StateMachine => {
    const index = next++ % 4;
    return wrong.includes(index) ? wrongFrom(commit, cell) : bareMachine(listAlgorithm, context);
  };
  return new World({ cell, machine });
}

describe('votes', () => {
  it('of all honest replicas are equal, make certificates, and wake nobody at rest', () => {
    const cell = makeCell(4, SMALL);
    const world = new World({ cell });
    const heard = new Heard();
    world.onSend = (from, _to, bytes) => {
      heard.hear(from, bytes);
      return true;
    };
    world.start();
    busy(world, 30);
    expect(world.run(60_000)).toBe(true);
    const byCommit = new Map<number, Set<string>>();
    for (const [name, cores] of heard.votes) {
      expect(cores.size).toBe(1);
      const commit = Number(name.split('/')[1]);
      byCommit.set(commit, new Set([...(byCommit.get(commit) ?? []), ...cores]));
    }
    expect(byCommit.size).toBeGreaterThan(8);
    for (const cores of byCommit.values()) expect(cores.size).toBe(1);
    for (const { cert } of heard.certs) expect(checkCert(rulesOf(cell), cert).ok).toBe(true);
    const newest = Math.max(...byCommit.keys());
    for (const host of world.honest) expect(certified(host)).toBe(newest);
  });

  it('leave when they and all they follow from are on disk', () => {
    const world = new World({ cell: makeCell(4, SMALL), syncMs: (random) => random.below(20) });
    let votes = 0;
    world.onSend = (from, _to, bytes) => {
      const message = messageOf(bytes);
      if (message?.kind !== 'vote') return true;
      votes++;
      const { log, committed } = world.host(from);
      const record = toHex(encode(signedVoteShape, message.vote));
      const isLogged = log.some(({ type, body }) => type === RECORD_VOTE && toHex(body) === record);
      expect(isLogged).toBe(true);
      const commit = committed.find((one) => one.commit.index === voteIn(message.vote).index);
      const bodies = log.map(({ body }) => toHex(body));
      const keys = [...world.host(from).kv.values()];
      for (const ref of commit?.commit.blocks ?? []) {
        const block = keys.find((one) => toHex(one.ref.digest) === toHex(ref.digest));
        expect(bodies).toContain(toHex(block?.bytes ?? new Uint8Array()));
      }
      return true;
    };
    world.start();
    busy(world, 12);
    world.run(60_000);
    expect(votes).toBeGreaterThan(20);
  });

  it('are never contradicted by a later life', () => {
    const world = new World({ cell: makeCell(4, SMALL), seed: 7 });
    const heard = new Heard();
    world.onSend = (from, _to, bytes) => {
      heard.hear(from, bytes);
      return true;
    };
    world.start();
    busy(world, 60);
    for (let i = 0; i < 12; i++) {
      world.after(250 * i + 100, () => world.kill(i % 4, i % 3));
      world.after(250 * i + 180, () => world.restart(i % 4));
    }
    world.run(60_000);
    for (const cores of heard.votes.values()) expect(cores.size).toBe(1);
    const newest = Math.max(...world.hosts.map(certified));
    expect(newest).toBeGreaterThan(10);
    expect(world.hosts.every((host) => host.replica.status().voteLiars.length === 0)).toBe(true);
  });

  it('that were lost are made up for by a certificate when a link comes up', () => {
    const world = new World({ cell: makeCell(4, SMALL) });
    let isDeaf = true;
    world.onSend = (_from, to, bytes) => {
      const kind = messageOf(bytes)?.kind;
      return !(isDeaf && to === 3 && (kind === 'vote' || kind === 'cert'));
    };
    world.start();
    busy(world, 12);
    world.run(60_000);
    expect(certified(world.host(3))).toBe(0);
    isDeaf = false;
    world.kill(0);
    world.restart(0);
    world.run(60_000);
    // A process that has just begun has no certificate: the others pass theirs on.
    world.connect(3);
    world.run(60_000);
    expect(certified(world.host(3))).toBe(certified(world.host(1)));
    expect(certified(world.host(3))).toBeGreaterThan(0);
  });
});

describe('what others say', () => {
  function rested(): World {
    const world = new World({ cell: makeCell(4, SMALL) });
    world.start();
    busy(world, 12);
    world.run(60_000);
    return world;
  }

  function send(world: World, to: number, message: PeerMessage): void {
    world.inject(3, to, encodeMessage(message));
    world.run(1_000);
  }

  const forged = (index: number, byte: number): Vote => {
    const root = asDigest(new Uint8Array(32).fill(byte));
    const roots = { stateRoot: root, receiptsRoot: root, frameRoot: root };
    return { epoch: 0, index, commitDigest: root, ...roots };
  };

  it('is refused and charged when it is no vote of a member', () => {
    const world = rested();
    const { cellId, signers } = world.options.cell;
    const [host] = world.hosts;
    const signer = signers[3];
    if (host === undefined || signer === undefined) throw new Error('four hosts');
    const ahead = certified(host) + 1;
    const vote = signVote(cellId, signer, 3, forged(ahead, 1));
    send(world, 0, { kind: 'vote', vote: { ...vote, author: 2 } });
    expect(host.count('messageRejected', 'bad_signature')).toBe(1);
    send(world, 0, { kind: 'vote', vote: { ...vote, author: 4 } });
    expect(host.count('messageRejected', 'not_a_member')).toBe(1);
    send(world, 0, { kind: 'vote', vote: { ...vote, core: Uint8Array.of(1) } });
    const cert = { core: vote.core, bitmap: Uint8Array.of(0b1111), sigs: Array(4).fill(vote.sig) };
    send(world, 0, { kind: 'cert', cert });
    expect(host.count('messageRejected', 'bad_signature')).toBe(2);
    send(world, 0, {
      kind: 'cert',
      cert: { ...cert, bitmap: Uint8Array.of(0b1000), sigs: [vote.sig] },
    });
    expect(host.count('messageRejected', 'no_quorum')).toBe(1);
    expect(host.replica.status()).toMatchObject({ voteLiars: [], diverged: undefined });
    expect(certified(host)).toBe(ahead - 1);
    for (let i = 0; i < 8; i++) send(world, 0, { kind: 'vote', vote: { ...vote, author: 2 } });
    expect(host.count('peerMuted')).toBe(1);
  });

  it('twice, and differently, is kept as evidence and moves nothing', () => {
    const world = rested();
    const { cellId, signers } = world.options.cell;
    const [host] = world.hosts;
    const signer = signers[3];
    if (host === undefined || signer === undefined) throw new Error('four hosts');
    const at = certified(host);
    for (const byte of [1, 1, 1, 1, 2, 2, 3]) {
      send(world, 0, {
        kind: 'vote',
        vote: signVote(cellId, signer, 3, forged(at + 5, byte)),
      });
    }
    expect(host.replica.status()).toMatchObject({ voteLiars: [3], diverged: undefined });
    expect(host.count('voteTwice')).toBe(1);
    expect(certified(host)).toBe(at);
    busy(world, 12, 1);
    world.run(60_000);
    expect(certified(host)).toBeGreaterThan(at);
  });

  it('of commits far ahead is not even looked at', () => {
    const world = rested();
    const { cellId, signers } = world.options.cell;
    const signer = signers[3];
    if (signer === undefined) throw new Error('four hosts');
    const vote = signVote(cellId, signer, 3, forged(100_000, 1));
    send(world, 0, { kind: 'vote', vote: { ...vote, author: 2 } });
    expect(world.host(0).count('messageRejected')).toBe(0);
  });
});

describe('another state', () => {
  it('of one replica: the others go on, and it says so and votes no more', () => {
    const world = worldWithWrong([0], 7);
    const heard = new Heard();
    world.onSend = (from, _to, bytes) => {
      heard.hear(from, bytes);
      return true;
    };
    world.start();
    busy(world, 20);
    world.run(60_000);
    const [wrong, ...right] = world.hosts;
    expect(wrong?.replica.status().diverged?.code).toBe('diverged');
    expect(wrong?.diverged).toHaveLength(1);
    const found = wrong?.diverged[0];
    expect(found?.votes.length ?? 0).toBeGreaterThan(1);
    expect(found && voteIn({ core: found.own }).index).toBe(found?.index);
    const lastVote = Math.max(
      ...[...heard.votes.keys()]
        .filter((name) => name.startsWith('0/'))
        .map((n) => Number(n.slice(2))),
    );
    for (const host of right) {
      expect(host.diverged).toEqual([]);
      expect(certified(host)).toBeGreaterThan(lastVote);
    }
  });

  it('of two: nobody can know who is right, all stop voting, and the order goes on', () => {
    const world = worldWithWrong([0, 1], 7);
    world.start();
    busy(world, 20);
    world.run(60_000);
    for (const host of world.hosts) {
      expect(host.replica.status().diverged?.code).toBe('diverged');
      expect(host.diverged).toHaveLength(1);
      expect(certified(host)).toBeLessThan(7);
      expect(host.commitIndex).toBeGreaterThan(15);
    }
    const certs = world.hosts.map(certified);
    expect(Math.min(...certs)).toBeGreaterThan(0);
  });
});
