// Faults for real processes.
export { FaultProxy, type LinkFault, viaProxy } from './proxy.ts';
