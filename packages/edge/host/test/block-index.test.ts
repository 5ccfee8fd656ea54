// Tests of the index of old blocks.
import type { Ref } from '@fatty/broadcast';
import { asDigest, utf8 } from '@fatty/codec';
import type { IndexedBlock } from '@fatty/replica';
import { memoryKv } from '@fatty/storage';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BlockIndex, blockKey } from '../src/block-index.ts';
import { kvPort } from './ports-fakes.ts';

const refOf = (round: number, author: number, fill = 0): Ref => ({
  round,
  author,
  digest: asDigest(new Uint8Array(32).fill(fill)),
});
const flushed = (index: BlockIndex): Promise<Error | undefined> =>
  new Promise((done) => index.flush(done));

describe('block index', () => {
  const refs = fc.record({
    round: fc.nat({ max: 70_000 }),
    author: fc.nat({ max: 300 }),
    fill: fc.nat({ max: 255 }),
  });
  const blockOf = (ref: Ref, epoch = 0): IndexedBlock => ({
    epoch,
    ref,
    bytes: utf8(`${ref.round}/${ref.author}/${ref.digest[0]}`),
  });

  it('has keys whose bytes are in the order of refs', () => {
    fc.assert(
      fc.property(refs, refs, (a, b) => {
        const order = a.round - b.round || a.author - b.author || a.fill - b.fill;
        const [x, y] = [a, b].map((one) => blockKey(3, refOf(one.round, one.author, one.fill)));
        return Math.sign(Buffer.compare(x ?? utf8(''), y ?? utf8(''))) === Math.sign(order);
      }),
    );
  });

  it('finds every block of the rounds asked for, in order, written or not', async () => {
    const many = fc.array(refs, { maxLength: 40 });
    const rounds = fc.nat({ max: 70_000 });
    await fc.assert(
      fc.asyncProperty(many, many, rounds, rounds, fc.nat({ max: 50 }), async (...given) => {
        const [early, late, a, b, most] = given;
        const index = new BlockIndex(kvPort(), (error) => {
          throw error;
        });
        const blocks = [...early, ...late].map((one) =>
          blockOf(refOf(one.round, one.author, one.fill)),
        );
        index.add(blocks.slice(0, early.length));
        await flushed(index);
        index.add(blocks.slice(early.length));
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const expected = [...new Map(blocks.map((one) => [one.bytes.toString(), one])).values()]
          .filter(({ ref }) => ref.round >= from && ref.round <= to)
          .sort((x, y) => Buffer.compare(blockKey(0, x.ref), blockKey(0, y.ref)))
          .map(({ bytes }) => bytes);
        expect(index.rounds(0, from, to, most)).toEqual(expected.slice(0, most));
        for (const { ref, bytes } of blocks) expect(index.get(0, ref)).toEqual(bytes);
        expect(index.get(0, refOf(80_000, 0))).toBeUndefined();
      }),
    );
  });

  it('keeps epochs apart: their rounds are not the same rounds', async () => {
    const index = new BlockIndex(kvPort(), (error) => {
      throw error;
    });
    const named = (epoch: number): IndexedBlock => ({
      ...blockOf(refOf(5, 1), epoch),
      bytes: utf8(`epoch ${epoch}`),
    });
    index.add([named(0), named(1)]);
    await flushed(index);
    index.add([named(2)]);
    for (const epoch of [0, 1, 2]) {
      expect(index.rounds(epoch, 1, 9, 9)).toEqual([utf8(`epoch ${epoch}`)]);
      expect(index.get(epoch, refOf(5, 1))).toEqual(utf8(`epoch ${epoch}`));
    }
    expect(index.rounds(3, 1, 9, 9)).toEqual([]);
  });

  it('lets go of what the log has no more, in parts, and of nothing else', async () => {
    const kv = memoryKv();
    const index = new BlockIndex(kvPort(kv), (error) => {
      throw error;
    });
    const all = Array.from({ length: 1_500 }, (_, i) => blockOf(refOf(i + 1, i % 4)));
    index.add([...all.map((block) => ({ ...block, epoch: 1 })), ...all]);
    index.add(all.map((block) => ({ ...block, epoch: 2 })));
    await flushed(index);
    index.drop(1, 1_201);
    while ([...kv.range(new Uint8Array(), Uint8Array.of(255), 9_999)].length > 1_800) {
      await new Promise((done) => setTimeout(done, 0));
    }
    expect(await flushed(index)).toBeUndefined();
    const count = (epoch: number): number => index.rounds(epoch, 0, 9_999, 9_999).length;
    expect([0, 1, 2].map(count)).toEqual([0, 300, 1_500]);
    expect(index.get(1, refOf(1_201, 0))).toEqual(utf8('1201/0/0'));
  });

  it('lets go of what waits for its group, too', async () => {
    const index = new BlockIndex(kvPort(), (error) => {
      throw error;
    });
    index.add([1, 2, 3, 4].map((round) => blockOf(refOf(round, 0))));
    index.drop(0, 3);
    expect(index.rounds(0, 0, 9, 9)).toEqual([utf8('3/0/0'), utf8('4/0/0')]);
    expect(index.get(0, refOf(2, 0))).toBeUndefined();
    expect(await flushed(index)).toBeUndefined();
    expect(index.rounds(0, 0, 9, 9)).toEqual([utf8('3/0/0'), utf8('4/0/0')]);
  });

  it('says that the disk has failed: to whoever waits, else to whoever made it', async () => {
    const fatal: string[] = [];
    const broken = memoryKv();
    broken.write = () => Promise.reject(new Error('full'));
    const group = { blocks: 1, bytes: 1 << 20 };
    const index = new BlockIndex(kvPort(broken), ({ message }) => void fatal.push(message), group);
    index.add([blockOf(refOf(1, 0))]);
    await new Promise((done) => setTimeout(done, 0));
    expect(fatal).toEqual(['full']);
    index.add([blockOf(refOf(2, 0))]);
    expect((await flushed(index))?.message).toBe('full');
    expect(fatal).toEqual(['full']);
    expect(index.get(0, refOf(1, 0))).toEqual(utf8('1/0/0'));
  });
});
