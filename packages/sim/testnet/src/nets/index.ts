// Every property net by name.
import { bankNet } from './bank.ts';
import { jobsNet } from './jobs.ts';
import { locksNet } from './locks.ts';
import { machinesNet } from './machines.ts';
import { membersNet } from './members.ts';
import { namespaceNet } from './namespace.ts';
import type { Net } from './net.ts';
import { orswotNet } from './orswot.ts';

/** Every property net, by name. */
export const NETS: Readonly<Record<string, Net>> = {
  orswot: orswotNet,
  namespace: namespaceNet,
  locks: locksNet,
  bank: bankNet,
  machines: machinesNet,
  members: membersNet,
  jobs: jobsNet,
};

/** @throws RangeError when there is none of that name */
export function netByName(name: string): Net {
  const net = NETS[name];
  if (net === undefined)
    throw new RangeError(`no net ${name}; there are ${Object.keys(NETS).join(' ')}`);
  return net;
}

export { readService } from '../staging/service.ts';
export { useRealProofs } from './machines.ts';
export {
  type Act,
  type AnyNet,
  CALM_MS_MAX,
  type Net,
  type OwnNet,
  type RunOutcome,
  runPlan,
  type Scene,
  say,
  useRealScheme,
} from './net.ts';
