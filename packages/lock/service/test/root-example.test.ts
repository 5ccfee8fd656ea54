// The worked example of the state root in the README.
import { readFileSync, writeFileSync } from 'node:fs';
import { toHex, utf8 } from '@fatty/codec';
import { expect, test } from 'vitest';
import { hashByHand, plainOf } from '../../../kernel/codec/test/by-hand.ts';
import { type Plain, reference } from '../../../kernel/codec/test/reference.ts';
import { trieByHand } from '../../../kernel/trie/test/by-hand.ts';
import { stateRecordByHand } from './root-by-hand.ts';
import { Client, op, World } from './world.ts';

const README = new URL('../README.md', import.meta.url);
const BLOCK = /(<!-- root example: begin -->\n)[\s\S]*?(<!-- root example: end -->)/;
const PIECES = [
  'head',
  'names',
  'sessions',
  'receipts',
  'graves',
  'floors',
  'locks',
  'machines',
  'quotas',
  'jobs',
  'keys',
];

/** One session, that has made `/a` with the content `x` in commit 2 and holds its lock since commit 3. */
function lived(): { world: World; client: Client } {
  const [world, client] = [new World(), new Client(1)];
  world.open(client);
  world.one(client, op.file('/a', 'x'));
  world.one(client, op.acquire('/a'));
  return { world, client };
}

const listOf = (item: Plain | undefined): readonly Plain[] => item as readonly Plain[];

/** The lines of the example, each worked out from the snapshot by hand. */
function example(): readonly string[] {
  const { world, client } = lived();
  const snapshot = world.service.snapshot();
  const [tables, names] = listOf(plainOf(snapshot)).map((one) => plainOf(one as Uint8Array));
  const [, sessions, , , locks] = listOf(tables);
  const row = listOf(listOf(sessions)[0]);
  const [, holders] = listOf(listOf(locks)[0]);
  const [, seq = 0, index = 0, mode = 0, delay = 0, position = 0] = listOf(listOf(holders)[0]);
  const claim = reference([seq, index, mode, delay, 1, position, []]);
  const claims = trieByHand([[client.session, claim]]);
  const [, file] = listOf(names).map((line) => [...listOf(listOf(line)[2])]);
  const siblings = listOf(file?.[11]).map((one) => {
    const [id = 0, at = 0, content] = listOf(one);
    return [id, at, hashOf(content as Uint8Array), (content as Uint8Array).length];
  });
  const body = [...(file ?? []).slice(0, 11), siblings, 0];
  const record = stateRecordByHand(snapshot);
  const root = hashByHand('state', reference(record));
  expect(toHex(world.service.root())).toBe(toHex(root));
  return [
    `session ${toHex(client.session)}`,
    `session row ${toHex(reference(row.slice(0, -1)))}`,
    `first receipt ${toHex(reference(listOf(row.at(-1))[0] ?? []))}`,
    `record of /a ${toHex(reference([body, []]))}`,
    `claim ${toHex(claim)}`,
    `lock ${toHex(reference([0, 0, claims, 1]))}`,
    `account ${toHex(reference([1, 1]))}`,
    ...PIECES.map((piece, i) => `${piece} ${toHex(bytesOf(record[i]))}`),
    `state record ${toHex(reference(record))}`,
    `root ${toHex(root)}`,
  ];
}

const bytesOf = (item: Plain | undefined): Uint8Array =>
  item instanceof Uint8Array ? item : reference(item ?? []);

function hashOf(content: Uint8Array): Uint8Array {
  expect(content).toEqual(utf8('x'));
  return Uint8Array.from(
    Buffer.from('2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881', 'hex'),
  );
}

test('the example of the README is worked out again (GOLDEN=write writes it)', () => {
  const page = readFileSync(README, 'utf8');
  const block = `\`\`\`\n${example().join('\n')}\n\`\`\`\n`;
  const right = page.replace(BLOCK, (_, begin: string, end: string) => begin + block + end);
  if (process.env.GOLDEN === 'write') writeFileSync(README, right);
  else expect(page).toBe(right);
  expect(page).toMatch(BLOCK);
});
