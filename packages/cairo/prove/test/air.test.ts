// Every constraint of `plain` can be broken alone; rows and vanishing polynomials agree.
import { describe, expect, it } from 'vitest';
import { pow, rootOfUnity } from '../../air/src/felt/felt.ts';
import { vanishing } from '../../air/src/layouts/evaluate.ts';
import { LAYOUTS } from '../../air/src/layouts/layouts.ts';
import { PLAIN } from '../../air/src/layouts/plain.ts';
import {
  BREAKS,
  CALL_FLAGS,
  callAtTheEnd,
  IMPLIED,
  RET,
  RET_FLAGS,
  RET_OFFSETS,
} from './breaks.ts';
import { isIn, TamperedTable } from './tampered-table.ts';

describe('the plain AIR', () => {
  it('holds on an honest run, also where the last step is a call or a return', () => {
    const table = new TamperedTable();
    expect(table.broken(PLAIN)).toEqual([]);
    callAtTheEnd(table, {});
    expect(table.broken(PLAIN)).toEqual([]);
    table.change(-1, { flags: RET_FLAGS, offsets: RET_OFFSETS });
    expect(table.broken(PLAIN)).toEqual([]);
  });

  it.each(Object.entries(BREAKS))('has no constraint that says %s already', (name, change) => {
    const table = new TamperedTable();
    change(table);
    expect(table.broken(PLAIN)).toEqual([name]);
  });

  it('has each of its constraints broken alone, but for one that others imply', () => {
    const names = PLAIN.constraints.map(({ name }) => name).filter((name) => name !== IMPLIED);
    expect(Object.keys(BREAKS).sort()).toEqual(names.sort());
    const table = new TamperedTable();
    callAtTheEnd(table, { flags: [...CALL_FLAGS, RET] });
    expect(table.broken(PLAIN)).toEqual([IMPLIED, 'ret/flags', 'ret/off0', 'ret/off2']);
  });
});

describe('rows', () => {
  it('are where their polynomial vanishes, and nowhere else', () => {
    for (const layout of LAYOUTS.values()) {
      const log = Math.log2(layout.rowsMin);
      const root = rootOfUnity(log);
      const seen = new Map<string, (typeof layout.constraints)[number]['rows']>();
      for (const { rows, except } of layout.constraints)
        for (const one of [rows, except]) if (one !== undefined) seen.set(JSON.stringify(one), one);
      const count = layout.rowsMin;
      for (const rows of seen.values())
        for (const at of [0, 1, 2, 15, 16, 255, 256, 4080, 8160, count - 2, count - 1]) {
          const row = at % count;
          const value = vanishing(rows, pow(root, BigInt(row)), log);
          expect(value === 0n, `${JSON.stringify(rows)} at ${row}`).toBe(isIn(rows, row, count));
        }
    }
  });
});
