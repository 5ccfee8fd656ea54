// Tests of the bytes of log and mark.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pin, pinned } from '../../../kernel/codec/test/by-hand.ts';
import { openLog, openMark } from '../src/index.ts';
import { temporaryFolder } from './place.ts';

const golden = new URL('./golden/', import.meta.url);

/** CRC-32C bit by bit: polynomial 0x82f63b78, reflected, inverted before and after. */
function crcByHand(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}

const uint = (value: number | bigint, size: number): Buffer =>
  Buffer.from(
    BigInt(value)
      .toString(16)
      .padStart(2 * size, '0'),
    'hex',
  );
const bytesOf = (...parts: readonly Uint8Array[]): Uint8Array =>
  Uint8Array.from(Buffer.concat(parts));

function headerByHand(segment: number, firstGroup: number, salt: Uint8Array): Uint8Array {
  const head = bytesOf(
    Buffer.from('FATTYLOG'),
    uint(1, 4),
    uint(segment, 4),
    uint(firstGroup, 8),
    salt,
  );
  return bytesOf(head, uint(crcByHand(head), 4));
}

function recordByHand(salt: Uint8Array, type: number, body: Uint8Array): Uint8Array {
  const length = uint(1 + body.length, 4);
  const content = bytesOf(Uint8Array.of(type), body);
  return bytesOf(length, uint(crcByHand(bytesOf(salt, length, content)), 4), content);
}

const endByHand = (salt: Uint8Array, group: number): Uint8Array =>
  recordByHand(salt, 0, uint(group, 8));

const saltOf = (segment: number): Uint8Array => new Uint8Array(8).fill(0xa0 + segment);
const long = Uint8Array.from({ length: 300 }, (_, i) => i & 0xff);
const owner = { type: 2, body: Uint8Array.of(1, 2, 3) };
const first = { type: 1, body: long };
const empty = { type: 255, body: new Uint8Array(0) };
const AHEAD = new Uint8Array(16);

const [salt1, salt2] = [saltOf(1), saltOf(2)];
/** A group of two records and one of none fill the first segment; the third goes into the next. */
const SEGMENTS: readonly (readonly [name: string, bytes: Uint8Array])[] = [
  [
    '000001.log',
    bytesOf(
      headerByHand(1, 1, salt1),
      recordByHand(salt1, 2, owner.body),
      recordByHand(salt1, 1, long),
      endByHand(salt1, 1),
      AHEAD,
    ),
  ],
  [
    '000002.log',
    bytesOf(
      headerByHand(2, 2, salt2),
      recordByHand(salt2, 255, empty.body),
      endByHand(salt2, 2),
      AHEAD,
    ),
  ],
];

test('a log on disk: header, groups, zeros, in every segment', async () => {
  const folder = join(await temporaryFolder(), 'log');
  let segment = 0;
  const random = (): Uint8Array => saltOf(++segment);
  const log = await openLog(folder, { segmentBytesMax: 200, aheadBytes: AHEAD.length, random });
  await log.append([owner, first]);
  await log.append([empty]);
  await log.close();
  for (const [name, byHand] of SEGMENTS) {
    const written = Uint8Array.from(await readFile(join(folder, name)));
    pin(golden, `log-${name.slice(0, 6)}`, written);
    expect(Buffer.from(written).toString('hex')).toBe(Buffer.from(byHand).toString('hex'));
  }
});

test('a log of an earlier version is read back', async () => {
  const folder = join(await temporaryFolder(), 'log');
  await mkdir(folder);
  for (const [name] of SEGMENTS) {
    await writeFile(join(folder, name), pinned(golden, `log-${name.slice(0, 6)}`));
  }
  const log = await openLog(folder);
  const records = [];
  for await (const one of log.replay()) {
    records.push({ type: one.type, body: one.body });
  }
  await log.close();
  expect(records).toEqual([owner, first, empty]);
});

const SLOT_BYTES = 4096;
const MARKS = [
  Uint8Array.of(0x84, 0, 1, 0, 0),
  Uint8Array.of(0x84, 0, 2, 1, 7),
  Uint8Array.of(0x84, 0, 3),
];

function slotByHand(sequence: number, mark: Uint8Array | undefined): Uint8Array {
  const slot = new Uint8Array(SLOT_BYTES);
  if (mark === undefined) return slot;
  const body = bytesOf(uint(sequence, 8), uint(mark.length, 2), mark);
  slot.set(bytesOf(uint(crcByHand(body), 4), body));
  return slot;
}

/** What a slot holds, without the zeros behind it. */
const used = (slot: Uint8Array): Uint8Array =>
  slot.slice(0, slot.findLastIndex((byte) => byte !== 0) + 1);

test('a mark on disk: two slots of a page each, written in turn', async () => {
  const path = join(await temporaryFolder(), 'signer');
  const store = await openMark(path);
  for (const mark of MARKS) await store.write(mark);
  await store.close();
  const written = Uint8Array.from(await readFile(path));
  const [even, odd] = [written.slice(0, SLOT_BYTES), written.slice(SLOT_BYTES)];
  pin(golden, 'mark-even', used(even));
  pin(golden, 'mark-odd', used(odd));
  expect(even).toEqual(slotByHand(2, MARKS[1]));
  expect(odd).toEqual(slotByHand(3, MARKS[2]));
});

test('a mark of an earlier version is read back, and may only rise', async () => {
  const path = join(await temporaryFolder(), 'signer');
  const file = new Uint8Array(2 * SLOT_BYTES);
  file.set(pinned(golden, 'mark-even'));
  file.set(pinned(golden, 'mark-odd'), SLOT_BYTES);
  await writeFile(path, file);
  const store = await openMark(path);
  expect(await store.read()).toEqual(MARKS[2]);
  await expect(store.write(MARKS[1] ?? long)).rejects.toMatchObject({ code: 'mark_not_monotone' });
  await store.close();
});
