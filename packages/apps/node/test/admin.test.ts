// The door of a replica's own operator.
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { failure, toHex } from '@fatty/codec';
import { nodeScheme } from '@fatty/codec/node';
import type { Happening } from '@fatty/host';
import { type Agenda, type Change, cellIdOf, DEFAULT_PARAMS, EMPTY_AGENDA } from '@fatty/protocol';
import type { ReplicaStatus } from '@fatty/replica';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type AdminDoor, adminPath, openAdmin } from '../src/admin.ts';
import { askAdmin } from '../src/index.ts';
import { type MembersShown, membersShown, shownAgenda } from '../src/members-shown.ts';
import { Motions } from '../src/motions.ts';

const scheme = nodeScheme();
const keys = [1, 2, 3, 4, 5].map((n) => scheme.signer(new Uint8Array(32).fill(n)).publicKey);
const [first, second, third, fourth, newcomer] = keys as [
  (typeof keys)[0],
  (typeof keys)[0],
  (typeof keys)[0],
  (typeof keys)[0],
  (typeof keys)[0],
];
const committee = {
  epoch: 3,
  genesisTs: 1,
  members: [first, second, third, fourth],
  params: DEFAULT_PARAMS,
};
const agenda: Agenda = {
  ...EMPTY_AGENDA,
  moved: [{ change: { kind: 'add', key: newcomer }, by: [{ member: 2, number: 0 }] }],
  ready: [{ key: newcomer, index: 9 }],
};
const status = { state: 'active', commitIndex: 12, agenda } as unknown as ReplicaStatus;
const cell = { cellId: cellIdOf(committee), committee, addresses: [] };

let dir: string;
let door: AdminDoor | undefined;
let moved: Change[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fatty-admin-'));
  moved = [];
});
afterEach(async () => {
  await door?.close();
  door = undefined;
  rmSync(dir, { recursive: true, force: true });
});

async function open(flaw?: ReturnType<typeof failure>): Promise<void> {
  door = await openAdmin(dir, {
    members: () => membersShown(cell, toHex(first), status, [1]),
    move: async (change) => {
      moved.push(change);
      return flaw;
    },
  });
}

/** Status and code of what this body is answered with. */
function post(body: string): Promise<readonly unknown[]> {
  return new Promise((resolve, refuse) => {
    const asked = request(
      { socketPath: adminPath(dir), method: 'POST', path: '/move' },
      (response) => {
        let text = '';
        response.on('data', (part) => {
          text += String(part);
        });
        response.on('end', () =>
          resolve([response.statusCode, (JSON.parse(text) as { code?: string }).code]),
        );
      },
    );
    asked.on('error', refuse);
    asked.end(body);
  });
}

describe('the door', () => {
  it('is for the owner of the folder alone, and takes the place of what a killed process left', async () => {
    writeFileSync(adminPath(dir), 'left');
    await open();
    expect(statSync(adminPath(dir)).mode & 0o777).toBe(0o600);
  });

  it('shows members, and what is moved', async () => {
    await open();
    const answer = await askAdmin<MembersShown>(dir, { kind: 'members' });
    expect(answer.ok && answer.value).toMatchObject({
      epoch: 3,
      members: 4,
      faultsMax: 1,
      quorum: 3,
      state: 'active',
      motions: [
        { change: { kind: 'add', key: toHex(newcomer) }, movers: [2], needed: 3, isReady: true },
      ],
      ready: [{ key: toHex(newcomer), commit: 9 }],
    });
    const linked = answer.ok ? answer.value.all.map(({ isLinked }) => isLinked) : [];
    expect(linked).toEqual([true, true, false, false]);
  });

  it('moves each kind of change, and tells why not', async () => {
    await open();
    const [old, key] = [toHex(second), toHex(newcomer)];
    for (const change of [
      { kind: 'add', key },
      { kind: 'remove', old },
      { kind: 'replace', old, key },
      { kind: 'renew' },
    ] as const) {
      expect(await askAdmin(dir, { kind: 'move', change })).toMatchObject({ ok: true });
    }
    expect(moved).toEqual([
      { kind: 'add', key: newcomer },
      { kind: 'remove', old: second },
      { kind: 'replace', old: second, key: newcomer },
      { kind: 'renew' },
    ]);
  });

  it('tells why a replica does not take a change', async () => {
    await open(failure('unknown_member', 'a member', 'another'));
    const old = toHex(second);
    expect(await askAdmin(dir, { kind: 'move', change: { kind: 'remove', old } })).toMatchObject({
      ok: false,
      failure: { code: 'unknown_member' },
    });
  });

  it('takes nothing that is no change', async () => {
    await open();
    const long = JSON.stringify({ kind: 'renew', pad: 'x'.repeat(5_000) });
    for (const body of ['', 'null', '5', '{', '{"kind":"add","key":"ab"}', '{"kind":"x"}', long]) {
      expect(await post(body)).toEqual([400, 'bad_change']);
    }
    expect(moved).toEqual([]);
  });

  it('is not there while no replica runs', async () => {
    expect(await askAdmin(dir, { kind: 'members' })).toMatchObject({
      ok: false,
      failure: { code: 'not_running' },
    });
  });
});

describe('a motion', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is answered by what the replica says to it, each by its own tag, and never waits for ever', async () => {
    vi.useFakeTimers();
    const given: Happening[] = [];
    const motions = new Motions((move) => given.push(move));
    const one = motions.move({ kind: 'renew' });
    const two = motions.move({ kind: 'remove', old: second });
    const three = motions.move({ kind: 'renew' });
    const tags = given.map((happening) => (happening.kind === 'move' ? happening.tag : 0));
    const flaw = failure('nothing_new', 'a', 'b');
    motions.stated(tags[1] ?? 0, flaw);
    motions.stated(tags[0] ?? 0, undefined);
    motions.stated(999, undefined);
    expect([await one, await two]).toEqual([undefined, flaw]);
    await vi.advanceTimersByTimeAsync(6_000);
    expect(await three).toMatchObject({ code: 'no_answer' });
  });
});

it('what is planned is shown with its keys', () => {
  const plan = { index: 4, changes: [{ kind: 'replace', old: first, key: newcomer } as const] };
  expect(shownAgenda(committee, { ...agenda, plan }).plan).toEqual([
    { kind: 'replace', old: toHex(first), key: toHex(newcomer) },
  ]);
});
