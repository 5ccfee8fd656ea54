// R32d: a client that follows the chain of epochs, whoever lies about it.
import { encodeResult, type GatewayMessage } from '@fatty/api';
import { standIn } from '@fatty/codec';
import type { Change } from '@fatty/protocol';
import { cellIdOf } from '@fatty/protocol';
import { describe, expect, it } from 'vitest';
import { type Behaviour, FakeCell } from './fake-cell.ts';
import { bytesOf, linkFor, linksFrom } from './links-of.ts';
import { SimClient } from './sim-client.ts';

/** Four members, 0 to 3, and replicas from 4 on that may become some. */
function stage(joiners = 1, behaviours: Record<number, Behaviour> = {}) {
  const cell = new FakeCell(4, behaviours);
  for (let i = 0; i < joiners; i++) cell.addReplica(behaviours[4 + i]);
  const client = new SimClient(cell).connect(0, 1, 2, 3);
  const replace = (old: number, by: number): Change => {
    return { kind: 'replace', old: cell.keyOf(old), key: cell.keyOf(by) };
  };
  return { cell, client, replace };
}

const epochOf = (client: SimClient): number => client.core.status.epoch;

/** What has been said is not changed; nothing is said of epochs. */
const withholding: Behaviour = {
  lie: (message) => (message.kind === 'links' ? { ...message, epoch: 0, links: [] } : message),
};

describe('a change of members', () => {
  it('ends no session and no hold, and what was cut is applied once', () => {
    const { cell, client, replace } = stage();
    const held = client.acquire();
    cell.run(1_000);
    expect(client.answer(held)).toBe('held');
    const [before] = client.core.beliefs(client.nowMs());
    const { session } = client.core.status;
    // The gateway is cut off from what it was given: the epoch ends before it is in a block.
    for (const replica of [0, 1, 2, 3]) cell.behaviours[replica] = { swallows: true };
    const cut = client.write('/cut');
    cell.run(1_020);
    for (const replica of [0, 1, 2, 3]) cell.behaviours[replica] = {};
    cell.change(replace(3, 4));
    cell.run(1_400);
    expect([client.epochs, epochOf(client)]).toEqual([[1], 1]);
    expect(client.answer(cut)).toBe('results');
    const [after] = client.core.beliefs(client.nowMs());
    expect(after?.lockGen).toEqual(before?.lockGen);
    // What was proved in the old epoch is good until its end.
    expect(after?.untilMs).toBeGreaterThanOrEqual(before?.untilMs ?? 0);
    cell.run(60_000);
    expect(client.core.status).toMatchObject({ session, state: 'connected', links: 4 });
    expect(client.core.beliefs(client.nowMs())).toHaveLength(1);
    expect(client.lost.size).toBe(0);
    expect(cell.applied.filter(({ kind }) => kind === 'write')).toHaveLength(1);
    expect(client.states).toEqual(['none', 'opening', 'connected']);
  });

  it('is followed over many epochs, until none of the first members is left', () => {
    const { cell, client, replace } = stage(4);
    const held = client.acquire();
    cell.run(1_000);
    for (const old of [0, 1, 2, 3]) {
      cell.change(replace(old, 4 + old));
      cell.run(1_000 + 3_000 * (old + 1));
      client.write(`/${old}`);
    }
    cell.run(30_000);
    expect(epochOf(client)).toBe(4);
    expect(client.core.beliefs(client.nowMs()).map(({ hold }) => hold)).toEqual([held]);
    expect(cell.applied.filter(({ kind }) => kind === 'write')).toHaveLength(4);
    expect(client.gateway()).toBeGreaterThanOrEqual(4);
  });

  it('asks reads anew, also those of all members', () => {
    const { cell, client, replace } = stage();
    client.write('/a', 'x');
    cell.run(1_000);
    const query = { kind: 'get', path: '/a' } as const;
    // Two have answered when the epoch ends, and the third is gone before it does.
    for (const replica of [2, 3]) cell.behaviours[replica] = { delayMs: 400 };
    const polled = client.call({ kind: 'read', query, view: 'current', replica: undefined });
    cell.run(1_020);
    for (const replica of [2, 3]) cell.behaviours[replica] = {};
    cell.change(replace(3, 4));
    cell.run(3_000);
    const outcome = client.outcomes.get(polled);
    expect(outcome).toMatchObject({ kind: 'answer', view: 'current' });
    expect(outcome?.kind === 'answer' && outcome.replicas).not.toContain(3);
  });
});

