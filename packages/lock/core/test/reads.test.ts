// Reads: f + 1 equal answers, their commits, liars and slow replicas (R32).
import type { Answer } from '@fatty/api';
import { describe, expect, it } from 'vitest';
import { type Behaviour, FakeCell } from './fake-cell.ts';
import { SimClient } from './sim-client.ts';

describe('reads', () => {
  it('believes f+1 equal answers, whatever f say', () => {
    const liar: Behaviour = {
      delayMs: 0,
      lie: (message) =>
        message.kind === 'readResult' && message.answer.kind === 'value'
          ? {
              ...message,
              answer: {
                ...message.answer,
                siblings: message.answer.siblings.map((one) => ({
                  ...one,
                  content: new Uint8Array(9),
                })),
              },
            }
          : message,
    };
    const cell = new FakeCell(4, { 1: liar });
    const client = new SimClient(cell).connect(1);
    client.connect(0, 2, 3);
    client.write('/a', 'truth');
    cell.run(1_000);
    const read = client.call({
      kind: 'read',
      query: { kind: 'get', path: '/a' },
      view: 'committed',
      replica: undefined,
    });
    cell.run(3_000);
    const outcome = client.outcomes.get(read);
    expect(outcome).toMatchObject({ kind: 'answer', answer: { kind: 'value' } });
    if (outcome?.kind !== 'answer' || outcome.answer.kind !== 'value') throw new Error('no value');
    expect(new TextDecoder().decode(outcome.answer.siblings[0]?.content)).toBe('truth');
    expect(outcome.replicas).not.toContain(1);
  });

  it.each([
    ['says the truth of a commit far ahead, last', 100, 8],
    ['says the truth of a commit far ahead, first', 100, 0],
    ['says the truth of an older commit, last', -3, 8],
    ['says the truth of an older commit, first', -3, 0],
  ])('names a commit that an honest one had applied when a liar %s', (_, ahead, delayMs) => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell).connect();
    client.write('/a', 'truth');
    cell.run(900);
    const floor = client.core.status.commit;
    // Nobody has told the client of these.
    cell.commit += 10;
    const lie: Behaviour['lie'] = (one) =>
      one.kind === 'readResult' ? { ...one, commit: one.commit + ahead } : one;
    const silent: Behaviour = { lie: (one) => (one.kind === 'readResult' ? undefined : one) };
    Object.assign(cell.behaviours, [{ lie, delayMs }, {}, silent, silent]);
    const query = { kind: 'get', path: '/a' } as const;
    const read = client.call({ kind: 'read', query, view: 'committed', replica: undefined });
    const applied = cell.commit;
    cell.stopped = true;
    cell.run(1_900);
    const outcome = client.outcomes.get(read);
    if (outcome?.kind !== 'answer') throw new Error('no answer');
    expect(outcome.replicas).toEqual([0, 1]);
    expect(outcome.commit).toBe(Math.min(applied, applied + ahead));
    expect(outcome.commit).toBeGreaterThan(floor);
  });

  it('reads its own writes: no answer older than a believed receipt counts', () => {
    const stale: Behaviour = {
      lie: (message) => (message.kind === 'readResult' ? { ...message, commit: 0 } : message),
    };
    const cell = new FakeCell(4);
    const client = new SimClient(cell).connect();
    client.write();
    cell.run(1_000);
    cell.behaviours[client.gateway()] = stale;
    const query = { kind: 'get', path: '/a' } as const;
    const read = client.call({ kind: 'read', query, view: 'committed', replica: undefined });
    cell.run(3_000);
    expect(client.answer(read)).toBe('answer');
    expect(client.suspects.map((one) => one.failure.code)).toContain('stale_answer');
    const alone = client.call({ kind: 'read', query, view: 'committed', replica: 2 });
    cell.run(4_000);
    expect(client.outcomes.get(alone)).toMatchObject({ replicas: [2] });
  });

  it('is not sent into the future by one liar, however often it is asked', () => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell).connect();
    client.write('/a', 'x');
    cell.run(1_000);
    // While the state moves nobody says what another says; the liar names a commit far ahead.
    const moving = (replica: number): Behaviour => ({
      lie: (message) => {
        if (message.kind !== 'readResult') return message;
        if (replica === 3) return { ...message, commit: 1e9, answer: errorOf('liar') };
        return cell.nowMs > 5_000 ? message : { ...message, answer: errorOf(String(replica)) };
      },
    });
    for (const replica of [0, 1, 2, 3]) cell.behaviours[replica] = moving(replica);
    const query = { kind: 'get', path: '/a' } as const;
    const read = client.call({ kind: 'read', query, view: 'committed', replica: undefined });
    cell.run(4_000);
    expect(client.answer(read)).toBeUndefined();
    cell.run(9_000);
    expect(client.outcomes.get(read)).toMatchObject({ kind: 'answer', answer: { kind: 'value' } });
  });
});

function errorOf(actual: string): Answer {
  return { kind: 'error', code: 'not_found', expected: '/a', actual, waitMs: undefined };
}
