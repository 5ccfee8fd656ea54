// Tests of evidence that outlives its epoch.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { EvidenceFile } from '../src/kept-evidence.ts';
import { loadConfig } from '../src/settings.ts';
import { Telemetry } from '../src/telemetry.ts';
import { HEALTHY } from './healthy.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fatty-evidence-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const against = (member: number, evidence: string) => ({ member, by: 'blocks', evidence }) as const;

it('is shown when the epoch in which a member lied is long over', () => {
  const config = loadConfig({ dir, logLevel: 'silent' }, {});
  if (!config.ok) throw new Error(config.failure.code);
  const clock = { nowMs: () => 0, monotonicMs: () => 0 };
  const parts = { config: config.value, me: () => 0, clock };
  const telemetry = new Telemetry(parts);
  const lied = { ...HEALTHY, epoch: 3, evidence: [against(2, 'aa')] };
  telemetry.outward({ kind: 'note', note: { what: 'convicted', peer: 2 } }, () => lied);
  const next = { ...HEALTHY, epoch: 4, evidence: [] };
  expect(telemetry.evidence(next)).toEqual([{ epoch: 3, ...against(2, 'aa') }]);
  // Another process, and somebody else has lied.
  const later = new Telemetry(parts).evidence({ ...next, evidence: [against(0, 'bb')] });
  expect(later.map(({ epoch, member }) => [epoch, member])).toEqual([
    [3, 2],
    [4, 0],
  ]);
});

it('is kept once, of many the newest, and other files are none', () => {
  const file = new EvidenceFile(dir);
  for (let epoch = 0; epoch < 300; epoch++) {
    const found = { epoch, evidence: [against(1, `${epoch}`.padStart(4, '0'))] };
    file.keep(found);
    file.keep(found);
  }
  const kept = new EvidenceFile(dir).with({ epoch: 300, evidence: [] });
  expect([kept.length, kept[0]?.epoch, kept.at(-1)?.epoch]).toEqual([256, 44, 299]);
  writeFileSync(join(dir, 'evidence.json'), '[{"epoch": 1}, 7, null]');
  expect(new EvidenceFile(dir).with({ epoch: 0, evidence: [] })).toEqual([]);
  writeFileSync(join(dir, 'evidence.json'), '{');
  expect(new EvidenceFile(dir).with({ epoch: 0, evidence: [] })).toEqual([]);
});
