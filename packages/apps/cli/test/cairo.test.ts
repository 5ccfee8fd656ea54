// Tests of `fatty cairo`.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  parseStoneJson,
  readAirPublicInput,
  readMemory,
  readTrace,
  writeAirPublicInput,
} from '@fatty/cairo';
import { describe, expect, it } from 'vitest';
import { EXIT } from '../src/terminal/io.ts';
import { fatty, folder, type Said } from './fatty.ts';

const dir = folder();
const at = (name: string): string => join(dir, name);
const shipped = (name: string): string =>
  fileURLToPath(new URL(`../../../cairo/${name}`, import.meta.url));
const TICK = shipped('prove/machines/tick.casm');
const COMPILED = shipped('verify/fixtures/lease-tick.json');
const INPUT = '{"binding": 77, "tFrom": 10, "sFrom": 3, "n": 10}';

const cairo = (...args: string[]): Promise<Said> => fatty('cairo', ...args);

async function json(...args: string[]): Promise<Record<string, unknown> & { exit: number }> {
  const { code, out } = await cairo(...args, '-o', 'json');
  return { ...(JSON.parse(out) as Record<string, unknown>), exit: code };
}

describe('asm and disasm', () => {
  it('write a file that runs, and whose text assembles to the same words', async () => {
    const made = await json('asm', TICK, '--out', at('tick.json'));
    expect(made).toMatchObject({ exit: EXIT.done, words: 22 });
    const text = await cairo('disasm', at('tick.json'));
    writeFileSync(at('tick.casm'), text.out);
    expect((await json('asm', at('tick.casm'), '--out', at('again.json'))).programId).toBe(
      made.programId,
    );
    const runs = await Promise.all(
      [TICK, at('tick.json'), at('tick.casm')].map((file) => json('run', file, '--input', INPUT)),
    );
    expect(runs[0]).toMatchObject({ verdict: 'ran', steps: 64, exit: EXIT.done });
    expect(runs[0]?.cells).toHaveLength(6);
    expect(runs[1]).toEqual(runs[0]);
    expect(runs[2]).toEqual(runs[0]);
  });

  it('say where a text is wrong, and what is no text to assemble', async () => {
    writeFileSync(at('bad.casm'), 'main:\n  [ap] = nothing\n');
    const wrong = await cairo('asm', at('bad.casm'));
    expect(wrong.code).toBe(EXIT.usage);
    expect(wrong.err).toContain('bad.casm:2:10: unknown_name');
    expect((await cairo('asm', COMPILED)).code).toBe(EXIT.usage);
  });
});

describe('run', () => {
  it('writes the files of StarkWare', async () => {
    const files = ['--trace', at('t.bin'), '--memory', at('m.bin'), '--public', at('p.json')];
    const inputs = '{"lessee": 1, "t_from": 10, "s_from": 3, "n": 10}';
    writeFileSync(at('inputs.json'), inputs);
    const more = ['--cells', '6', '--private', at('v.json'), '--provable'];
    const ran = await json('run', COMPILED, '--input', at('inputs.json'), ...files, ...more);
    expect(ran).toMatchObject({ exit: EXIT.done, steps: 128, stepsUsed: 85 });
    const trace = readTrace(readFileSync(at('t.bin')));
    expect(trace.ok && trace.value.length).toBe(128);
    expect(readMemory(readFileSync(at('m.bin'))).ok).toBe(true);
    const text = readFileSync(at('p.json'), 'utf8');
    const input = readAirPublicInput(text);
    expect(input.ok && input.value.publicMemory.slice(-6, -2).map((one) => one.value)).toEqual([
      1n,
      10n,
      3n,
      10n,
    ]);
    expect(input.ok && writeAirPublicInput(input.value)).toBe(text);
    expect(JSON.parse(readFileSync(at('v.json'), 'utf8'))).toEqual({
      trace_path: at('t.bin'),
      memory_path: at('m.bin'),
    });
  });

  it('refuses a run that breaks an assertion, with exit 1, step and instruction', async () => {
    const lie = INPUT.replace('}', ', "tTo": 21}');
    const said = await json('run', TICK, '--input', lie, '--trace', at('never.bin'));
    expect(said).toMatchObject({ exit: EXIT.refused, code: 'assert_failed', step: 56 });
    expect(() => readFileSync(at('never.bin'))).toThrow();
  });
});

describe('prove', () => {
  it('makes a proof that verify accepts of the pinned program', async () => {
    expect((await cairo('asm', TICK, '--out', at('tick.json'))).code).toBe(EXIT.done);
    const line = ['prove', TICK, '--input', INPUT, '--out', at('proof.json'), '--progress'];
    const proved = await cairo(...line, '-o', 'json');
    expect(proved.code).toBe(EXIT.done);
    expect(JSON.parse(proved.out)).toMatchObject({ verdict: 'proved', steps: 64 });
    expect(proved.err).toMatch(/^\w+ \d+ %$/m);
    const pinned = ['--program', at('tick.json'), '--statement', 'lease'];
    const verdict = await json('verify', at('proof.json'), ...pinned);
    expect(verdict).toMatchObject({ exit: EXIT.done, verdict: 'accepted', bits: 96 });
    const other = await json('verify', at('proof.json'), '--program', COMPILED);
    expect(other).toMatchObject({ exit: EXIT.refused, code: 'wrong_program' });
    const claim = await json('inspect', at('proof.json'));
    expect(claim).toMatchObject({ verdict: 'not checked', nSteps: 64, programWords: 22 });
  });

  it('takes parameters of Stone or by name', async () => {
    const { proof_parameters } = JSON.parse(
      readFileSync(shipped('verify/fixtures/lease-chain/1.json'), 'utf8'),
    ) as { proof_parameters: unknown };
    writeFileSync(at('stone.json'), JSON.stringify(proof_parameters));
    writeFileSync(at('few.json'), '{"bits": 32, "logNCosets": 2}');
    const input = '{"lessee": 1, "t_from": 10, "s_from": 3, "n": 10}';
    const line = ['prove', COMPILED, '--input', input, '--out', at('p.json'), '--params'];
    expect((await cairo(...line, at('few.json'))).code).toBe(EXIT.done);
    const few = parseStoneJson(readFileSync(at('p.json'), 'utf8'));
    expect(few.ok && few.value.parameters).toMatchObject({ nQueries: 8, logNCosets: 2 });
    expect((await cairo(...line, at('stone.json'))).code).toBe(EXIT.done);
    const stone = parseStoneJson(readFileSync(at('p.json'), 'utf8'));
    expect(stone.ok && stone.value.parameters).toMatchObject({ friStepList: [0, 3, 2] });
  });

  it('exits 2 without a place for it, and for parameters and inputs it cannot read', async () => {
    writeFileSync(at('odd.json'), '{"bits": "many"}');
    writeFileSync(at('half.json'), '{"stark": {}}');
    const lines = [
      ['prove', TICK, '--input', INPUT],
      ['prove', TICK, '--input', INPUT, '--out', at('x.json'), '--params', at('odd.json')],
      ['prove', TICK, '--input', INPUT, '--out', at('x.json'), '--params', at('half.json')],
      ['prove', TICK, '--input', '{"n": 1.5}', '--out', at('x.json')],
      ['run', TICK, '--input', INPUT, '--private', at('v.json')],
      ['run', at('nowhere.casm')],
      ['eat', TICK],
    ];
    for (const line of lines) {
      const { code, err } = await cairo(...line);
      expect(code, line.join(' ')).toBe(EXIT.usage);
      expect(err, line.join(' ')).not.toBe('');
    }
  });
});
