// Current reads: one exchange with all members, or a no-op and an answer of f + 1 (R32b, READS.md).
import type { Answer, GatewayMessage } from '@fatty/api';
import { describe, expect, it } from 'vitest';
import { Prospect } from '../src/prospect.ts';
import { type Behaviour, FakeCell } from './fake-cell.ts';
import { SimClient } from './sim-client.ts';

/** Fake links take this long there and back, ms; a commit of the fake cell takes 20 more. */
const EXCHANGE_MS = 10;
const DELTA_MS = 250;
/** An exchange, a commit, an exchange. */
const ORDERED_MS = 2 * EXCHANGE_MS + 20;

const query = { kind: 'get', path: '/a' } as const;
const current = { kind: 'read', query, view: 'current', replica: undefined } as const;
const nothing: Answer = {
  kind: 'error',
  code: 'not_found',
  expected: 'a node',
  actual: 'none',
  waitMs: undefined,
};

type Said = Extract<GatewayMessage, { kind: 'readResult' }>;

/** Bends what it says to polls alone. */
const toPolls = (
  bend: (said: Said) => GatewayMessage | undefined,
): NonNullable<Behaviour['lie']> => {
  return (said) => (said.kind === 'readResult' && said.view === 'current' ? bend(said) : said);
};
const silent: Behaviour = { lie: toPolls(() => undefined) };
const absent: Behaviour = { lie: toPolls((said) => ({ ...said, answer: nothing })) };

/** A client with a session, in a cell where /a says `text`. */
function prepared(text = 'x'): { cell: FakeCell; client: SimClient } {
  const cell = new FakeCell(4);
  const client = new SimClient(cell).connect();
  client.write('/a', text);
  cell.run(1_000);
  return { cell, client };
}

/** Reads, and how long that takes. */
function read(cell: FakeCell, client: SimClient): { readonly tookMs: number; text: string } {
  const beganMs = cell.nowMs;
  const call = client.call(current, 20_000);
  while (!client.outcomes.has(call)) cell.run(cell.nowMs + 1);
  const outcome = client.outcomes.get(call);
  const tookMs = cell.nowMs - beganMs;
  if (outcome?.kind !== 'answer') throw new Error(`${outcome?.kind}`);
  const { answer } = outcome;
  const text =
    answer.kind === 'value'
      ? new TextDecoder().decode(answer.siblings.at(-1)?.content)
      : answer.kind;
  return { tookMs, text };
}

const polls = (client: SimClient): number =>
  client.sent.filter(({ message }) => message.kind === 'read' && message.view === 'current').length;

describe('a current read', () => {
  it('is one exchange, without a session and without an op', () => {
    const { cell } = prepared('truth');
    const reader = new SimClient(cell).connect();
    expect(read(cell, reader)).toEqual({ tookMs: EXCHANGE_MS, text: 'truth' });
    expect(reader.count('read')).toBe(4);
    expect(reader.count('submit')).toBe(0);
    expect(reader.core.status.commit).toBe(cell.commit);
  });

  it('asks links that are on their way, when they are there', () => {
    const { cell } = prepared('truth');
    const reader = new SimClient(cell);
    const call = reader.call(current);
    reader.connect(0, 1);
    cell.run(cell.nowMs + 20);
    expect(reader.outcomes.get(call)).toBeUndefined();
    reader.connect(2, 3);
    cell.run(cell.nowMs + EXCHANGE_MS);
    expect(reader.outcomes.get(call)).toMatchObject({ kind: 'answer', replicas: [0, 1, 2, 3] });
    expect(reader.count('submit')).toBe(0);
  });

  it('does not believe q old answers: one honest replica alone may have what was told', () => {
    const { cell } = prepared('new');
    const reader = new SimClient(cell).connect();
    // Two that lag and one that lies; the fourth, which has told the writer, is slow to answer.
    for (const replica of [1, 2, 3]) cell.behaviours[replica] = absent;
    cell.behaviours[0] = { delayMs: 40 };
    expect(read(cell, reader).text).toBe('new');
    cell.behaviours[0] = silent;
    expect(read(cell, reader).text).toBe('new');
    expect(reader.count('submit')).toBeGreaterThan(1);
  });

  it('asks all once more where the state moved between their answers', () => {
    const { cell, client } = prepared('new');
    let lags = 2;
    const lagging = toPolls((said) => (lags-- > 0 ? { ...said, answer: nothing } : said));
    cell.behaviours[1] = { lie: lagging };
    cell.behaviours[2] = { lie: lagging };
    const submits = client.count('submit');
    expect(read(cell, client)).toEqual({ tookMs: 2 * EXCHANGE_MS, text: 'new' });
    expect(client.count('submit')).toBe(submits);
  });

  it('reads its own writes and never goes back, whoever answers late', () => {
    const { cell, client } = prepared('0');
    for (let k = 1; k <= 8; k++) {
      cell.behaviours[k % 4] = k % 2 === 0 ? { delayMs: 30 } : absent;
      const write = client.write('/a', `${k}`);
      while (!client.outcomes.has(write)) cell.run(cell.nowMs + 1);
      expect(read(cell, client).text).toBe(`${k}`);
      cell.behaviours[k % 4] = {};
    }
  });
});

