// What is said of a world that fails, and where it is kept. It brings the simulator along.
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { Counterexample } from '@fatty/testnet';
import { json } from '../terminal/output.ts';
import { sentenceOf } from './explain-rules.ts';
import { shortened } from './explain-run.ts';
import { isModulePath } from './net-module.ts';

/** Into the folder of whoever asked, under a name that the same failure has again. */
function fileFailure(failure: Counterexample): string {
  const text = `${json(failure, 2)}\n`;
  const name = failure.net.replace(/[^\w.-]/gu, '_');
  const path = `${name}-${createHash('sha256').update(text).digest('hex').slice(0, 8)}.json`;
  writeFileSync(path, text);
  return path;
}

/** Writes the world, and says which rule it breaks, where it is and who tells more; `from` is how its net was named. */
export function keepFailure(failure: Counterexample, from: string): string {
  const [first] = failure.violations;
  const path = fileFailure(failure);
  const rule = first?.rule ?? 'nothing';
  const net = isModulePath(from) ? ` --net ${from}` : '';
  return [
    `fatty: ${failure.net} broke ${rule}: expected ${shortened(first?.expected ?? '')}, got ${shortened(first?.actual ?? '')}`,
    `fatty: ${rule}: ${sentenceOf(rule)}`,
    `fatty: the shrunk world is in ${path}; fatty explain ${path}${net} tells why`,
    '',
  ].join('\n');
}
