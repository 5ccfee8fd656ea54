// Proofs of certified states, for whoever asks (R27a).
import { fail, hash, ok, utf8 } from '@fatty/codec';
import type { Outcome, StateMachine } from '@fatty/interface';
import { checkCert } from '@fatty/protocol';
import { describe, expect, it } from 'vitest';
import { bareMachine } from './bare-machine.ts';
import { type Cell, Client, type Host, listAlgorithm, makeCell, scheme, World } from './world.ts';

const PROVER = 1;
const REFUSED = utf8('refused');

/** Proves a root by itself: whoever hashes the proof has the root. `drifts`: every commit changes the state. */
function provable(cell: Cell, drifts = false): StateMachine {
  const context = { cellId: cell.cellId, epoch: 0, members: cell.committee.members };
  const machine = bareMachine(listAlgorithm, context);
  const applyCommit = machine.applyCommit.bind(machine);
  let head = 0;
  let changes = 0;
  const record = (): Uint8Array => new Uint8Array([...utf8(`${head}:`), ...machine.snapshot()]);
  machine.applyCommit = (input) => {
    head = input.index;
    if (input.batches.length > 0 || drifts) changes++;
    return applyCommit(input);
  };
  machine.root = () => hash('provable', record());
  machine.provable = () => {
    const [then, proof] = [changes, record()];
    const prove = (question: Uint8Array): Outcome<Uint8Array> | undefined => {
      if (changes !== then) return undefined;
      return question[0] === REFUSED[0] ? fail('bad_question', 'another', 'this') : ok(proof);
    };
    return { prove };
  };
  return machine;
}

interface Proof {
  readonly index: number;
  /** Commit of the state that the proof shows. */
  readonly head: number;
  readonly code: string | undefined;
}

/** What was answered to a question, checked as its asker would. */
function answerTo(world: World, host: Host, tag: number): Proof | undefined {
  const { committee, cellId } = world.options.cell;
  const said = host.proved.filter((one) => one.tag === tag);
  expect(said.length).toBeLessThanOrEqual(1);
  const answer = said[0]?.answer;
  if (answer === undefined) return undefined;
  if (!answer.ok) return { index: 0, head: 0, code: answer.failure.code };
  const { index, cert, proof } = answer.value;
  const vote = checkCert({ committee, cellId, scheme }, cert);
  if (!vote.ok) throw new Error(vote.failure.code);
  expect(vote.value.index).toBe(index);
  expect(vote.value.stateRoot).toEqual(hash('provable', proof));
  return { index, head: Number(new TextDecoder().decode(proof).split(':')[0]), code: undefined };
}

function start(drifts = false, tuning = {}): { world: World; host: Host; client: Client } {
  const cell = makeCell(4);
  const world = new World({ cell, tuning, machine: () => provable(cell, drifts) });
  world.start();
  // So that the first op is certified by itself.
  world.idle(1_000);
  return { world, host: world.host(PROVER), client: new Client(cell, 'c') };
}

function ask(world: World, host: Host, tag: number, minCommit: number, question = utf8('q')): void {
  world.event(host, { kind: 'prove', tag, question, minCommit });
}

describe('a question', () => {
  it('is answered at once where nothing but time has passed since the certificate', () => {
    const { world, host, client } = start();
    world.submit(0, client.op('x'));
    world.run(10_000);
    const { certifiedCommit, commitIndex } = host.replica.status();
    expect(certifiedCommit).toBeGreaterThan(0);
    // The order has gone on by commits that carry nothing.
    expect(commitIndex).toBeGreaterThan(certifiedCommit);
    ask(world, host, 1, certifiedCommit);
    expect(answerTo(world, host, 1)).toMatchObject({
      index: certifiedCommit,
      head: certifiedCommit,
    });
    expect(host.timers.has('proofDue')).toBe(false);
  });

  it('gets the state at the next checkpoint while ops go on', () => {
    const { world, host, client } = start();
    for (let i = 0; i < 40; i++) {
      world.after(20 * i, () => world.submit(i % 4, client.op(`${i}`)));
      world.after(20 * i + 7, () => ask(world, host, i + 1, host.commitIndex));
    }
    const asked: number[] = [];
    world.run(20_000);
    for (let i = 0; i < 40; i++) {
      const { index = -1, head, code } = answerTo(world, host, i + 1) ?? {};
      expect(code).toBeUndefined();
      expect(head).toBe(index);
      asked.push(index);
    }
    expect(new Set(asked).size).toBeGreaterThan(2);
  });

  it('wakes a cell at rest when its last commits are not certified', () => {
    const { world, host, client } = start();
    world.submit(0, client.op('x'));
    world.run(10_000);
    world.submit(0, client.op('y'));
    world.run(10_000);
    const { commitIndex, certifiedCommit } = host.replica.status();
    expect(commitIndex).toBeGreaterThan(certifiedCommit);
    const atMs = world.nowMs;
    ask(world, host, 1, commitIndex);
    expect(world.run(10_000, () => host.proved.length > 0)).toBe(false);
    expect(answerTo(world, host, 1)?.index).toBeGreaterThanOrEqual(commitIndex);
    expect(world.nowMs - atMs).toBeLessThan(2_000);
    // And it rests again.
    expect(world.run(30_000)).toBe(true);
  });

  it('is answered after a state that changes with every commit has been certified', () => {
    const { world, host } = start(true);
    ask(world, host, 1, 0);
    world.run(10_000);
    expect(answerTo(world, host, 1)).toMatchObject({ code: undefined });
  });

  it('that the machine refuses is refused', () => {
    const { world, host, client } = start();
    world.submit(0, client.op('x'));
    world.run(10_000);
    ask(world, host, 1, 0, REFUSED);
    expect(answerTo(world, host, 1)?.code).toBe('bad_question');
  });

  it('is given up when no certificate comes', () => {
    const { world, host, client } = start();
    world.submit(0, client.op('x'));
    world.run(10_000);
    for (const peer of [0, 2]) world.kill(peer);
    world.submit(3, client.op('y'));
    ask(world, host, 1, host.commitIndex);
    ask(world, host, 2, host.commitIndex + 1_000);
    world.idle(4_000);
    expect(host.proved).toEqual([]);
    world.idle(2_000);
    for (const tag of [1, 2]) expect(answerTo(world, host, tag)?.code).toBe('no_certificate');
    expect(host.timers.has('proofDue')).toBe(false);
  });

  it('beyond so many is refused', () => {
    const { world, host } = start(false, { questionsMax: 2 });
    for (const tag of [1, 2, 3]) ask(world, host, tag, 1_000_000);
    expect(host.proved.map(({ tag }) => tag)).toEqual([3]);
    expect(answerTo(world, host, 3)?.code).toBe('overloaded');
  });

  it('needs a machine that proves', () => {
    const world = new World({ cell: makeCell(4) });
    world.start();
    ask(world, world.host(PROVER), 1, 0);
    expect(answerTo(world, world.host(PROVER), 1)?.code).toBe('not_provable');
  });
});
