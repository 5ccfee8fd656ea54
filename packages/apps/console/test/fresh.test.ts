// What is kept fresh loses nothing that happens while it is asked for.
import { describe, expect, it } from 'vitest';
import { Fresh } from '../src/model/fresh.ts';

const said = (value: string, commit: number) => ({ value, commit, replicas: [0, 1] });

const freshOf = (...paths: string[]): Fresh<string> => {
  const fresh = new Fresh<string>();
  for (const path of paths) fresh.touch(path, 5);
  return fresh;
};

describe('what is kept fresh', () => {
  it('is asked for until it is over', () => {
    const fresh = freshOf('/a', '/b');
    fresh.heard('/a', said('held', 6), false);
    fresh.heard('/b', said('free', 6), true);
    expect(fresh.paths(9)).toEqual(['/a']);
    expect(fresh.all).toEqual([['/a', said('held', 6)]]);
  });

  it('is asked for again when more has happened than the answer knows', () => {
    const fresh = freshOf('/a');
    fresh.touch('/a', 8);
    fresh.heard('/a', said('free', 7), true);
    expect(fresh.paths(9)).toEqual(['/a']);
    fresh.heard('/a', said('held', 8), false);
    expect(fresh.all).toEqual([['/a', said('held', 8)]]);
  });

  it('does not go back to an older state', () => {
    const fresh = freshOf('/a');
    fresh.heard('/a', said('bob', 9), false);
    fresh.heard('/a', said('alice', 7), false);
    expect(fresh.all).toEqual([['/a', said('bob', 9)]]);
  });

  it('stays as it was while nobody answers', () => {
    const fresh = freshOf('/a');
    fresh.heard('/a', said('held', 6), false);
    fresh.touch('/a', 3);
    expect(fresh.paths(9)).toEqual(['/a']);
    expect(fresh.all).toHaveLength(1);
  });

  it('is gone with its node, also for an answer that comes later', () => {
    const fresh = freshOf('/a');
    fresh.drop('/a');
    fresh.heard('/a', said('held', 6), false);
    expect([fresh.paths(9), fresh.all]).toEqual([[], []]);
  });

  it('is asked for in part where it is too much', () => {
    expect(freshOf('/a', '/b', '/c').paths(2)).toEqual(['/a', '/b']);
  });
});
