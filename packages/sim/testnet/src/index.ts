// The simulator: worlds in virtual time, nets, checkers, liars.
export { HoldChecker } from './checkers/holds.ts';
export {
  type Agreed,
  BlockBook,
  BlockChecker,
  CommitChecker,
  type CommitSeen,
  DurabilityChecker,
  effects,
  FramedChecker,
  MachineChecker,
  ReadChecker,
  type ReadCheckerParts,
  type Reader,
  type ReadSeen,
  SlotChecker,
  ViewChecker,
  type Watch,
  watch,
} from './checkers/index.ts';
export { bend, type Draft } from './liars/craft.ts';
export { falseChunks } from './liars/false-chunks.ts';
export { FalseProofs, PROOF_LIES, type ProofLie } from './liars/false-proofs.ts';
export {
  type Insider,
  LIES,
  type Lie,
  Puppet,
  type Trick,
} from './liars/index.ts';
export { type TwoFaced, TwoFacedReplica } from './liars/two-faced.ts';
export { type Asynchrony, runAsynchrony, SCHEDULERS } from './nets/asynchrony.ts';
export * from './nets/index.ts';
export * from './nets/misbehave.ts';
export { type Plan, type PlannedOp, type PlanSize, planArbitrary } from './nets/plan.ts';
export * from './nets/recorded.ts';
export * from './nets/shrink.ts';
export {
  type Fixtures,
  type LeaseFixture,
  SCENARIOS,
} from './staging/scenarios.ts';
export type { Recording } from './staging/script.ts';
export { SessionClient } from './staging/session.ts';
export {
  type FrontScene,
  StagedMachines,
  type StageOptions,
  stage,
} from './staging/stage.ts';
export { type Staged, staged, type Threw } from './staging/staged.ts';
export { AIMS, type Aim } from './world/aims.ts';
export { type Cell, GENESIS_MS, makeCell, smallWindows } from './world/cell.ts';
export {
  CLIENT_LIES,
  Client,
  type ClientLie,
  lieAsClient,
  type Swindle,
  type Victim,
} from './world/client.ts';
export { Clockwork } from './world/clockwork.ts';
export { type Breakable, COMMON_FAULTS, CommonInjector } from './world/common-injector.ts';
export { Disk, type DiskOptions } from './world/disk.ts';
export * from './world/faults.ts';
export { Host, type Peer } from './world/host.ts';
export { IdealProver, type Proven } from './world/ideal-prover.ts';
export { Network, type Packet, type Scheduler } from './world/network.ts';
export type { CheckedCell, Checker, Observation, Violation } from './world/observation.ts';
export { SeededRng } from './world/rng.ts';
export { blocksIn, type SeenBlock } from './world/sight.ts';
export { World, type WorldOptions } from './world/world.ts';
