// What checking and proving share: the field, its hashes, the layouts and their constraints, the
// parts of a STARK that both sides compute, and the data types of a proof.
export { pedersen, pedersenChain } from './curve/pedersen.ts';
export { poseidon, poseidonMany } from './curve/poseidon.ts';
export {
  add,
  batchInverse,
  fromMontgomery,
  GENERATOR,
  inverse,
  mul,
  P,
  pow,
  readUint,
  reduce,
  rootOfUnity,
  sub,
  toBytes32,
  toMontgomery,
} from './felt/felt.ts';
export { felt } from './felt/shape.ts';
export { Fields, readFelt, readInteger } from './json/fields.ts';
export { type JsonValue, parseJson } from './json/value.ts';
export { composition, evaluateNodes } from './layouts/evaluate.ts';
export type {
  Builtin,
  Constraint,
  Layout,
  MaskCell,
  Node,
  PeriodicColumn,
  Rows,
} from './layouts/expression.ts';
export { LAYOUTS, layoutNamed } from './layouts/layouts.ts';
export { evaluatePeriodic } from './layouts/periodic.ts';
export { PLAIN } from './layouts/plain.ts';
export {
  LIMITS,
  type Proof,
  type ProofParameters,
  type PublicCell,
  type PublicInput,
  type SeedVersion,
  type Segment,
} from './proof/proof.ts';
export {
  attempt,
  attemptTyped,
  type Category,
  categoryOf,
  demand,
  PROOF_CODES,
  type ProofCode,
  Rejected,
} from './proof/rejected.ts';
export type { RunCode } from './proof/run-code.ts';
export { Channel, type FiatShamir, PoseidonChannel } from './stark/channel.ts';
export { Domain, reverseBits } from './stark/domain.ts';
export {
  byteHash,
  type CommitmentHash,
  type Hash,
  type Hashes,
  loadHashes,
  masked,
} from './stark/hashes.ts';
export { airParameters, friendlySeed, transcriptSeed } from './stark/public-input.ts';
export { type ProofSize, readSizes } from './stark/sizes.ts';