describe('what stands in the way of a current read costs little', () => {
  it('a link that is down: nothing; the exchange is back with the link', () => {
    const { cell, client } = prepared();
    client.disconnect(2);
    const before = polls(client);
    for (let k = 0; k < 5; k++) expect(read(cell, client).tookMs).toBeLessThanOrEqual(ORDERED_MS);
    expect(polls(client)).toBe(before);
    client.connect(2);
    expect(read(cell, client).tookMs).toBe(EXCHANGE_MS);
  });

  it('a link that breaks meanwhile: nothing', () => {
    const { cell, client } = prepared();
    const call = client.call(current);
    cell.run(cell.nowMs + 3);
    client.disconnect(1);
    cell.run(cell.nowMs + ORDERED_MS);
    expect(client.answer(call)).toBe('answer');
  });

  it.each([
    ['is silent', silent],
    ['says that nothing is there', absent],
    ['names an old commit', { lie: toPolls((said) => ({ ...said, commit: 0 })) }],
    [
      'has started again',
      {
        lie: toPolls(({ request }) => {
          const failure = { code: 'not_current', expected: 'a commit', actual: 'none' };
          return { kind: 'error', request, failure };
        }),
      },
    ],
  ])('a replica that %s: one wait, then nothing until it is back', (_, behaviour) => {
    const { cell, client } = prepared('truth');
    // What usual answers take is known.
    for (let k = 0; k < 3; k++) expect(read(cell, client).tookMs).toBe(EXCHANGE_MS);
    cell.behaviours[3] = behaviour;
    const first = read(cell, client);
    expect(first.text).toBe('truth');
    expect(first.tookMs).toBeLessThanOrEqual(ORDERED_MS + 4 * EXCHANGE_MS + 2);
    const before = polls(client);
    const reads = 200;
    for (let k = 0; k < reads; k++) {
      const { tookMs, text } = read(cell, client);
      expect(text).toBe('truth');
      expect(tookMs).toBeLessThanOrEqual(ORDERED_MS);
      cell.run(cell.nowMs + 50);
    }
    // Now and then all are asked beside the no-op, to see whether they agree again.
    const tried = (polls(client) - before) / 4;
    expect(tried).toBeGreaterThan(2);
    expect(tried).toBeLessThan(15);
    cell.behaviours[3] = {};
    cell.run(cell.nowMs + 33 * DELTA_MS);
    read(cell, client);
    expect(read(cell, client).tookMs).toBe(EXCHANGE_MS);
  });

  it('a first wait without any experience is a quarter of Δ', () => {
    const { cell, client } = prepared();
    cell.behaviours[0] = silent;
    const { tookMs } = read(cell, client);
    expect(tookMs).toBeGreaterThan(DELTA_MS / 4);
    expect(tookMs).toBeLessThanOrEqual(DELTA_MS / 4 + ORDERED_MS + 2);
  });

  it('slow but equal answers count, whatever has begun meanwhile', () => {
    const { cell, client } = prepared('truth');
    cell.commitDelayMs = 5_000;
    cell.behaviours[0] = { delayMs: 200 };
    expect(read(cell, client)).toEqual({ tookMs: 205, text: 'truth' });
    // They are what is usual now.
    const submits = client.count('submit');
    expect(read(cell, client).tookMs).toBe(205);
    expect(client.count('submit')).toBe(submits);
  });

  it('an abort or a time-out leaves nothing behind', () => {
    const { cell, client } = prepared();
    cell.behaviours[0] = silent;
    cell.stopped = true;
    const [aborted, late] = [client.call(current), client.call(current, 100)];
    client.abort(aborted);
    cell.run(cell.nowMs + 400);
    expect(client.failure(aborted)).toMatchObject({ outcome: 'not_applied' });
    expect(client.failure(late)).toMatchObject({
      failure: { code: 'timeout' },
      outcome: 'not_applied',
    });
    const reads = client.count('read');
    cell.stopped = false;
    cell.run(cell.nowMs + 5_000);
    expect(client.count('read')).toBe(reads);
  });

  it('one who answers only when he is doubted makes few wait', () => {
    const prospect = new Prospect(DELTA_MS);
    let waits = 0;
    const minutes = 10;
    for (let atMs = 0; atMs < minutes * 60_000; atMs += 10) {
      const chance = prospect.take(atMs);
      if (chance === 'faint') prospect.succeeded(2);
      if (chance !== 'good') continue;
      waits += 1;
      prospect.failed(atMs, atMs + 1);
    }
    expect(waits).toBeLessThan((minutes * 60_000) / (32 * DELTA_MS) + 10);
  });
});
