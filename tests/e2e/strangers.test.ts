// Real processes: what strangers can cost.
import { connect as connectTcp } from 'node:net';
import type { RunningCell } from '@fatty/cli';
import type { Client } from '@fatty/client/node';
import type { Signer } from '@fatty/codec';
import { nodeScheme } from '@fatty/codec/node';
import type { Link, Role } from '@fatty/interface';
import { admitOnly, type DialState, dial } from '@fatty/network';
import { encodeMessage } from '@fatty/replica';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import {
  addressOf,
  endEverything,
  fetchText,
  member,
  metricOf,
  newCell,
  newClient,
  statusOf,
  tidyUp,
} from './cell.ts';

const scheme = nodeScheme();
const stranger: Signer = scheme.signer(new Uint8Array(32).fill(77));

describe('strangers', () => {
  let cell: RunningCell;
  let client: Client;
  let pids: (number | undefined)[];
  beforeAll(async () => {
    cell = await newCell();
    client = await newClient(cell);
    await client.put('/before', 'x');
    pids = cell.replicas.map((replica) => replica.process.pid);
  });
  afterAll(endEverything);

  /** Close code of a raw WebSocket after it has said `what`. */
  function codeAfter(url: string, what: Uint8Array | string): Promise<number> {
    const socket = new WebSocket(url);
    socket.on('error', () => undefined);
    socket.on('open', () => socket.send(what));
    return new Promise((resolve) => socket.on('close', resolve));
  }

  /** How a dial as `role` with `signer` ends: the code it was stopped or turned away with. */
  function turnedAway(url: string, role: Role, signer: Signer): Promise<number> {
    const key = cell.cell.committee.members[0];
    if (key === undefined) throw new Error('no member');
    const { cellId } = cell.cell;
    return new Promise((resolve, reject) => {
      const dialer = dial({
        url,
        identity: { cellId, epoch: () => 0, role, signer, scheme, admit: admitOnly([key]) },
        handler: {
          up: () => reject(new Error('linked')),
          message: () => undefined,
          down: () => undefined,
        },
        onState: (state: DialState) => {
          if (state.kind !== 'stopped' && state.kind !== 'waiting') return;
          resolve(state.code);
          dialer.close();
        },
      });
      tidyUp(async () => dialer.close());
    });
  }

  it('with garbage are shut out of both link ports', async () => {
    const { peer, client: door } = addressOf(cell, 0);
    for (const url of [peer, door]) {
      expect(await codeAfter(url, Uint8Array.of(1, 2, 3))).toBe(4400);
      expect(await codeAfter(url, 'GET / HTTP/1.1')).toBe(4400);
      expect(await codeAfter(url, new Uint8Array(2 << 20))).toBe(1009);
    }
  });

  it('with no WebSocket at all get nowhere', async () => {
    for (const url of Object.values(addressOf(cell, 0)).filter((one) => /^(ws|http):/.test(one))) {
      const socket = connectTcp(Number(new URL(url).port), '127.0.0.1');
      const answer = new Promise<string>((resolve) => {
        let said = '';
        socket.on('data', (chunk: Buffer) => {
          said += chunk.toString();
        });
        socket.on('error', () => undefined);
        socket.on('close', () => resolve(said));
      });
      socket.end(Buffer.from('\x16\x03\x01 nonsense \r\n\r\n'));
      expect(await answer).toMatch(/^$|^HTTP\/1\.1 400/);
    }
  });

  it('without a committee key get no replica link, in either role', async () => {
    const { peer } = addressOf(cell, 0);
    expect(await turnedAway(peer, 'replica', stranger)).toBe(4401);
    expect(await turnedAway(peer, 'client', stranger)).toBe(4401);
  });

  it('who speak the replica protocol on a client link are hung up on', async () => {
    const { client: door } = addressOf(cell, 0);
    const key = cell.cell.committee.members[0];
    if (key === undefined) throw new Error('no member');
    const { cellId } = cell.cell;
    const admit = admitOnly([key]);
    const code = await new Promise<number>((resolve) => {
      const dialer = dial({
        url: door,
        identity: { cellId, epoch: () => 0, role: 'client', signer: stranger, scheme, admit },
        handler: {
          up: (link: Link) => link.send(encodeMessage({ kind: 'getRounds', from: 1, to: 99 }), 1),
          message: () => undefined,
          down: (_link, closed) => {
            dialer.close();
            resolve(closed);
          },
        },
      });
      tidyUp(async () => dialer.close());
    });
    expect(code).toBe(4400);
  });

  it('leave no trace: the same processes, fully linked, have rejected nothing', async () => {
    await client.put('/after', 'y');
    for (const index of [0, 1, 2, 3]) {
      const status = await statusOf(cell, index);
      expect(status.peersUp).toHaveLength(3);
      expect(member(cell, index).process.state).toBe('ready');
      expect(await metricOf(cell, index, 'fatty_rejects_total')).toBe(0);
      expect(await fetchText(cell, index, '/readyz')).toContain('\nok\n');
    }
    expect(cell.replicas.map((replica) => replica.process.pid)).toEqual(pids);
    expect((await client.get('/before')).text()).toBe('x');
  });
});
