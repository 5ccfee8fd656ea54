// Tests of `fatty proof`.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  assemble,
  createProver,
  parseStoneJson,
  proofParameters,
  runProgram,
  writeStoneJson,
} from '@fatty/cairo';
import { describe, expect, it } from 'vitest';
import { EXIT } from '../src/terminal/io.ts';
import { fatty, folder } from './fatty.ts';

const dir = folder();
const at = (name: string): string => join(dir, name);
const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../../cairo/verify/fixtures/${name}`, import.meta.url));
const LEASE = fixture('lease-chain/0.json');

type Json = Record<string, unknown>;

async function proof(...args: string[]): Promise<Json> {
  const { code, out } = await fatty('proof', ...args, '-o', 'json');
  return { ...(out === '' ? {} : (JSON.parse(out) as Json)), exit: code };
}

/** A true proof whose public memory states nothing: its frame begins nowhere. */
async function runAlone(): Promise<string> {
  const program = assemble('main:\n  ret;\n');
  if (!program.ok) throw new Error(program.failure.code);
  const run = runProgram(program.value, { provable: true });
  if (!run.ok) throw new Error(run.failure.code);
  const { publicInput } = run.value;
  const publicMemory = publicInput.publicMemory.slice(0, -1);
  const prover = await createProver();
  const made = prover.prove(
    { ...run.value, publicInput: { ...publicInput, publicMemory } },
    proofParameters(publicInput.nSteps, { bits: 20, powBits: 4 }),
  );
  if (!made.ok) throw new Error(made.failure.code);
  writeFileSync(at('run.json'), writeStoneJson(made.value));
  return at('run.json');
}

describe('a layout that cannot be checked', () => {
  it('is refused by name and inspected as far as it can be read, never unreadable', async () => {
    const file = JSON.parse(readFileSync(LEASE, 'utf8')) as { public_input: Json };
    const name = 'mul_mod__carry3_range_check16_component_suboffset_of_a_builtin_here';
    Object.assign(file.public_input, { layout: 'dynamic', dynamic_params: { [name]: 7 } });
    writeFileSync(at('dynamic.json'), JSON.stringify(file));
    const refusal = { exit: EXIT.refused, code: 'unsupported_layout', actual: 'dynamic' };
    expect(await proof('verify', at('dynamic.json'))).toMatchObject({
      ...refusal,
      verdict: 'refused',
    });
    expect(await proof('inspect', at('dynamic.json'))).toMatchObject({
      ...refusal,
      verdict: 'not checked',
      layout: 'dynamic',
      nSteps: 128,
      attackBits: 96,
    });
  });
});

describe('verify --run', () => {
  it('checks the STARK without a statement, under no minimum unless one is given', async () => {
    const file = await runAlone();
    const weak = ['--policy', 'bitsMin=0,nQueriesMin=0'];
    expect(await proof('verify', file, ...weak)).toMatchObject({ exit: EXIT.refused });
    expect(await proof('verify', '--run', file)).toMatchObject({
      exit: EXIT.done,
      verdict: 'accepted',
      statement: 'not checked',
      attackBits: 20,
    });
    const strict = await proof('verify', file, '--run', '--policy', 'committee');
    expect(strict).toMatchObject({ exit: EXIT.refused, code: 'policy_bits' });
    // other layouts, channels and seeds too
    expect(await proof('verify', fixture('poseidon-channel.json'), '--run')).toMatchObject({
      exit: EXIT.done,
    });
    const parsed = parseStoneJson(readFileSync(file, 'utf8'));
    if (!parsed.ok) throw new Error(parsed.failure.code);
    const proofBytes = Uint8Array.from(
      parsed.value.proofBytes,
      (byte, i) => byte ^ (i === 70 ? 1 : 0),
    );
    writeFileSync(at('changed.json'), writeStoneJson({ ...parsed.value, proofBytes }));
    const changed = await proof('verify', '--run', at('changed.json'));
    expect(changed).toMatchObject({ exit: EXIT.refused, code: 'bad_oods' });
  });

  it('takes nothing that is asked of a statement', async () => {
    for (const more of [
      ['--program', 'f'.repeat(64)],
      ['--statement', 'lease'],
      ['--extra', '1'],
      ['--outer', 'verifier'],
    ]) {
      const said = await fatty('proof', 'verify', '--run', LEASE, ...more);
      expect(said, more.join(' ')).toMatchObject({ code: EXIT.usage, out: '' });
    }
  });
});

describe('the figures', () => {
  it('are three: the best known attack, what is proven, collisions of the hash', async () => {
    const figures = { attackBits: 96, provenBits: 55, collisionBits: 128 };
    expect(await proof('verify', LEASE)).toMatchObject({ ...figures, exit: EXIT.done });
    expect(await proof('inspect', LEASE)).toMatchObject({ ...figures, exit: EXIT.done });
    const blake = await proof('verify', fixture('small-tick-pedersen.json'), '--policy', 'any');
    expect(blake).toMatchObject({ exit: EXIT.done, collisionBits: 80 });
  });
});

describe('cairo prove --fri-steps', () => {
  const program = at('ret.casm');
  const prove = (...more: string[]): ReturnType<typeof fatty> =>
    fatty('cairo', 'prove', program, '--out', at('p.json'), '-o', 'json', ...more);

  it('takes the list, alone or over a file of parameters, and says what does not fit', async () => {
    writeFileSync(program, 'main:\n  ret;\n');
    writeFileSync(at('params.json'), '{"bits": 20, "powBits": 4, "lastLayerDegreeBound": 16}');
    writeFileSync(at('list.json'), '{"bits": 20, "powBits": 4, "friStepList": [0, 1, 1]}');
    const listOf = async (...more: string[]): Promise<unknown> => {
      expect((await prove(...more)).code).toBe(EXIT.done);
      return (await proof('inspect', at('p.json'))).friStepList;
    };
    expect(await listOf('--params', at('params.json'))).toEqual([0, 4]);
    expect(await listOf('--params', at('params.json'), '--fri-steps', '0,1,3')).toEqual([0, 1, 3]);
    expect(await listOf('--params', at('list.json'))).toEqual([0, 1, 1]);
    const wrong = await prove('--fri-steps', '0,4,3');
    expect(wrong.code).toBe(EXIT.refused);
    expect(JSON.parse(wrong.out)).toMatchObject({ code: 'bad_counts', actual: '0 4 3, sum 7' });
    for (const list of ['', '0,', '0;4', '-1', '1.5', 'four', '0,99999999999999999999'])
      expect((await prove(`--fri-steps=${list}`)).code, list).toBe(EXIT.usage);
    writeFileSync(at('odd.json'), '{"friStepList": [0, "4"]}');
    expect((await prove('--params', at('odd.json'))).code).toBe(EXIT.usage);
  });
});

describe('the id of a program', () => {
  it('is read in either case of hex, with 0x or without', async () => {
    const { programId } = (await proof('inspect', LEASE)) as { programId: string };
    const upper = programId.toUpperCase();
    for (const id of [programId, upper, `0x${programId}`, `0x${upper}`, `0X${upper}`])
      expect(await proof('verify', LEASE, '--program', id), id).toMatchObject({ exit: EXIT.done });
    const other = await proof('verify', LEASE, '--program', `0x${'F'.repeat(64)}`);
    expect(other).toMatchObject({ exit: EXIT.refused, code: 'wrong_program' });
    const short = await fatty('proof', 'verify', LEASE, '--program', `0x${upper.slice(1)}`);
    expect(short).toMatchObject({ code: EXIT.usage, out: '' });
  });
});
