// Tests of the fold over what commits say about the next epoch.
import { decode, encode } from '@fatty/codec';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Agenda,
  agendaShape,
  type Change,
  carried,
  EMPTY_AGENDA,
  foldAgenda,
  isFinal,
  isNews,
  MOTIONS_MAX,
  READY_COMMITS_MAX,
  type Statement,
} from '../src/index.ts';
import { committeeOf, keyOf } from './cells.ts';

const committee = committeeOf(4);
const add = (name: string): Change => ({ kind: 'add', key: keyOf(name) });
const renew: Change = { kind: 'renew' };
const move = (author: number, number: number, change: Change): Statement => ({
  kind: 'motion',
  epoch: 0,
  author,
  number,
  change,
});
const ready = (name: string, index: number): Statement => ({
  kind: 'ready',
  epoch: 0,
  index,
  key: keyOf(name),
});

type Said = readonly [index: number, statements: readonly Statement[], sealed?: readonly number[]];

const after = (steps: readonly Said[], from: Agenda = EMPTY_AGENDA): Agenda =>
  steps.reduce(
    (agenda, [index, statements, sealed = []]) =>
      foldAgenda(committee, agenda, { index, statements, sealed }),
    from,
  );

describe('the agenda', () => {
  test('a change that needs nobody new takes effect when q distinct members move it', () => {
    const two = after([[1, [move(0, 1, renew), move(1, 1, renew)]]]);
    expect([two.plan, carried(committee, two)]).toEqual([undefined, []]);
    // One member is one voice, however often it speaks and whoever repeats it.
    const again = after([[2, [move(1, 2, renew), move(1, 1, renew), move(0, 1, renew)]]], two);
    expect(again.plan).toBeUndefined();
    expect(after([[3, [move(3, 1, renew)]]], again).plan).toEqual({ index: 3, changes: [renew] });
  });

  test('a joiner is waited for, and has to be ready at a commit not long ago', () => {
    const voices = [0, 1, 2].map((i) => move(i, 1, add('x')));
    const early = after([[1, [ready('x', 1)]]]);
    expect(early).toBe(EMPTY_AGENDA);
    const waits = after([[2, voices]], early);
    expect([waits.plan, carried(committee, waits)]).toEqual([undefined, [add('x')]]);
    const late = 3 + READY_COMMITS_MAX;
    expect(after([[late, [ready('x', 2)]]], waits).plan).toBeUndefined();
    expect(after([[late, [ready('x', late + 1)]]], waits)).toBe(waits);
    expect(after([[late, [ready('y', late)]]], waits)).toBe(waits);
    const plan = { index: late, changes: [add('x')] };
    expect(after([[late, [ready('x', 3)]]], waits).plan).toEqual(plan);
    // Both in one commit, in either order.
    for (const said of [
      [...voices, ready('x', 1)],
      [ready('x', 1), ...voices],
    ]) {
      expect(after([[1, said]]).plan).toEqual({ index: 1, changes: [add('x')] });
    }
  });

  test('votes split over six joiners bring in none, and the seventh word decides', () => {
    const joiners = ['a', 'b', 'c', 'd', 'e', 'g'];
    const split = joiners.flatMap((name, i) => [
      move(i % 4, i + 1, add(name)),
      move((i + 1) % 4, i + 2, add(name)),
      ready(name, 1),
    ]);
    const said = [...split].sort((a, b) => {
      const numbers = [a, b].map((one) => (one.kind === 'motion' ? one.number : 0));
      return (numbers[0] ?? 0) - (numbers[1] ?? 0);
    });
    const agenda = after([[2, said]]);
    expect(agenda.plan).toBeUndefined();
    const { by } = agenda.moved.find(({ change }) => change.kind === 'add') ?? { by: [] };
    expect(by.length).toBeLessThan(3);
    const next = agenda.moved[0]?.change ?? renew;
    const rest = [0, 1, 2, 3].map((i) => move(i, 100, next));
    expect(after([[3, rest]], agenda).plan?.changes).toEqual([next]);
  });

  test('what does not fit waits until it does: at n = 4 nobody goes before somebody comes', () => {
    const remove: Change = { kind: 'remove', old: committee.members[0] ?? keyOf('x') };
    const kick = after([[1, [1, 2, 3].map((i) => move(i, 1, remove))]]);
    expect([kick.plan, carried(committee, kick)]).toEqual([undefined, [remove]]);
    const come = [1, 2, 3].map((i) => move(i, 2, add('x')));
    const plan = after([[2, [...come, ready('x', 2)]]], kick).plan;
    expect(plan).toEqual({ index: 2, changes: [add('x'), remove] });
  });

  test('the newest motions of a member count, so nobody can talk itself into silence', () => {
    const names = Array.from({ length: MOTIONS_MAX + 1 }, (_, i) => `x${i}`);
    const many = after([[1, names.map((name, i) => move(0, i + 1, add(name)))]]);
    expect(many.moved.length).toBe(MOTIONS_MAX);
    expect(many.moved.map(({ change }) => change)).not.toContainEqual(add('x0'));
    // Who repeats what was withdrawn brings nothing back.
    expect(after([[2, [move(0, 1, add('x0'))]]], many)).toBe(many);
    const voices = [move(0, 50, renew), move(1, 1, renew), move(2, 1, renew)];
    expect(after([[3, voices]], many).plan?.changes).toEqual([renew]);
  });

  test('once there is a plan only seals count, and q of them end the epoch', () => {
    const voices = [0, 1, 2].map((i) => move(i, 1, renew));
    const early = after([[1, [], [3]]]);
    const planned = after([[2, voices]], early);
    expect(planned.sealed).toEqual([3]);
    expect(after([[3, [move(0, 2, add('x')), ready('x', 3)]]], planned)).toBe(planned);
    const two = after([[4, [], [0, 3, 0]]], planned);
    expect([two.sealed, isFinal(committee, two)]).toEqual([[0, 3], false]);
    expect(isFinal(committee, after([[5, [], [1]]], two))).toBe(true);
    // Seals without a plan end nothing.
    expect(isFinal(committee, after([[1, [], [0, 1, 2, 3]]]))).toBe(false);
  });

  const names = fc.constantFrom('x0', 'x1', 'x2');
  const change = fc.oneof(names.map(add), fc.constant(renew));
  const statement: fc.Arbitrary<Statement> = fc.oneof(
    fc.tuple(fc.nat(3), fc.nat(20), change).map(([i, number, one]) => move(i, number, one)),
    fc.tuple(names, fc.nat(9)).map(([name, index]) => ready(name, index)),
  );
  const steps = fc.array(
    fc.tuple(fc.array(statement, { maxLength: 4 }), fc.subarray([0, 1, 2, 3])),
    { maxLength: 8 },
  );

  test('a fold that goes on from its bytes is the fold; what is no news changes nothing', () => {
    fc.assert(
      fc.property(steps, (some) => {
        let agenda = EMPTY_AGENDA;
        for (const [i, [statements, sealed]] of some.entries()) {
          const index = i + 1;
          const bytes = encode(agendaShape, agenda);
          const back = decode(agendaShape, bytes, 1 << 20);
          if (!back.ok) throw new Error(back.failure.code);
          const step = { index, statements, sealed };
          const next = foldAgenda(committee, agenda, step);
          expect(foldAgenda(committee, back.value, step)).toEqual(next);
          for (const one of statements) {
            const alone = foldAgenda(committee, agenda, { index, statements: [one], sealed: [] });
            const isOther = alone.plan !== agenda.plan || alone.moved !== agenda.moved;
            if (isOther) expect(isNews(agenda, one, index - 1)).toBe(true);
          }
          agenda = next;
        }
      }),
    );
  });
});
