// Tests of the simulator's parts: events, dice, disk, network.
import { bodyDigest, headerShape, signedBlockShape, virtualRef } from '@fatty/broadcast';
import { encode, standIn, toHex } from '@fatty/codec';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeCell, smallWindows } from '../src/world/cell.ts';
import { Disk } from '../src/world/disk.ts';
import { CALM_NETWORK } from '../src/world/faults.ts';
import { EventHeap } from '../src/world/heap.ts';
import { Network, type Packet } from '../src/world/network.ts';
import { SeededRng } from '../src/world/rng.ts';
import { blocksIn, readItem } from '../src/world/sight.ts';

describe('clockwork', () => {
  test('the heap gives events by time, then by order of scheduling', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 9 })), (times) => {
        const heap = new EventHeap();
        const out: [number, number][] = [];
        for (const [i, at] of times.entries()) heap.push(at, () => void out.push([at, i]));
        for (let next = heap.pop(); next !== undefined; next = heap.pop()) next.run();
        const sorted = times
          .map((at, i) => [at, i] as [number, number])
          .sort((a, b) => a[0] - b[0]);
        expect(out).toEqual(sorted);
      }),
    );
  });

  test('the same seed rolls the same dice, another seed others, within bounds', () => {
    const roll = (seed: number): number[] => {
      const rng = new SeededRng(seed);
      return Array.from({ length: 50 }, () => rng.between(3, 9));
    };
    expect(roll(7)).toEqual(roll(7));
    expect(roll(7)).not.toEqual(roll(8));
    expect(new Set(roll(1))).toEqual(new Set([3, 4, 5, 6, 7, 8, 9]));
  });
});

interface Bench {
  readonly network: Network;
  readonly arrived: Packet[];
  readonly dropped: string[];
  readonly links: string[];
  /** Of each arrival: whether its receiver knew that the link stands. */
  readonly known: boolean[];
  run(untilMs: number): void;
}

function bench(change: Partial<typeof CALM_NETWORK>, seed = 1): Bench {
  const heap = new EventHeap();
  let now = 0;
  const arrived: Packet[] = [];
  const dropped: string[] = [];
  const links: string[] = [];
  const known: boolean[] = [];
  const network = new Network(3, { ...CALM_NETWORK, ...change }, new SeededRng(seed), {
    nowMs: () => now,
    after: (ms, run) => heap.push(now + ms, run),
    sent: () => undefined,
    arrive: (packet) => {
      arrived.push(packet);
      known.push(links.includes(`${packet.to}+${packet.from}`));
    },
    dropped: (_, why) => dropped.push(why),
    linkChanged: (at, other, up) => links.push(`${at}${up ? '+' : '-'}${other}`),
  });
  const run = (untilMs: number): void => {
    for (let at = heap.peekMs(); at !== undefined && at <= untilMs; at = heap.peekMs()) {
      const event = heap.pop();
      now = at;
      event?.run();
    }
    now = untilMs;
  };
  return { network, arrived, dropped, links, known, run };
}

const bytes = Uint8Array.of(1);

describe('network', () => {
  test('links come up; a calm link keeps its order', () => {
    const { network, arrived, links, run } = bench({});
    network.resetLinks();
    run(1000);
    expect(links.sort()).toEqual(['0+1', '0+2', '1+0', '1+2', '2+0', '2+1']);
    for (let i = 0; i < 40; i++) network.send(0, 1, Uint8Array.of(i));
    run(2000);
    expect(arrived.map((packet) => packet.bytes[0])).toEqual(
      Array.from({ length: 40 }, (_, i) => i),
    );
  });

  test('whoever is spoken to knows by then that the link stands', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { network, links, known, run } = bench({ delayMsMin: 1, delayMsMax: 2 }, seed);
      network.resetLinks();
      for (let ms = 1; links.length === 0; ms++) run(ms);
      const [at, other] = (links[0] ?? '').split('+').map(Number);
      network.send(at ?? 0, other ?? 1, bytes);
      run(1000);
      expect(known).toEqual([true]);
      expect(links.sort()).toEqual(['0+1', '0+2', '1+0', '1+2', '2+0', '2+1']);
    }
  });

  test('reorders, duplicates and loses when told to', () => {
    const { network, arrived, dropped, run } = bench({
      reorder: true,
      duplicatePerMille: 300,
      lossPerMille: 300,
      delayMsMax: 50,
    });
    for (let i = 0; i < 100; i++) network.send(0, 1, Uint8Array.of(i));
    run(1000);
    const order = arrived.map((packet) => packet.bytes[0] ?? 0);
    expect(order).not.toEqual(order.slice().sort((a, b) => a - b));
    expect(new Set(order).size).toBeLessThan(order.length);
    expect(dropped.filter((why) => why === 'lost').length).toBeGreaterThan(10);
  });

  test('a partition cuts what is in flight; both ends notice, and dial again when it heals', () => {
    const { network, arrived, dropped, links, run } = bench({});
    network.resetLinks();
    run(500);
    network.send(0, 1, bytes);
    network.partition([0]);
    network.send(1, 2, bytes);
    run(1500);
    expect(arrived.map((packet) => packet.to)).toEqual([2]);
    expect(dropped).toEqual(['link cut']);
    expect(links.slice(6).sort()).toEqual(['0-1', '0-2', '1-0', '2-0']);
    network.heal();
    run(2500);
    expect(links.filter((change) => change === '1+0')).toHaveLength(2);
  });

  test('a dead process gets nothing that was sent before it died', () => {
    const { network, arrived, run } = bench({});
    network.resetLinks();
    run(500);
    network.send(0, 1, bytes);
    network.died(1);
    network.revived(1);
    run(1500);
    expect(arrived).toEqual([]);
  });
});

