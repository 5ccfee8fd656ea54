// Faults for real processes.
export { FaultProxy, type LinkFault, viaProxy } from './proxy.ts';
export { type ChaosReport, type EpochChange, epochsIn, pausesAfter, quantile } from './report.ts';
export { type ChaosOptions, runChaos } from './run.ts';
export { type KillsSize, killsOf, type ScheduleSize, type Spell, scheduleOf } from './schedule.ts';
