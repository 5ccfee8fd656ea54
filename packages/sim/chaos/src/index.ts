// Faults for real processes.
export { FaultProxy, type LinkFault, viaProxy } from './proxy.ts';
export { type ChaosReport, pausesAfter, quantile } from './report.ts';
export { type ChaosOptions, runChaos } from './run.ts';
export { killsOf, type ScheduleSize, type Spell, scheduleOf } from './schedule.ts';