describe('votes of different epochs are never counted together', () => {
  const forged = encodeResult({ kind: 'written', generation: { commit: 9_999, index: 0 } });
  const forge = (message: GatewayMessage): GatewayMessage =>
    message.kind === 'receipt' && message.seq > 0
      ? { ...message, results: message.results.map(() => forged) }
      : message;

  it('a liar of the old members and one of the new are no f + 1', () => {
    // The honest ones show receipts of nothing but the opening, so that only liars could be believed.
    const mute: Behaviour = {
      lie: (message) => (message.kind === 'receipt' && message.seq > 0 ? undefined : message),
    };
    const old: Behaviour = { lie: forge };
    const { cell, client, replace } = stage(1, { 3: old, 4: { delayMs: 5, lie: forge } });
    client.write('/first');
    cell.run(200);
    for (const replica of [0, 1, 2]) cell.behaviours[replica] = { ...mute };
    const call = client.write('/second');
    cell.run(400);
    expect(client.answer(call)).toBeUndefined();
    cell.change(replace(3, 4));
    for (const replica of [0, 1, 2]) cell.tellEpoch(replica, 0);
    cell.run(8_000);
    expect(epochOf(client)).toBe(1);
    expect(client.answer(call)).toBeUndefined();
    for (const replica of [0, 1, 2]) cell.behaviours[replica] = {};
    cell.run(20_000);
    const outcome = client.outcomes.get(call);
    expect(outcome?.kind).toBe('results');
    expect(outcome?.kind === 'results' && outcome.results[0]).not.toMatchObject({
      generation: { commit: 9_999 },
    });
  });

  it('old members that go on answering are not heard, however many', () => {
    const { cell, client, replace } = stage(4);
    client.keepsOld = true;
    for (const old of [0, 1]) {
      cell.change(replace(old, 4 + old));
      cell.run(1_000 * (old + 1));
    }
    expect(epochOf(client)).toBe(2);
    for (const replica of [0, 1]) cell.behaviours[replica] = { delayMs: 0, lie: forge };
    const call = client.write('/a');
    cell.run(10_000);
    const outcome = client.outcomes.get(call);
    expect(outcome?.kind === 'results' && outcome.results[0]).not.toMatchObject({
      generation: { commit: 9_999 },
    });
    expect(outcome?.kind).toBe('results');
  });
});

