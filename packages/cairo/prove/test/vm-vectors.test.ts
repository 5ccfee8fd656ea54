// The VM and the assembler against recorded programs and runs (FATTY_VECTORS).
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  assemble,
  disassemble,
  loadProgram,
  type Run,
  type Runnable,
  type RunOptions,
  readAirPublicInput,
  readMemory,
  readTrace,
  runProgram,
  writeAirPrivateInput,
  writeMemory,
  writeTrace,
} from '../src/index.ts';

/** Compiled programs and recorded runs of StarkWare's tools; see vectors.test.ts. */
const root = process.env.FATTY_VECTORS;

/** Programs whose hints no run of ours can do without Python. */
const REFUSED = ['stone-cli/assert_nn.json', 'stark-evm-adapter/simple_bootloader_compiled.json'];
const PROGRAMS = 27;
const RUNS = 14;

if (root === undefined) {
  console.info(`FATTY_VECTORS is not set: ${PROGRAMS} programs and ${RUNS} runs not tried`);
  it('leaves recorded runs to a run with FATTY_VECTORS', () => expect(RUNS + PROGRAMS).toBe(41));
} else vectors(join(root, 'cairo-programs'));

function value<T>(outcome: { ok: true; value: T } | { ok: false; failure: object }): T {
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.failure));
  return outcome.value;
}

