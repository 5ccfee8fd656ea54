// Sessions over time: keep-alives, anchors, notices, jeopardy, expiry.
import { encodeNotice, errorResult, type GatewayMessage, type NoticeBody } from '@fatty/api';
import type { SessionId } from '@fatty/interface';
import { describe, expect, it } from 'vitest';
import { type Behaviour, FakeCell } from './fake-cell.ts';
import { SimClient } from './sim-client.ts';

describe('sessions', () => {
  it('stays connected for an hour, past the end of its first chain', () => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell, { chainLength: 64 }).connect();
    const held = client.acquire();
    cell.run(3_600_000);
    expect(client.answer(held)).toBe('held');
    expect(client.lost.size).toBe(0);
    expect(client.states).toEqual(['none', 'opening', 'connected']);
    expect(cell.applied.filter((one) => one.kind === 'reanchor').length).toBeGreaterThan(5);
  });

  it('asks a second gateway for a keep-alive when the first is slow', () => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell).connect();
    client.write();
    cell.run(1_000);
    cell.behaviours[client.gateway()] = { swallows: true };
    cell.run(60_000);
    expect(client.states).toEqual(['none', 'opening', 'connected']);
    const keepers = client.sent.filter((one) => one.message.kind === 'unsigned');
    expect(new Set(keepers.map((one) => one.replica)).size).toBeGreaterThan(1);
  });

  it('goes to jeopardy when nothing can be proved, loses its locks there, and comes back safe', () => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell).connect();
    const held = client.acquire();
    cell.run(1_000);
    cell.stopped = true;
    cell.run(20_000);
    expect(client.states.at(-1)).toBe('jeopardy');
    expect(client.lost.get(held)).toMatchObject({ code: 'in_jeopardy' });
    expect(client.core.beliefs(client.nowMs())).toEqual([]);
    // The lease clock stood still with the commits: nobody else got the lock meanwhile.
    cell.stalledMs = 19_000;
    cell.stopped = false;
    cell.run(30_000);
    expect(client.states).toEqual(['none', 'opening', 'connected', 'jeopardy', 'safe']);
    expect(cell.holderOf('/lock')).toBeUndefined();
  });

  it.each([true, false])('asks a cell without commits less and less (open: %s)', (open) => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell).connect();
    if (open) client.write();
    cell.run(1_000);
    cell.stopped = true;
    client.acquire();
    cell.run(14_000);
    expect(client.states.at(-1)).toBe(open ? 'jeopardy' : 'opening');
    const before = client.count('now');
    cell.run(54_000);
    const questions = (client.count('now') - before) / 4;
    expect(client.states.at(-1)).toBe(open ? 'jeopardy' : 'opening');
    expect(questions).toBeGreaterThanOrEqual(9);
    expect(questions).toBeLessThanOrEqual(45);
  });

  it('asks at once when a commit has news, then after Δ/4 and twice as late each time', () => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell, { deltaMs: 100 }).connect();
    // Clocks an hour ahead: no lease is ever proved, whatever the cell commits.
    cell.skewMs.fill(3_600_000);
    cell.run(500);
    client.write();
    cell.run(6_900);
    expect(client.states).toEqual(['none', 'opening', 'jeopardy']);
    const asked = client.sent.flatMap(({ atMs, message, replica }) =>
      message.kind === 'now' && replica === 0 ? [atMs] : [],
    );
    const opened = [540, 565, 615, 715, 915, 1_315, 2_115, 3_115, 4_115];
    const renewed = [4_570, 4_595, 4_645, 4_745, 4_945, 5_345, 6_145];
    expect(asked).toEqual([500, ...opened, ...renewed]);
  });

  it('opens in a cell that has rested for an hour: the first clock proof is older than its offset', () => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell).connect();
    cell.nowMs += 3_600_000;
    const call = client.write();
    // Asked at 5 ms, answered, opened at 15 ms; only the commit then moves the offset.
    cell.at(17, () => {
      cell.stalledMs = 3_598_000;
    });
    cell.run(3_602_000);
    expect(client.answer(call)).toBe('results');
    cell.run(3_700_000);
    expect(client.states).toEqual(['none', 'opening', 'connected']);
  });

  it('expires after the grace period, answers what was in flight `unknown`, and opens a new one', () => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell, { graceMs: 45_000 }).connect();
    client.write();
    cell.run(1_000);
    cell.stopped = true;
    const call = client.write();
    cell.run(70_000);
    expect(client.states.slice(-2)).toEqual(['jeopardy', 'expired']);
    expect(client.failure(call)).toMatchObject({
      failure: { code: 'session_expired' },
      outcome: 'unknown',
    });
    cell.stopped = false;
    const again = client.write();
    cell.run(75_000);
    expect(client.answer(again)).toBe('results');
  });

  it('opens through another gateway when its own has opened its share', () => {
    const failure = { code: 'gateway_full', expected: '16384 a gateway', actual: '16384' } as const;
    for (const full of [0, 1, 2, 3]) {
      const cell = new FakeCell(4);
      const client = new SimClient(cell).connect();
      for (const i of [0, 1, 2, 3]) if (i !== full) cell.behaviours[i] = { refuses: failure };
      const call = client.write();
      cell.run(5_000);
      expect(client.answer(call)).toBe('results');
    }
    const cell = new FakeCell(4);
    const client = new SimClient(cell).connect();
    const { code, expected, actual } = failure;
    const refusal = errorResult(code, expected, actual);
    cell.openRefusals.push(refusal, refusal);
    const call = client.write();
    cell.run(5_000);
    expect(client.answer(call)).toBe('results');
    const opens = client.sent.flatMap(({ message, replica }) =>
      message.kind === 'submit' ? [replica] : [],
    );
    expect(new Set(opens).size).toBeGreaterThan(1);
    cell.openRefusals.push(refusal, refusal, refusal, refusal);
    const late = new SimClient(cell).connect();
    const refused = late.write();
    cell.run(10_000);
    expect(late.failure(refused)).toMatchObject({ failure: { code: 'gateway_full' } });
  });

  it('learns of its expiry from f+1 replicas and from no fewer', () => {
    const body = { kind: 'sessionExpired', position: { commit: 1, index: 0 } } as const;
    const cell = new FakeCell(4);
    const client = new SimClient(cell).connect();
    client.write();
    cell.run(1_000);
    const session = client.core.status.session;
    if (session === undefined) throw new Error('no session');
    const lie = (replica: number): void => cell.say(replica, 0, notice(session, body));
    lie(0);
    cell.run(1_100);
    expect(client.states).not.toContain('expired');
    lie(1);
    cell.run(1_200);
    expect(client.states).toContain('expired');
  });
});

