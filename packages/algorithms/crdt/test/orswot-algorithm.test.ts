// Tests of the ORSWOT as an algorithm.
import { decode, encode, InvariantError, toHex, utf8 } from '@fatty/codec';
import { golden } from '@fatty/codec/golden';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  OrswotAlgorithm,
  orswot,
  type SetOp,
  type SetResult,
  setOp,
  setResult,
  UNKNOWN_DOT,
} from '../src/index.ts';
import { session, source } from './worlds.ts';

const goldens = new URL('./golden/', import.meta.url);
const add = (name: string): SetOp => ({ kind: 'add', member: utf8(name) });
const remove = (name: string, who: number, counter: number): SetOp => ({
  kind: 'remove',
  member: utf8(name),
  dots: [{ actor: session(who), counter }],
});
const members = (algorithm: OrswotAlgorithm): string[] =>
  algorithm.value.entries().map((entry) => new TextDecoder().decode(entry.member));

function result(bytes: Uint8Array): SetResult | undefined {
  const read = decode(setResult, bytes, 1000);
  return read.ok ? read.value : undefined;
}

describe('OrswotAlgorithm', () => {
  it('adds, tells the dot, removes by it', () => {
    const algorithm = new OrswotAlgorithm();
    const position = { commit: 1, index: 0 };
    const dots = [{ actor: session(1), counter: 1 }];
    expect(result(algorithm.apply(source(1, 0), add('x'), position))).toEqual({
      kind: 'done',
      dots,
    });
    expect(members(algorithm)).toEqual(['x']);
    const taken = algorithm.apply(source(2, 0), remove('x', 1, 1), position);
    expect(result(taken)).toEqual({ kind: 'done', dots });
    expect(members(algorithm)).toEqual([]);
  });

  it('refuses at commit, and holds back at delivery, a remove of an unseen add', () => {
    const committed = new OrswotAlgorithm();
    const refused = committed.apply(source(2, 0), remove('x', 1, 1), { commit: 1, index: 0 });
    expect(result(refused)).toEqual({ kind: 'refused', code: UNKNOWN_DOT });
    const delivered = new OrswotAlgorithm();
    delivered.deliver(source(2, 0), remove('x', 1, 1));
    delivered.deliver(source(1, 0), add('x'));
    expect(members(delivered)).toEqual([]);
  });

  it('delivers to one state in any order that keeps each session in order', () => {
    const ops = fc.array(
      fc.record({ who: fc.nat(2), adds: fc.boolean(), member: fc.nat(2), dot: fc.nat(3) }),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(ops, fc.array(fc.nat(2), { minLength: 90, maxLength: 90 }), (list, order) => {
        const queues = [0, 1, 2].map((who) => list.filter((op) => op.who === who));
        const straight = new OrswotAlgorithm();
        const shuffled = new OrswotAlgorithm();
        const send = (to: OrswotAlgorithm, op: (typeof list)[number], seq: number): void => {
          const name = `m${op.member}`;
          const said = op.adds ? add(name) : remove(name, op.who, op.dot + 1);
          to.deliver(source(op.who, seq), said);
        };
        list.forEach((op, i) => {
          send(straight, op, i);
        });
        for (const who of order) {
          const op = queues[who]?.shift();
          if (op !== undefined) send(shuffled, op, 90);
        }
        for (const op of queues.flat()) send(shuffled, op, 91);
        expect(toHex(shuffled.root())).toBe(toHex(straight.root()));
      }),
      { numRuns: 300 },
    );
  });

  it('opens what was written and refuses any other bytes', () => {
    const algorithm = new OrswotAlgorithm();
    for (const said of [add('x'), remove('x', 1, 1)]) {
      expect(algorithm.open(encode(setOp, said))).toEqual({ ok: true, value: said });
    }
    const anything = fc.uint8Array({ maxLength: 40 });
    fc.assert(
      fc.property(anything, (bytes) => {
        const opened = algorithm.open(bytes);
        if (opened.ok) expect(encode(setOp, opened.value)).toEqual(bytes);
        else expect(opened.failure.code).toMatch(/malformed|wrong_shape|not_canonical/);
      }),
      { numRuns: 2000 },
    );
    const opened = algorithm.open(Uint8Array.of(0));
    expect(opened).toMatchObject({ ok: false, failure: { code: 'wrong_shape' } });
  });

  it('restores what it snapshot, and nothing else', () => {
    const algorithm = new OrswotAlgorithm();
    algorithm.apply(source(1, 0), add('x'), { commit: 1, index: 0 });
    const copy = new OrswotAlgorithm();
    copy.restore(algorithm.snapshot());
    expect(toHex(copy.root())).toBe(toHex(algorithm.root()));
    expect(() => copy.restore(Uint8Array.of(1))).toThrow(InvariantError);
  });

  it('keeps its wire format', () => {
    const dots = [{ actor: session(7), counter: 300 }];
    golden(goldens, 'set-op-add', setOp, { kind: 'add', member: utf8('x') } satisfies SetOp);
    golden(goldens, 'set-op-remove', setOp, { kind: 'remove', member: utf8('x'), dots });
    golden(goldens, 'set-result-done', setResult, { kind: 'done', dots });
    golden(goldens, 'set-result-refused', setResult, { kind: 'refused', code: UNKNOWN_DOT });
    const algorithm = new OrswotAlgorithm();
    algorithm.apply(source(1, 0), add('x'), { commit: 1, index: 0 });
    golden(goldens, 'orswot', orswot, algorithm.value);
  });
});
