// Every net that has a name here. It brings the simulator along, so it is loaded when a net is asked for.
import { type AnyNet, NETS } from '@fatty/testnet';
import { TEXTBOOK_NETS } from '@fatty/textbook';
import { EXIT, ExitError } from '../terminal/io.ts';
import { importNet, isModulePath } from './net-module.ts';

/** Those of the simulator, and those of the textbook's protocols. */
export const NAMED_NETS: Readonly<Record<string, AnyNet>> = { ...NETS, ...TEXTBOOK_NETS };

/** One of ours by name, or what a module exports. @throws ExitError, exit code 2 */
export async function netOf(name: string): Promise<AnyNet> {
  const net = Object.hasOwn(NAMED_NETS, name) ? NAMED_NETS[name] : undefined;
  if (net !== undefined) return net;
  if (isModulePath(name)) return importNet(name);
  const names = Object.keys(NAMED_NETS).join(', ');
  throw new ExitError(EXIT.usage, `no net ${name}; there are ${names}, or a module: ./mine.js`);
}
