// Tests of answers and current reads.
import { type Answer, encodeClientMessage } from '@fatty/api';
import { beforeEach, describe, expect, it } from 'vitest';
import { commitAt, FakeBackend, FakeLink, gatewayOf, SESSION } from './gateway-fakes.ts';

let backend: FakeBackend;
let gateway: ReturnType<typeof gatewayOf>;
let link: FakeLink;
const read = (request: number, minCommit: number): void => {
  const query = { kind: 'get', path: '/a' } as const;
  const message = { kind: 'read', request, minCommit, view: 'committed', query } as const;
  gateway.message(link, encodeClientMessage(message));
};
const readCurrent = (request: number, minCommit: number): void => {
  const query = { kind: 'get', path: '/a' } as const;
  const message = { kind: 'read', request, minCommit, view: 'current', query } as const;
  gateway.message(link, encodeClientMessage(message));
};
const limited = (limits: object): void => {
  gateway = gatewayOf(backend, limits);
  gateway.linkUp(link);
};

beforeEach(() => {
  backend = new FakeBackend();
  link = new FakeLink();
  limited({});
});

describe('answers', () => {
  const entry = { name: 'n', id: { session: SESSION, seq: 0, index: 0 }, node: 'file' as const };
  const listing = (length: number): Answer => ({
    kind: 'list',
    entries: Array(length).fill(entry),
    more: true,
  });

  it('that do not fit say so, instead of nothing', () => {
    backend.says = listing(1_000);
    link.messageBytesMax = 20_000;
    read(1, 0);
    const error = { kind: 'error', request: 1, failure: { code: 'answer_too_large' } };
    expect(link.take()).toMatchObject([error]);
    link.messageBytesMax = 1 << 22;
    read(2, 0);
    expect(link.take()).toMatchObject([{ kind: 'readResult', request: 2 }]);
    link.isFull = true;
    read(3, 0);
    expect(link.take()).toMatchObject([{ request: 3, failure: { code: 'slow_down' } }]);
  });

  it('cost their client what they took, in entries and in bytes', () => {
    const askedUntilSlow = (): number => {
      link = new FakeLink();
      gateway.linkUp(link);
      for (let request = 1; ; request++) {
        read(request, 0);
        const [said] = link.take();
        if (said?.kind !== 'error') continue;
        expect(said.failure.code).toBe('slow_down');
        return request - 1;
      }
    };
    limited({ messagesPerSecMax: 500 });
    expect(askedUntilSlow()).toBe(500);
    backend.says = listing(1_000);
    backend.nowMs += 2_000;
    expect(askedUntilSlow()).toBeLessThan(10);
    limited({ bytesPerSecMax: 1_000_000 });
    const before = askedUntilSlow();
    expect(before).toBeGreaterThan(3);
    expect(before).toBeLessThan(40);
  });
});

describe('current reads (R32b)', () => {
  it('are answered from committed state, once it holds the commit that is asked for', () => {
    readCurrent(1, 10);
    expect(link.take()).toMatchObject([
      { kind: 'readResult', request: 1, commit: 10, view: 'current' },
    ]);
    readCurrent(2, 11);
    expect(link.take()).toEqual([]);
    gateway.committed(commitAt(11), { receipts: [], notices: [] });
    expect(link.take()).toMatchObject([{ request: 2, commit: 11, view: 'current' }]);
    expect(backend.queries.map(([, view]) => view)).toEqual(['committed', 'committed']);
  });

  it('are refused at once by a replica that has started again and is not current', () => {
    backend.current = false;
    const refused = { kind: 'error', failure: { code: 'not_current' } };
    readCurrent(1, 10);
    readCurrent(2, 99);
    expect(link.take()).toMatchObject([
      { request: 1, ...refused },
      { request: 2, ...refused },
    ]);
    read(3, 0);
    expect(link.take()).toMatchObject([{ kind: 'readResult', request: 3, view: 'committed' }]);
  });

  it('that wait are refused by a replica that is not current any more', () => {
    readCurrent(1, 11);
    backend.current = false;
    gateway.committed(commitAt(11), { receipts: [], notices: [] });
    expect(link.take()).toMatchObject([{ request: 1, failure: { code: 'not_current' } }]);
  });
});
