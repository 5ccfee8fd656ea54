// The checker of reads objects to every answer that is older than its call.
import type { StateMachine } from '@fatty/interface';
import { describe, expect, test } from 'vitest';
import { ReadChecker, type ReadSeen } from '../src/checkers/reads.ts';
import type { Observation } from '../src/world/observation.ts';

/** A register: commit k writes the k-th of these values. */
function bench(values: readonly string[]) {
  let value = '';
  const machine = {
    applyCommit: ({ index }: { readonly index: number }) => {
      value = values[index - 1] ?? value;
    },
  } as unknown as StateMachine;
  const checker = new ReadChecker({
    machine,
    queries: new Map([['x', (of) => (of === machine ? value : '?')]]),
  });
  let reads = 0;
  const commit = (index: number): void => {
    const seen = { kind: 'committed', by: 0, atMs: 0, commit: { index }, input: { index } };
    expect(checker.see(seen as unknown as Observation)).toEqual([]);
  };
  return {
    checker,
    commit,
    /** Begins a read; answers what ends it. */
    read: (): ((answer: string, commit?: number) => string | undefined) => {
      const name = `read ${reads++}`;
      checker.began(name, 'x');
      return (answer, at = 0): string | undefined => {
        const seen: ReadSeen = { answer, commit: at };
        return checker.ended(name, seen)?.rule;
      };
    },
  };
}

describe('the checker of reads', () => {
  test('an answer is of a moment between what was told before and the end', () => {
    const { checker, commit, read } = bench(['a', 'b', 'c']);
    const early = read();
    commit(1);
    commit(2);
    checker.told(1);
    const late = read();
    expect(early('')).toBeUndefined();
    expect(late('a')).toBeUndefined();
    expect(read()('c')).toBe('R32b');
    commit(3);
    expect(read()('c')).toBeUndefined();
  });

  test('an answer from before what somebody was told is wrong', () => {
    const { checker, commit, read } = bench(['a', 'b']);
    commit(1);
    commit(2);
    checker.told(2);
    expect(read()('a')).toBe('R32b');
    expect(read()('b')).toBeUndefined();
  });

  test('a read that ended is told, whoever reads next', () => {
    const { commit, read } = bench(['a', 'b']);
    commit(1);
    const overlapping = read();
    commit(2);
    expect(read()('b')).toBeUndefined();
    expect(overlapping('a')).toBeUndefined();
    expect(read()('a')).toBe('R32b');
  });

  test('a state that comes back is believed when it is back, at the lowest commit that may be', () => {
    const { checker, commit, read } = bench(['a', 'b', 'a', 'c']);
    commit(1);
    commit(2);
    checker.told(2);
    expect(read()('a')).toBe('R32b');
    commit(3);
    commit(4);
    expect(read()('a')).toBeUndefined();
    expect(read()('b')).toBe('R32b');
    expect(read()('a')).toBeUndefined();
  });

  test('the commit that is named is no later than the answer', () => {
    const { commit, read } = bench(['a', 'b']);
    commit(1);
    commit(2);
    expect(read()('a', 1)).toBeUndefined();
    expect(read()('a', 2)).toBe('R32b');
    expect(read()('b', 3)).toBe('R32b');
  });
});
