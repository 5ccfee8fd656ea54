// Tests of machines.
import type { Op } from '@fatty/api';
import { describe, expect, test } from 'vitest';
import {
  type Claim,
  code,
  declaration,
  envelope,
  MachineWorld,
  PATH,
  type Proven,
  WORDS,
} from './machine-world.ts';
import { at, Client, op } from './world.ts';

const first: Claim = { from: [0n, 1n], to: [10n, 5n] };
const second: Claim = { from: [10n, 5n], to: [20n, 7n] };
const third: Claim = { from: [20n, 7n], to: [30n, 9n] };

describe('machines', () => {
  test('nobody joins one by a create, though it is a guarded file to the tree', () => {
    const world = new MachineWorld();
    const { machine } = world;
    const guarded = { mode: 'guarded', exclusive: false } as const;
    for (const create of [op.file(PATH, 'x', guarded), op.file(PATH), op.dir(PATH)]) {
      expect(world.send(world.b, create)).toMatchObject({
        code: 'wrong_kind',
        actual: 'a machine',
      });
    }
    expect(world.machine).toEqual(machine);
    const stat = world.ask({ kind: 'stat', path: PATH });
    expect(stat.kind === 'stat' && stat.stat.dots).toHaveLength(1);
  });

  test('declared, taken, renewed by one and by several proofs, released, taken by another', () => {
    const world = new MachineWorld();
    const { a, b } = world;
    expect(world.machine).toMatchObject({ t: 0n, s: 1n, lessee: undefined, nonce: at(1, 2) });
    expect(world.take(a, first)).toMatchObject({ kind: 'machineHeld', t: 10n, s: 5n });
    const { lockGen } = world.machine;
    expect(world.renew(a, second, third)).toMatchObject({ t: 30n, s: 9n, lockGen });
    expect(world.send(a, { kind: 'releaseMachine', path: PATH })).toMatchObject({
      kind: 'machineReleased',
    });
    expect(world.machine).toMatchObject({ t: 30n, lessee: undefined, notBefore: 0 });
    expect(world.take(b, { from: [30n, 9n], to: [31n, 2n] })).toMatchObject({
      kind: 'machineHeld',
    });
    expect(world.machine.lockGen).not.toEqual(lockGen);
  });

  test('no advance within its period: the lease is lost, then the lock-delay runs', () => {
    const world = new MachineWorld();
    const { a, b } = world;
    world.take(a, first);
    expect(world.take(b, second)).toMatchObject({ code: 'held' });
    expect(world.take(a, second)).toMatchObject({ code: 'already_held' });
    const lost = world.step(2_000);
    expect(lost.notices.map((one) => one.notice)).toMatchObject([
      { kind: 'machineLost', reason: 'period_over', nonce: world.machine.nonce },
    ]);
    expect(world.machine).toMatchObject({ t: 10n, s: 5n, lessee: undefined, notBefore: 5_000 });
    expect(world.take(b, second)).toMatchObject({ code: 'lock_delay', waitMs: 3_000 });
    world.step(2_999);
    expect(world.take(b, second)).toMatchObject({ code: 'lock_delay', waitMs: 1 });
    world.step(1);
    expect(world.take(b, second)).toMatchObject({ kind: 'machineHeld', t: 20n });
  });

  test.each([true, false])('removed and declared again (by its lessee: %s)', (own) => {
    const world = new MachineWorld();
    const { a, b } = world;
    world.take(a, first);
    world.step(500);
    const remover = own ? a : b;
    world.send(remover, { kind: 'removeSubtree', path: PATH });
    world.send(remover, declaration());
    if (own) {
      expect(world.take(b, first)).toMatchObject({ kind: 'machineHeld' });
      return;
    }
    // The lessee may believe in its lease until the end of the period, whatever it has heard.
    expect(world.take(b, first)).toMatchObject({ code: 'lock_delay', waitMs: 1_500 });
    world.step(1_499);
    expect(world.take(b, first)).toMatchObject({ code: 'lock_delay', waitMs: 1 });
    world.step(1);
    expect(world.take(b, first)).toMatchObject({ kind: 'machineHeld' });
  });

  test('a renewal in the very commit that would end the lease keeps it', () => {
    const world = new MachineWorld();
    const { a } = world;
    world.take(a, first);
    const renewal = world.proven('renewMachine', a, [second]);
    const { results, notices } = world.step(2_000, [a.batch(renewal)]);
    expect(results[0]).toMatchObject([{ kind: 'machineHeld', leaseExpiry: 4_000 }]);
    expect(notices).toEqual([]);
    expect(world.machine.leaseExpiry).toBe(4_000);
  });

  test('a machine lease outlives the session, not the period', () => {
    const world = new MachineWorld({ periodMs: 20_000 });
    const { a } = world;
    world.take(a, first);
    world.step(12_000);
    expect(world.machine.lessee).toEqual(a.signer.publicKey);
    const again = new Client(1, 1);
    world.open(again);
    expect(world.renew(again, second)).toMatchObject({ kind: 'machineHeld', t: 20n });
  });

  test('replays, stale, skipped and foreign states', () => {
    const world = new MachineWorld({ binding: 'open' });
    const { a, b } = world;
    const open = (kind: Proven['kind'], ...claims: Claim[]): Proven => ({
      kind,
      path: PATH,
      nonce: undefined,
      outputs: 0,
      inbox: 0,
      proofs: claims.map(envelope),
    });
    expect(code(world.send(b, open('renewMachine', first)))).toBe('not_lessee');
    expect(world.send(a, open('takeMachine', first))).toMatchObject({ kind: 'machineHeld' });
    expect(code(world.send(a, open('renewMachine', first)))).toBe('stale_t');
    expect(code(world.send(a, open('renewMachine', third)))).toBe('wrong_t');
    expect(code(world.send(a, open('renewMachine', { ...second, from: [10n, 6n] })))).toBe(
      'wrong_s',
    );
    expect(code(world.send(b, open('renewMachine', second)))).toBe('not_lessee');
    expect(world.service.precheck(a.batch(open('renewMachine', first)))).toMatchObject({
      code: 'stale_t',
    });
    expect(world.machine).toMatchObject({ t: 10n, s: 5n });
  });

  test('proofs are read once: what was opened is judged, by everybody who judges', () => {
    const world = new MachineWorld();
    const { a } = world;
    const batch = a.batch(world.proven('takeMachine', a, [first]));
    const [opened] = batch.opened;
    if (opened?.op.kind !== 'takeMachine') return expect.fail('a take');
    // Whoever reads the envelopes again finds none.
    const unread = { ...opened, op: { ...opened.op, proofs: [] } };
    const { client, session, seq, author, basis } = batch;
    const source = { client, session, seq, index: 0, author, basis };
    expect(world.service.validate(source, unread)).toMatchObject({ kind: 'ask' });
    expect(world.service.precheck({ ...batch, opened: [unread] })).toEqual({ kind: 'accept' });
    const [result] = world.run({ ...batch, opened: [unread] });
    expect(result).toMatchObject({ kind: 'machineHeld' });
  });

  test('an open machine may be taken with somebody else\u2019s proof, a bound one may not', () => {
    const open = new MachineWorld({ binding: 'open' });
    const proofs = [envelope({ ...first, binding: 77n })];
    const unbound = { path: PATH, nonce: undefined, outputs: 0, inbox: 0 };
    const sent: Op = { kind: 'takeMachine', ...unbound, proofs };
    expect(open.send(open.b, sent)).toMatchObject({ kind: 'machineHeld' });
    const bound = new MachineWorld();
    expect(code(bound.send(bound.b, sent))).toBe('other_binding');
    expect(bound.send(bound.b, { ...sent, nonce: bound.machine.nonce })).toBe('wrong_binding');
    const stolen = bound.proven('takeMachine', bound.a, [first]);
    expect(bound.send(bound.b, stolen)).toBe('wrong_binding');
    expect(bound.send(bound.a, stolen)).toMatchObject({ kind: 'machineHeld' });
  });

  test('every event of the machine makes older proofs worthless', () => {
    const world = new MachineWorld();
    const { a } = world;
    const early = world.proven('takeMachine', a, [first]);
    world.take(a, first);
    const ahead = world.proven('renewMachine', a, [third]);
    world.renew(a, second);
    expect(code(world.send(a, ahead))).toBe('wrong_nonce');
    world.send(a, { kind: 'releaseMachine', path: PATH });
    expect(code(world.send(a, early))).toBe('wrong_nonce');
    const afterRelease = world.proven('takeMachine', a, [third]);
    world.take(a, third);
    world.step(2_000);
    world.step(3_000);
    expect(code(world.send(a, afterRelease))).toBe('wrong_nonce');
  });

  test('a lie about the run, and broken statements, never reach apply()', () => {
    const world = new MachineWorld();
    const { a } = world;
    expect(world.take(a, { ...first, lie: true })).toBe('bad_stark');
    expect(world.take(a, { ...first, to: [0n, 5n] })).toBe('lease_time');
    expect(world.take(a, first, third)).toBe('broken_chain');
    expect(world.take(a, { ...first, outputs: [1n] })).toBe('lease_cells');
    const garbage = { ...world.proven('takeMachine', a, [first]), proofs: [new Uint8Array(40)] };
    expect(typeof world.send(a, garbage)).toBe('string');
    expect(code(world.one(a, garbage))).toBe('bad_proof');
  });

  test('the machine\u2019s own program, policy and outputs are judged at apply', () => {
    const world = new MachineWorld();
    const { a } = world;
    const words = [...WORDS, 1n];
    expect(code(world.take(a, { ...first, words }))).toBe('wrong_program');
    const commitmentHash = 'keccak256_masked160_lsb';
    expect(code(world.take(a, { ...first, commitmentHash }))).toBe('below_policy');
    const outputs = {
      ...world.proven('takeMachine', a, [{ ...first, outputs: [4n] }]),
      outputs: 1,
    };
    expect(code(world.send(a, outputs))).toBe('bad_outputs');
    const wide = new MachineWorld({ outputs: 1 });
    const sent = {
      ...wide.proven('takeMachine', wide.a, [{ ...first, outputs: [4n] }]),
      outputs: 1,
    };
    expect(wide.send(wide.a, sent)).toMatchObject({ kind: 'machineHeld' });
    expect(wide.machine.outputs).toEqual([4n]);
  });

  test('publishing is for the lessee, and ends with the lease', () => {
    const world = new MachineWorld();
    const { a, b } = world;
    const publish: Op = {
      kind: 'publish',
      path: PATH,
      address: 'wss://here:1',
      content: Uint8Array.of(1),
    };
    expect(code(world.send(a, publish))).toBe('not_lessee');
    world.take(a, first);
    expect(code(world.send(b, publish))).toBe('not_lessee');
    expect(world.send(a, publish)).toMatchObject({ kind: 'published' });
    world.renew(a, second);
    expect(world.machine).toMatchObject({ address: 'wss://here:1', published: Uint8Array.of(1) });
    expect(code(world.send(b, { kind: 'releaseMachine', path: PATH }))).toBe('not_lessee');
    world.step(2_000);
    expect(world.machine).toMatchObject({ address: '', lessee: undefined });
  });

  test('a machine is a name like any other: made once, and gone when removed', () => {
    const world = new MachineWorld();
    const { a, b } = world;
    world.take(a, first);
    expect(code(world.one(b, declaration()))).toBe('exists');
    expect(code(world.one(b, declaration({ path: '/none/x' })))).toBe('not_found');
    const policy = { layout: 'starknet', bitsMin: 96, collisionBitsMin: 80 };
    expect(world.send(b, declaration({ policy }))).toBe('bad_policy');
    expect(code(world.one(b, op.write(PATH, 'x')))).toBe('not_a_file');
    const take = world.proven('takeMachine', b, [second]);
    const { notices } = world.step(0, [b.batch({ kind: 'removeSubtree', path: PATH })]);
    expect(notices.map((one) => one.notice)).toMatchObject([
      { kind: 'machineLost', reason: 'node_removed' },
    ]);
    expect(world.service.needsTime()).toBe(true);
    expect(code(world.ask({ kind: 'machine', path: PATH }))).toBe('not_found');
    expect(code(world.ask({ kind: 'machine', path: '/machines' }))).toBe('not_a_machine');
    expect(code(world.send(b, take))).toBe('not_found');
    expect(code(world.one(b, { ...take, path: '/machines' }))).toBe('not_a_machine');
  });

  test('snapshots carry leases, delays and published words', () => {
    const world = new MachineWorld();
    const { a } = world;
    world.take(a, first);
    const held = world.service.snapshot();
    world.step(2_000);
    const delayed = world.service.snapshot();
    for (const bytes of [held, delayed]) {
      const copy = world.service.fresh();
      copy.restore(bytes);
      expect(copy.snapshot()).toEqual(bytes);
      expect(copy.needsTime()).toBe(true);
    }
    const copy = world.service.fresh();
    copy.restore(held);
    copy.applyCommit({
      index: world.commit,
      epoch: 0,
      commitTs: 1_800_000_002_000,
      leaseClock: 2_000,
      batches: [],
      unsigned: [],
      evidence: [],
    });
    expect(copy.snapshot()).toEqual(delayed);
  });
});
