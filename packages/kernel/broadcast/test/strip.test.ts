// What stays of a block whose body has left memory: small, and the same to all who ask.
import { decode } from '@fatty/codec';
import { expect, it } from 'vitest';
import { type Block, checkBlock, Dag, headerShape, type Ref } from '../src/index.ts';
import { Cell } from './signed.ts';

const cell = new Cell();

/** Read from bytes, as a block comes in: every name in it is an object of its own. */
function arrived(author: number, round: number, parents?: readonly Ref[]): Block {
  const change = parents === undefined ? { round } : { round, parents };
  const checked = checkBlock(cell.bytes(author, change), cell.rules);
  return checked.kind === 'accept' ? checked.block : expect.fail(checked.code);
}

function ownFirst(author: number, blocks: readonly Block[]): readonly Ref[] {
  const refs = blocks.map(({ ref }) => ref);
  return [
    ...refs.filter((ref) => ref.author === author),
    ...refs.filter((ref) => ref.author !== author),
  ];
}

it('a block without its body names its parents by the refs that they have, and says what it said', () => {
  const dag = new Dag(cell.committee, cell.cellId);
  const first = [0, 1, 2, 3].map((author) => arrived(author, 1));
  for (const block of first) dag.insert(block);
  const second = arrived(2, 2, ownFirst(2, first));
  dag.insert(second);
  for (const { ref } of [...first, second]) dag.dropBody(ref);
  const { header, signed } = dag.get(second.ref) ?? expect.fail('a held block');
  expect(decode(headerShape, signed.header, 1 << 14)).toEqual({ ok: true, value: header });
  for (const ref of header.parents) {
    expect(second.header.parents.includes(ref), 'a copy').toBe(false);
    expect(first.map((block) => block.ref).includes(ref), 'the ref of the parent').toBe(true);
  }
  expect(header.cellId).toBe(dag.get(first[2]?.ref ?? second.ref)?.header.cellId);
});