function vectors(folder: string): void {
  const text = (...path: string[]): string => readFileSync(join(folder, ...path), 'utf8');
  const bytes = (...path: string[]): Uint8Array =>
    new Uint8Array(readFileSync(join(folder, ...path)));
  const program = (...path: string[]): Runnable => value(loadProgram(text(...path)));
  const inputsOf = (...path: string[]): Map<string, bigint> => {
    const file: Record<string, number> = JSON.parse(text(...path));
    return new Map(Object.entries(file).map(([name, number]) => [name, BigInt(number)]));
  };

  /** Trace, memory and, if recorded, public and private input are the same to the byte. */
  function expectRecorded(run: Run, directory: string, suffix = ''): void {
    expect(writeTrace(run.trace)).toEqual(bytes(directory, 'trace.bin'));
    expect(writeMemory(run.memory)).toEqual(bytes(directory, 'memory.bin'));
    const input = value(readAirPublicInput(text(directory, `air-public-input${suffix}.json`)));
    expect(run.publicInput).toEqual(input);
    const recorded = join(folder, directory, `air-private-input${suffix}.json`);
    if (!existsSync(recorded)) return;
    const paths = { trace: 'trace.bin', memory: 'memory.bin' };
    const made = writeAirPrivateInput(run.publicInput.layout, run.privateInput, paths);
    expect(made).toBe(readFileSync(recorded, 'utf8').trimEnd());
  }

  describe('compiled programs', () => {
    const files = readdirSync(folder, { recursive: true })
      .map(String)
      .filter((name) => name.endsWith('.json') && text(name).includes('"main_scope"'));

    it('are all here', () => expect(files.length).toBe(PROGRAMS));

    it.each(files)('%s survives disassembly, and is loaded or refused by name', (name) => {
      const { data }: { data: string[] } = JSON.parse(text(name));
      const words = data.map(BigInt);
      const listing = disassemble(words);
      expect(value(assemble(listing)).words).toEqual(words);
      expect(listing).not.toContain('dw ');
      const loaded = loadProgram(text(name));
      expect(loaded.ok ? 'loaded' : loaded.failure.code).toBe(
        REFUSED.includes(name) ? 'unsupported_hint' : 'loaded',
      );
      if (!loaded.ok) expect(loaded.failure.actual).toMatch(/^[\w.]+ at \d+: \S/);
    });
  });

  describe('recorded runs', () => {
    const runs = readdirSync(join(folder, 'stone-cli-runs'));

    it('are all here', () => expect(runs.length).toBe(RUNS));

    it.each(runs)('stone-cli-runs/%s is repeated to the byte', (name) => {
      const [stem = '', layout = ''] = name.split('.');
      const run = value(runProgram(program('stone-cli', `${stem}.json`), { layout }));
      expectRecorded(run, `stone-cli-runs/${name}`);
      const trace = bytes('stone-cli-runs', name, 'trace.bin');
      expect(writeTrace(value(readTrace(trace)))).toEqual(trace);
      const memory = bytes('stone-cli-runs', name, 'memory.bin');
      expect(writeMemory(value(readMemory(memory)))).toEqual(memory);
    });

    it('lease-tick, with inputs where its hint puts them', () => {
      const inputs = inputsOf('lease-tick', 'program_input.json');
      const run = value(runProgram(program('lease-tick', 'compiled.json'), { inputs }));
      expectRecorded(run, 'lease-tick');
    });

    it('lease-tick_ped: output and Pedersen in the small layout', () => {
      const inputs = inputsOf('lease-tick_ped', 'program_input.json');
      const options: RunOptions = { inputs, layout: 'small' };
      const run = value(runProgram(program('lease-tick_ped', 'compiled.json'), options));
      expectRecorded(run, 'lease-tick_ped', '.small');
      expect(run.output.length).toBe(6);
    });

    it('tick_rc: range checks, from the program and the output in its proof', () => {
      const proof = JSON.parse(
        text('..', 'stone', 'stone-local', 'small.ok.tick_rc_8192steps.json'),
      );
      const recorded = value(readAirPublicInput(JSON.stringify(proof.public_input)));
      const values = recorded.publicMemory.map((cell) => cell.value);
      const names = ['lessee', 'nonce', 'tFrom', 'sFrom', 'n'];
      const builtins = ['output', 'pedersen', 'range_check'];
      const words = values.slice(0, 76);
      const source = { words, builtins, start: 0, end: 4, main: 30, cells: names, hints: [] };
      const [lessee, nonce, tFrom, sFrom] = values.slice(-6);
      const inputs = [lessee, nonce, tFrom, sFrom, 10n];
      const options: RunOptions = { inputs, layout: 'small', statementCells: 0 };
      expect(value(runProgram(source, options)).publicInput).toEqual(recorded);
    });

    it('stone-prover: the program of its AIR test, from its own assembly', () => {
      const source = `%raw
        __start__:
        [ap] = 17, ap++;
        ap += 10;
        [ap - 10] = 0;
        __end__:
        jmp rel 0;`;
      const run = value(runProgram(value(assemble(source)), { stepsMin: 32 }));
      const directory = 'stone-prover/cpu_air_test_instructions';
      expect(writeTrace(run.trace)).toEqual(bytes(directory, 'trace.bin'));
      expect(writeMemory(run.memory)).toEqual(bytes(directory, 'memory.bin'));
      const input = value(readAirPublicInput(text(directory, 'public_input.json')));
      expect(run.publicInput).toEqual(input);
    });

    it('sandstorm/output: an older layout with the same segments in memory', () => {
      const options: RunOptions = { layout: 'small', stepsMin: 2048 };
      const run = value(runProgram(program('sandstorm/output/main_compiled.json'), options));
      expect(writeTrace(run.trace)).toEqual(bytes('sandstorm/output/trace.bin'));
      expect(writeMemory(run.memory)).toEqual(bytes('sandstorm/output/memory.bin'));
    });

    it('sandstorm/array-sum: the same memory, its array behind fewer builtins', () => {
      const run = value(runProgram(program('sandstorm/array-sum/compiled.json')));
      const wanted = value(readMemory(bytes('sandstorm/array-sum/memory.bin')));
      const moved = (address: bigint): bigint => (address < 12748n ? address : address - 12672n);
      expect(run.memory.map(({ address, value: cell }) => [BigInt(address), cell])).toEqual(
        wanted.map(({ address, value: cell }) => [
          moved(BigInt(address)),
          cell >= 12748n && cell <= 12751n ? moved(cell) : cell,
        ]),
      );
    });
  });
}
