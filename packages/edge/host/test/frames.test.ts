// What a driver does with frames (R28).
import { fail, ok } from '@fatty/codec';
import { describe, expect, it } from 'vitest';
import { Bench, persist } from './bench.ts';

describe('frames', () => {
  const frame = (head: number) => ({ head: Uint8Array.of(head), payload: Uint8Array.of(head, 1) });

  it('are tried from the newest on, until one is good', () => {
    const bench = new Bench();
    bench.resumed = (head) =>
      head[0] === 7
        ? ok({ index: 7, commitTs: 1, leaseClock: 1 })
        : fail('wrong_frame', 'one', 'another');
    const refused = bench.driver.resume([frame(9), frame(7), frame(5)]);
    expect(refused.map(({ code }) => code)).toEqual(['wrong_frame']);
    expect(bench.told).toEqual(['resume 9 with 9', 'resume 7 with 7']);
  });

  it('are told of when they are on disk, and waited for at the end; so is what goes', async () => {
    const bench = new Bench();
    bench.script = ({ kind }) =>
      kind === 'start'
        ? [
            { kind: 'storeFrame', index: 16, ...frame(3) },
            { kind: 'dropLog', below: 4, epoch: 0, fromRound: 3 },
          ]
        : [];
    bench.driver.dispatch({ kind: 'start' });
    expect(bench.frames.map(({ index, frame: { head } }) => [index, head[0]])).toEqual([[16, 3]]);
    expect(bench.drops.map(({ below }) => below)).toEqual([4]);
    bench.frames[0]?.written(undefined);
    expect(bench.events.at(-1)).toMatchObject({ kind: 'frameStored', index: 16 });
    let closed = false;
    const closing = bench.close().then(() => {
      closed = true;
    });
    await Promise.resolve();
    expect(closed).toBe(false);
    bench.drops[0]?.written(undefined);
    await closing;
    expect(bench.fatal).toEqual([]);
  });

  it('that cannot be written end the process, as every failed write does', () => {
    const bench = new Bench();
    bench.script = () => [{ kind: 'storeFrame', index: 16, ...frame(3) }];
    bench.driver.dispatch({ kind: 'start' });
    bench.frames[0]?.written(new Error('no room'));
    expect(bench.fatal.map(({ message }) => message)).toEqual(['no room']);
    expect(bench.events.filter(({ kind }) => kind === 'frameStored')).toEqual([]);
  });

  it('and the place of a record in the log is told', () => {
    const bench = new Bench();
    bench.script = ({ kind }) => (kind === 'start' ? [persist(1, Uint8Array.of(1))] : []);
    bench.driver.dispatch({ kind: 'start' });
    bench.appended[0]?.written(undefined, 12);
    bench.marks[0]?.(undefined);
    expect(bench.events.at(-1)).toMatchObject({ kind: 'persisted', token: 1, segment: 12 });
  });

  it('are read in parts, for the core that asked', () => {
    const bench = new Bench();
    bench.script = ({ kind }) =>
      kind === 'start' ? [{ kind: 'readFrame', request: 5, index: 16, from: 64, bytes: 32 }] : [];
    bench.driver.dispatch({ kind: 'start' });
    expect(bench.parts).toMatchObject([{ index: 16, from: 64, bytes: 32 }]);
    const bytes = new Uint8Array(32);
    bench.parts[0]?.answer(bytes);
    expect(bench.events.at(-1)).toMatchObject({ kind: 'frameRead', request: 5, bytes });
    bench.driver.reopen();
    const before = bench.events.length;
    bench.parts[0]?.answer(bytes);
    expect(bench.events.length).toBe(before);
  });
});
