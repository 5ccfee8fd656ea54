export { type Cell, GENESIS_MS, makeCell, smallWindows } from './cell.ts';
export { HoldChecker } from './checkers/holds.ts';
export {
  type Agreed,
  BlockBook,
  BlockChecker,
  CommitChecker,
  type CommitSeen,
  DurabilityChecker,
  effects,
  MachineChecker,
  type Reader,
  SlotChecker,
  ViewChecker,
  type Watch,
  watch,
} from './checkers/index.ts';
export {
  CLIENT_LIES,
  Client,
  type ClientLie,
  lieAsClient,
  type Swindle,
  type Victim,
} from './client.ts';
export { Disk, type DiskOptions } from './disk.ts';
export * from './faults.ts';
export { type Boot, Host, type Peer } from './host.ts';
export { type Insider, LIES, type Lie, makeLiar, Puppet, type Trick } from './liars/index.ts';
export { type TwoFaced, TwoFacedReplica } from './liars/two-faced.ts';
export { type Asynchrony, runAsynchrony, SCHEDULERS } from './nets/asynchrony.ts';
export * from './nets/index.ts';
export { SessionClient } from './nets/session.ts';
export { Network, type Packet, type Scheduler } from './network.ts';
export type { CheckedCell, Checker, Observation, Violation } from './observation.ts';
export { type Plan, type PlannedOp, type PlanSize, planArbitrary } from './plan.ts';
export { SeededRng } from './rng.ts';
export * from './run.ts';
export { type Fixtures, type LeaseFixture, type Recording, SCENARIOS } from './scenarios.ts';
export { type Staged, StagedMachines, type StageOptions, stage, staged } from './stage.ts';
export { World, type WorldOptions } from './world.ts';