describe('disk', () => {
  const record = (n: number): { type: number; body: Uint8Array } => ({
    type: 1,
    body: Uint8Array.of(n),
  });

  test('one sync in flight, order kept, log and mark beside each other', () => {
    const heap = new EventHeap();
    const disk = new Disk({ syncMsMin: 5, syncMsMax: 5 }, new SeededRng(1), (ms, run) =>
      heap.push(ms, run),
    );
    const done: number[] = [];
    disk.append([record(1)], () => done.push(1));
    disk.append([record(2)], () => done.push(2));
    disk.writeMark(Uint8Array.of(9), () => done.push(9));
    expect(disk.synced).toEqual([]);
    for (let event = heap.pop(); event !== undefined; event = heap.pop()) event.run();
    expect(done).toEqual([1, 9, 2]);
    expect(disk.synced.map(({ body }) => body[0])).toEqual([1, 2]);
    expect(disk.mark).toEqual(Uint8Array.of(9));
  });

  test('power loss keeps a prefix of what was not synced and answers nobody', () => {
    const kept = new Set<number>();
    for (let seed = 0; seed < 40; seed++) {
      const heap = new EventHeap();
      const disk = new Disk({ syncMsMin: 5, syncMsMax: 5 }, new SeededRng(seed), (ms, run) =>
        heap.push(ms, run),
      );
      let answers = 0;
      disk.append([record(1), record(2)], () => answers++);
      const lost = disk.crash(true);
      for (let event = heap.pop(); event !== undefined; event = heap.pop()) event.run();
      expect(answers).toBe(0);
      expect(disk.synced.map(({ body }) => body[0])).toEqual([1, 2].slice(0, 2 - lost));
      kept.add(disk.synced.length);
    }
    expect(kept).toEqual(new Set([0, 1, 2]));
  });
});

describe('the checkers’ own eyes', () => {
  const cell = makeCell(4, standIn(), smallWindows(4));

  function headerFor(body: Uint8Array, round = 1): Uint8Array {
    const parents = [0, 1, 2].map((author) => virtualRef(cell.cellId, author));
    const at = { cellId: cell.cellId, epoch: 0, round, author: 0, ts: 5, seal: false };
    return encode(headerShape, { ...at, parents, bodyHash: bodyDigest(body) });
  }

  function signed(header: Uint8Array) {
    const sig = cell.signers[0]?.sign(header);
    if (sig === undefined) throw new Error('four signers');
    return sig;
  }

  test('find a block however it is wrapped', () => {
    const body = new Uint8Array(200);
    const header = headerFor(body);
    const block = encode(signedBlockShape, { header, sig: signed(header), body });
    const wrapped = Uint8Array.of(
      0x82,
      0x01,
      0x59,
      block.length >> 8,
      block.length & 255,
      ...block,
    );
    for (const form of [block, wrapped]) {
      const [seen] = blocksIn(form);
      expect(seen?.round).toBe(1);
      expect(seen?.parents.map((ref) => ref.author)).toEqual([0, 1, 2]);
      expect(toHex(seen?.bodyHash ?? body)).toBe(toHex(bodyDigest(body)));
    }
  });

  test('read what stands there, whatever they have read beside this signature before', () => {
    const body = new Uint8Array(200);
    const header = headerFor(body);
    const sig = signed(header);
    const other = { header: headerFor(body, 2), body: new Uint8Array(200).fill(1) };
    const seen = [{ body }, { header: other.header }, { body: other.body }, { body }].map(
      (part) => {
        const block = { header, body, sig, ...part };
        const [read] = blocksIn(encode(signedBlockShape, block));
        return [read?.round, read?.body[0]];
      },
    );
    expect(seen).toEqual([
      [1, 0],
      [2, 0],
      [1, 1],
      [1, 0],
    ]);
  });

  test('are not fooled by anything that is not one', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (input) => {
        expect(blocksIn(input)).toEqual([]);
        readItem(input);
      }),
    );
  });
});