describe('whoever lies about the chain', () => {
  it('with too few signatures, of another cell, or with bytes that are no link, moves nobody', () => {
    const promising: Behaviour = {
      lie: (message) => (message.kind === 'links' ? { ...message, epoch: 1 } : message),
    };
    const { cell, client, replace } = stage(1, { 1: promising });
    cell.run(100);
    const { cellId } = cell.cell;
    const at = { index: 7, leaseClock: 1 };
    const rules = { committee: cell.committee, cellId, scheme: standIn() };
    const few = linkFor(rules, cell.signers, [replace(3, 4)], at, 2);
    const foreign = { ...cell.committee, genesisTs: 5 };
    const elsewhere = { ...rules, committee: foreign, cellId: cellIdOf(foreign) };
    const others = linkFor(elsewhere, cell.signers, [replace(3, 4)], at);
    for (const link of [bytesOf(few), bytesOf(others), new Uint8Array(9)]) {
      cell.say(1, 0, { kind: 'links', epoch: 1, links: [link] });
    }
    cell.run(60_000);
    expect([epochOf(client), client.epochs]).toEqual([0, []]);
    const codes = client.suspects.map(({ replica, failure }) => [replica, failure.code]);
    expect(codes).toContainEqual([1, 'no_quorum']);
    expect(codes).toContainEqual([1, 'bad_signature']);
    expect(codes.length).toBe(3);
    // Who promises an epoch and shows none is asked a few times, and then no more.
    const asked = client.count('getLinks');
    expect(asked).toBeGreaterThan(1);
    cell.run(600_000);
    expect(client.count('getLinks')).toBeLessThan(asked + 10);
    const call = client.write();
    cell.run(602_000);
    expect(client.answer(call)).toBe('results');
  });

  it('by withholding it keeps nobody from it whom another one tells', () => {
    const liars = { 0: withholding, 1: withholding, 2: withholding };
    const { cell, client, replace } = stage(1, liars);
    cell.change(replace(3, 4));
    // Three withhold it, and the only other one has gone: the one that came knows.
    cell.run(1_000);
    expect(epochOf(client)).toBe(0);
    client.connect(4);
    cell.tellEpoch(4, 0);
    cell.run(2_000);
    expect(epochOf(client)).toBe(1);
  });

  it('one gateway that knows the way is enough, whatever the epoch is', () => {
    const { cell, replace } = stage(5);
    for (const old of [0, 1, 2, 3]) cell.change(replace(old, 4 + old));
    cell.run(100);
    const client = new SimClient(cell).connect(7);
    cell.tellEpoch(7, 1);
    const call = client.write();
    cell.run(5_000);
    expect(epochOf(client)).toBe(4);
    expect(client.answer(call)).toBe('results');
  });

  it('a page that ends before the newest epoch is asked on from', () => {
    const page: Behaviour = {
      lie(message) {
        return message.kind === 'links'
          ? { ...message, links: message.links.slice(0, 1) }
          : message;
      },
    };
    const { cell, replace } = stage(4, { 7: page });
    for (const old of [0, 1, 2, 3]) cell.change(replace(old, 4 + old));
    const client = new SimClient(cell).connect(7);
    cell.run(2_000);
    expect(epochOf(client)).toBe(4);
    expect(client.epochs).toEqual([4]);
  });
});

describe('a client that has slept for longer than old members are trusted', () => {
  it('counts nothing before it knows that its epoch is the newest', () => {
    const { cell, client, replace } = stage(4);
    client.write('/a');
    cell.run(1_000);
    for (const replica of [0, 1, 2, 3]) client.disconnect(replica);
    cell.run(300_000);
    for (const old of [0, 1, 2]) cell.change(replace(old, 4 + old));
    // Three of four have left, and lie now; the one that stayed is slow.
    const forged = encodeResult({ kind: 'written', generation: { commit: 9_999, index: 0 } });
    const lie = (message: GatewayMessage): GatewayMessage => {
      if (message.kind === 'links') return { ...message, epoch: 0, links: [] };
      return message.kind === 'receipt'
        ? { ...message, results: message.results.map(() => forged) }
        : message;
    };
    for (const replica of [0, 1, 2]) cell.behaviours[replica] = { delayMs: 1, lie };
    cell.behaviours[3] = { delayMs: 200 };
    client.connect(0, 1, 2, 3);
    const call = client.write('/b');
    cell.run(330_000);
    expect(epochOf(client)).toBe(3);
    const outcome = client.outcomes.get(call);
    expect(outcome?.kind).toBe('results');
    expect(outcome?.kind === 'results' && outcome.results[0]).not.toMatchObject({
      generation: { commit: 9_999 },
    });
  });

  it('goes on after one exchange where nothing has changed, with one that is silent after a second', () => {
    const { cell, client } = stage(0);
    client.write('/a');
    cell.run(1_000);
    client.close();
    const idle = new SimClient(cell).connect();
    cell.run(300_000);
    const first = idle.write('/b');
    cell.run(300_500);
    expect(idle.answer(first)).toBe('results');
    const other = new SimClient(cell).connect();
    cell.run(600_000);
    cell.behaviours[2] = { lie: () => undefined };
    const second = other.write('/c');
    cell.run(600_500);
    expect(other.answer(second)).toBeUndefined();
    cell.run(602_500);
    expect(other.answer(second)).toBe('results');
    expect(linksFrom([], 0)).toEqual({ kind: 'links', epoch: 0, links: [] });
  });
});
