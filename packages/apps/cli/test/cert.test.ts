// Tests of `fatty cert`: certified answers, checked without a cell.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode, fromHex } from '@fatty/codec';
import { saveCell } from '@fatty/node';
import { cellIdOf, committeeShape } from '@fatty/protocol';
import { beforeAll, expect, it } from 'vitest';
import { EXIT } from '../src/terminal/io.ts';
import { fatty, folder } from './fatty.ts';

interface Vectors {
  readonly committee: string;
  readonly answers: readonly {
    readonly name: string;
    readonly hex: string;
    readonly fact: unknown;
  }[];
}

const VECTORS = new URL('../../../lock/verify/vectors/answers.json', import.meta.url);
const { committee, answers } = JSON.parse(readFileSync(VECTORS, 'utf8')) as Vectors;
const dir = folder();
const cell = join(dir, 'cell.json');
const file = join(dir, 'answer.cert');

beforeAll(() => {
  const bytes = fromHex(committee) ?? new Uint8Array();
  const opened = decode(committeeShape, bytes, bytes.length);
  if (!opened.ok) throw new Error(opened.failure.code);
  saveCell(cell, { cellId: cellIdOf(opened.value), committee: opened.value, addresses: [] });
});

async function verify(hex: string): Promise<{ code: number; row: Record<string, unknown> }> {
  writeFileSync(file, fromHex(hex) ?? new Uint8Array());
  const { code, out } = await fatty('cert', 'verify', file, '--cell', cell, '-o', 'json');
  return { code, row: JSON.parse(out) as Record<string, unknown> };
}

it('verifies every answer that proves something, and refuses every other', async () => {
  const kinds = new Set<unknown>();
  for (const { name, hex, fact } of answers) {
    const { code, row } = await verify(hex);
    expect([name, code]).toEqual([name, fact === null ? EXIT.refused : EXIT.done]);
    expect(row.verdict).toBe(fact === null ? 'refused' : 'certified');
    if (fact !== null) kinds.add(row.about);
  }
  expect(kinds).toEqual(new Set(['claim', 'list', 'node', 'receipts']));
});

it('verifies bundles of later epochs by the cell id alone', async () => {
  const file = new URL('../../../lock/verify/vectors/epochs.json', import.meta.url);
  const { cell: id, bundles } = JSON.parse(readFileSync(file, 'utf8')) as {
    readonly cell: string;
    readonly bundles: Vectors['answers'];
  };
  const bundle = join(dir, 'answer.bundle');
  const check = async (hex: string, cellId: string): Promise<number> => {
    writeFileSync(bundle, fromHex(hex) ?? new Uint8Array());
    return (await fatty('cert', 'verify', bundle, '--cell-id', cellId)).code;
  };
  for (const { name, hex, fact } of bundles.slice(0, 12)) {
    const expected = fact === null ? EXIT.refused : EXIT.done;
    expect([name, await check(hex, id)]).toEqual([name, expected]);
  }
  expect(await check(bundles[0]?.hex ?? '', '00'.repeat(32))).toBe(EXIT.refused);
});

it('says what is wrong with how it is called', async () => {
  const codes = [
    await fatty('cert', 'verify', join(dir, 'none'), '--cell', cell),
    await fatty('cert', 'verify', file, '--cell', 'ws://127.0.0.1:1', '--cell-id', '00'.repeat(32)),
    await fatty('cert', 'verify', '--cell', cell),
    await fatty('cert', 'sign', file, '--cell', cell),
    await fatty('cert', 'get', '/x', '--cell', cell),
    await fatty('get', '/x', '--out', file, '--cell', cell),
  ];
  expect(codes.map(({ code }) => code)).toEqual(codes.map(() => EXIT.usage));
});
