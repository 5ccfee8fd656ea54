import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadProgram } from '../src/program/load.ts';
import {
  readAirPublicInput,
  writeAirPrivateInput,
  writeMemory,
  writeTrace,
} from '../src/vm/files.ts';
import { runProgram } from '../src/vm/run.ts';

const folder = process.env['FATTY_VECTORS'];
const V = join(folder ?? '', 'cairo-programs');

describe.runIf(folder !== undefined)('recorded runs of cairo-run', () => {
  const runs = folder === undefined ? [] : readdirSync(join(V, 'stone-cli-runs'));
  test.each(runs)('%s', (name) => {
    const [stem, layout] = name.split('.') as [string, string];
    const p = loadProgram(readFileSync(join(V, 'stone-cli', `${stem}.json`), 'utf8'));
    if (!p.ok) throw new Error(JSON.stringify(p.failure));
    const r = runProgram(p.value, { layout });
    if (!r.ok) throw new Error(JSON.stringify(r.failure));
    const dir = join(V, 'stone-cli-runs', name);
    const bytes = (f: string) => new Uint8Array(readFileSync(join(dir, f)));
    expect(writeTrace(r.value.trace)).toEqual(bytes('trace.bin'));
    expect(writeMemory(r.value.memory)).toEqual(bytes('memory.bin'));
    const pub = readAirPublicInput(readFileSync(join(dir, 'air-public-input.json'), 'utf8'));
    expect({ ok: true, value: r.value.publicInput }).toEqual(pub);
    const paths = { trace: 'trace.bin', memory: 'memory.bin' };
    expect(`${writeAirPrivateInput(layout, r.value.privateInput, paths)}\n`).toBe(
      readFileSync(join(dir, 'air-private-input.json'), 'utf8'),
    );
  });
});
