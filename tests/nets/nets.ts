// Every net, those that need a package above the simulator among them.
import { type AnyNet, NETS } from '@fatty/testnet';
import { TEXTBOOK_NETS } from '@fatty/textbook';
import { clientsNet } from './clients/net.ts';
import { outcomesNet } from './clients/outcomes.ts';
import { readsNet } from './clients/reads.ts';
import { watchesNet } from './clients/watches.ts';

/** Every net there is: those of package testnet, and those that need packages above it. */
export const ALL_NETS: Readonly<Record<string, AnyNet>> = {
  ...NETS,
  ...TEXTBOOK_NETS,
  clients: clientsNet,
  outcomes: outcomesNet,
  reads: readsNet,
  watches: watchesNet,
};

export function netNamed(name: string): AnyNet {
  const net = ALL_NETS[name];
  if (net === undefined) throw new RangeError(`no net ${name}: ${Object.keys(ALL_NETS).join(' ')}`);
  return net;
}
