// Nets whose liars somebody has picked.
import { fail, ok } from '@fatty/codec';
import type { Outcome } from '@fatty/interface';
import { LIES, type Lie } from '../liars/index.ts';
import type { Net } from './net.ts';
import type { Plan } from './plan.ts';

const PICK = /^r(\d{1,4})=(.*)$/u;

const faultsMax = (replicas: number): number => Math.floor((replicas - 1) / 3);

/**
 * Who lies how, out of `r2=equivocate,r3=withhold`. Codes: `bad_pick`, `unknown_lie`, `picked_twice`.
 */
export function readLiars(text: string): Outcome<Plan['liars']> {
  const liars: { readonly replica: number; readonly lie: Lie }[] = [];
  for (const part of text.split(',')) {
    const [, digits, name] = PICK.exec(part.trim()) ?? [];
    if (digits === undefined) return fail('bad_pick', 'REPLICA=LIE, as in r2=equivocate', part);
    const lie = LIES.find((one) => one === name);
    if (lie === undefined) return fail('unknown_lie', `one of ${LIES.join(', ')}`, name ?? '');
    const replica = Number(digits);
    if (liars.some((one) => one.replica === replica)) {
      return fail('picked_twice', 'each replica once', `r${replica} again`);
    }
    liars.push({ replica, lie });
  }
  return ok(liars);
}

/**
 * The same net with these liars in every world: its worlds have room for them, and it is to meet each of their
 * lies. Codes: `no_such_replica`, `too_many_liars`.
 */
export function misbehaving(net: Net, liars: Plan['liars']): Outcome<Net> {
  const { replicas } = net.size;
  const most = Math.max(...replicas);
  const stranger = liars.find(({ replica }) => replica >= most);
  if (stranger) return fail('no_such_replica', `r0 to r${most - 1}`, `r${stranger.replica}`);
  if (liars.length > faultsMax(most)) {
    return fail('too_many_liars', `at most ${faultsMax(most)} of ${most}`, `${liars.length}`);
  }
  const highest = Math.max(...liars.map(({ replica }) => replica));
  const fit = replicas.filter((n) => n > highest && faultsMax(n) >= liars.length);
  const wants = Object.fromEntries(liars.map(({ lie }) => [`lie.${lie}`, 1]));
  return ok({ ...net, size: { ...net.size, replicas: fit, liars }, wants });
}
