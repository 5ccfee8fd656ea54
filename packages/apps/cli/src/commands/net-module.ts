// Loads a net from a module.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Net } from '@fatty/testnet';
import { EXIT, ExitError } from '../terminal/io.ts';

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (value: unknown): Fields =>
  (typeof value === 'object' && value !== null) || typeof value === 'function'
    ? (value as Fields)
    : {};

const isWhole = (value: unknown, least: number): boolean =>
  Number.isSafeInteger(value) && Number(value) >= least;

/** Whole numbers of a net's size, and the least that each may be. */
const SIZES = {
  clients: 1,
  opsMin: 0,
  opsMax: 0,
  busyMs: 1,
  faultsMax: 0,
  realSignaturesOneIn: 1,
  kinds: 1,
} as const;

/** A cell that withstands nothing proves nothing. */
const REPLICAS_MIN = 4;

function sizeFlaws(size: Fields): readonly string[] {
  const { replicas, opsMin, opsMax } = size;
  const counts = Array.isArray(replicas) ? (replicas as readonly unknown[]) : [];
  const isGood = counts.length > 0 && counts.every((count) => isWhole(count, REPLICAS_MIN));
  const flaws = isGood ? [] : [`size.replicas: a list of whole numbers from ${REPLICAS_MIN}`];
  for (const [name, least] of Object.entries(SIZES)) {
    if (!isWhole(size[name], least)) flaws.push(`size.${name}: a whole number from ${least}`);
  }
  if (Number(opsMin) > Number(opsMax)) flaws.push('size.opsMax: at least opsMin');
  return flaws;
}

/** What keeps a value from being a net: what is expected where, one text each. */
function flawsOf(value: unknown): readonly string[] {
  const { name, size, machine, act, wants } = fieldsOf(value);
  const flaws: string[] = [];
  if (typeof name !== 'string' || name === '') flaws.push('name: a text');
  if (typeof size !== 'object' || size === null) flaws.push('size: a PlanSize');
  else flaws.push(...sizeFlaws(fieldsOf(size)));
  if (typeof machine !== 'function') flaws.push('machine: a function');
  if (typeof act !== 'function') flaws.push('act: a function');
  if (typeof wants !== 'object' || wants === null) flaws.push('wants: an object of counts');
  return flaws;
}

/** Looks like a net somebody meant. */
function isMeant(value: unknown): boolean {
  const { machine, act } = fieldsOf(value);
  return machine !== undefined || act !== undefined;
}

/** A name for a file, and not for a net of ours. */
export function isModulePath(name: string): boolean {
  return /[\\/]|\.[cm]?[jt]s$/.test(name);
}

/** The net that a module exports: its default export, or the only one among the named. */
export async function importNet(path: string): Promise<Net> {
  const exported = await importFields(path);
  const { default: main, ...named } = exported;
  if (isMeant(main)) return asNet(path, 'default', main);
  // What CommonJS exports by name is in its default too.
  const meant = Object.entries({ ...fieldsOf(main), ...named }).filter(([, one]) => isMeant(one));
  const [first, ...others] = meant;
  if (first === undefined) {
    const names = Object.keys(exported).join(', ');
    return refuse(
      `no net in ${path}: it exports ${names === '' ? 'nothing' : names}; a net is a default or named export with name, size, machine, act and wants`,
    );
  }
  if (others.length > 0) {
    const names = meant.map(([name]) => name).join(', ');
    return refuse(`several nets in ${path}: ${names}; make one the default export`);
  }
  return asNet(path, ...first);
}

async function importFields(path: string): Promise<Fields> {
  try {
    return fieldsOf(await import(/* @vite-ignore */ pathToFileURL(resolve(path)).href));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const hint = /\.[cm]?ts$/u.test(path) ? '; compile it, and name the JavaScript' : '';
    return refuse(`${path} cannot be imported: ${why}${hint}`);
  }
}

function asNet(path: string, name: string, value: unknown): Net {
  const flaws = flawsOf(value);
  if (flaws.length === 0) return value as Net;
  return refuse(`export ${name} of ${path} is no net; expected ${flaws.join(', ')}`);
}

function refuse(why: string): never {
  throw new ExitError(EXIT.usage, why);
}