describe('locks', () => {
  it('hears of a loss through any number of notices that a liar invents', () => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell).connect();
    const held = client.acquire();
    cell.run(500);
    const { session } = client.core.status;
    if (session === undefined) throw new Error('no session');
    // The news reach us from one replica early and from another late.
    const quiet: Behaviour = { lie: (one) => (one.kind === 'notice' ? undefined : one) };
    Object.assign(cell.behaviours, { 0: { delayMs: 1 }, 1: { delayMs: 200 }, 2: quiet, 3: quiet });
    cell.seize('/lock');
    cell.run(600);
    expect(client.lost.size).toBe(0);
    cell.behaviours[3] = {};
    for (let i = 0; i < 3_000; i++) {
      const position = { commit: i, index: 9 };
      const loss = { path: '/x', lockGen: position, reason: 'node_removed', position } as const;
      const body = { kind: 'lost', number: i + 1, ...loss } as const;
      cell.say(3, 0, { kind: 'notice', session, commit: i, body: encodeNotice(body) });
    }
    cell.run(1_500);
    expect(client.lost.get(held)).toMatchObject({ code: 'lock_lost' });
  });

  it('hands over, and tells the one who lost it', () => {
    const cell = new FakeCell(4);
    const one = new SimClient(cell).connect();
    const two = new SimClient(cell).connect();
    const first = one.acquire();
    cell.run(500);
    const second = two.acquire();
    cell.run(1_000);
    expect(two.answer(second)).toBeUndefined();
    cell.seize('/lock');
    cell.run(1_500);
    expect(one.lost.get(first)).toMatchObject({ code: 'lock_lost', actual: 'node_removed' });
    expect(two.answer(second)).toBe('held');
    expect(one.failure(one.call({ kind: 'release', hold: first })).failure.code).toBe('lock_lost');
  });

  it('finds grants and losses whose notices were all lost', () => {
    const deaf: Behaviour = {
      lie: (message) => {
        const grant = message.kind === 'notice' && message.body.length > 30;
        return grant ? undefined : message;
      },
    };
    const cell = new FakeCell(4);
    const one = new SimClient(cell).connect();
    const two = new SimClient(cell).connect();
    const first = one.acquire();
    const second = two.acquire();
    cell.run(1_000);
    for (const i of [0, 1, 2, 3]) cell.behaviours[i] = deaf;
    cell.seize('/lock');
    cell.run(10_000);
    expect([one.answer(first), two.answer(second)]).toEqual(['held', 'held']);
    one.disconnect(0);
    one.connect(0);
    cell.run(20_000);
    expect(one.lost.size + two.lost.size).toBe(1);
  });

  it('tries without waiting', () => {
    const cell = new FakeCell(4);
    const one = new SimClient(cell).connect();
    const two = new SimClient(cell).connect();
    one.acquire();
    cell.run(500);
    const call = two.acquire('/lock', false);
    cell.run(1_000);
    expect(two.failure(call)).toMatchObject({
      failure: { code: 'lock_held' },
      outcome: 'not_applied',
    });
  });

  it('does not believe in a released lock from the release on', () => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell).connect();
    const held = client.acquire();
    cell.run(500);
    expect(client.core.beliefs(client.nowMs())).toHaveLength(1);
    client.call({ kind: 'release', hold: held });
    expect(client.core.beliefs(client.nowMs())).toEqual([]);
    cell.run(1_000);
    expect(client.lost.size).toBe(0);
  });

  it('loses a machine that is not renewed within its period, keeps one that is', () => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell).connect();
    const proven = { path: '/m', nonce: undefined, outputs: 0, inbox: 0 };
    const take = { kind: 'takeMachine', ...proven, proofs: [new Uint8Array(10)] } as const;
    const renew = { kind: 'renewMachine', ...proven, proofs: [new Uint8Array(10)] } as const;
    const hold = client.call({ kind: 'machine', op: take, hold: undefined });
    cell.run(300);
    expect(client.answer(hold)).toBe('results');
    for (let i = 0; i < 10; i++) {
      client.call({ kind: 'machine', op: renew, hold });
      cell.run(300 + 300 * i);
      expect(client.core.beliefs(client.nowMs())).toMatchObject([{ hold, mode: 'machine' }]);
    }
    cell.run(10_000);
    expect(client.lost.get(hold)).toMatchObject({ code: 'in_jeopardy' });
  });
});

function notice(session: SessionId, body: NoticeBody): GatewayMessage {
  return { kind: 'notice', session, commit: 5, body: encodeNotice(body) };
}
