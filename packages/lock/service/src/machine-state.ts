// The state of a machine, and its bytes.
import {
  ADDRESS_LENGTH_MAX,
  type Binding,
  bindingShape,
  feltShape,
  type MachinePolicy,
  machinePolicyShape,
  OUTPUTS_MAX,
  PUBLISHED_BYTES_MAX,
  positionShape,
} from '@fatty/api';
import {
  array,
  bytes,
  digest,
  optional,
  publicKey,
  record,
  type Shape,
  sessionId,
  text,
  u8,
  u32,
  u53,
  u64,
  union,
} from '@fatty/codec';
import type { Digest, Position, PublicKey, SessionId } from '@fatty/interface';
import { slotMarkShape } from '@fatty/verify';
import { type Inbox, inboxShape } from './inbox.ts';
import { type Job, jobShape } from './job-state.ts';

/** Who holds a machine, until when (lease clock, ms). */
export interface Lessee {
  readonly client: PublicKey;
  /** Session of its last take or renewal: gets the notices. The lease does not depend on it. */
  readonly session: SessionId;
  readonly lockGen: Position;
  readonly expiry: number;
  readonly address: string;
  readonly content: Uint8Array;
}

/** A machine and its state clock (t, s). A value: every event makes a new one. */
export interface Machine {
  readonly kind: 'machine';
  readonly programId: Digest;
  readonly policy: MachinePolicy;
  readonly binding: Binding;
  readonly outputCount: number;
  readonly periodMs: number;
  readonly lockDelayMs: number;
  /** State clock and state: moved by applied proofs only. */
  readonly t: bigint;
  readonly s: bigint;
  readonly outputs: readonly bigint[];
  readonly inbox: Inbox | undefined;
  /** Position of the last applied declare, take, renew, release or loss of this machine. */
  readonly nonce: Position;
  readonly lessee: Lessee | undefined;
  /** End of the lock-delay on the lease clock, ms; 0 when none runs. */
  readonly notBefore: number;
}

/** What the service keeps at a node of the namespace. */
export type Slot = Machine | Job | undefined;

/** Canonical bytes of a machine. */
export const machineShape: Shape<Omit<Machine, 'kind'>> = record<Omit<Machine, 'kind'>>({
  programId: digest,
  policy: machinePolicyShape,
  binding: bindingShape,
  outputCount: u8,
  periodMs: u32,
  lockDelayMs: u32,
  t: u64,
  s: feltShape,
  outputs: array(feltShape, OUTPUTS_MAX),
  inbox: optional(inboxShape),
  nonce: positionShape,
  lessee: optional(
    record<Lessee>({
      client: publicKey,
      session: sessionId,
      lockGen: positionShape,
      expiry: u53,
      address: text(ADDRESS_LENGTH_MAX),
      content: bytes(PUBLISHED_BYTES_MAX),
    }),
  ),
  notBefore: u53,
});

/** Canonical bytes of what stands at a node, in a snapshot. */
export const slotShape: Shape<Slot> = optional(
  union<Machine | Job>({ machine: [1, machineShape], job: [2, jobShape] }),
);

/** What a node's record says of its slot: machines and jobs have tries of their own, by path. */
export const slotMark: Shape<Slot> = {
  ...slotShape,
  toItem: (slot) => slotMarkShape.toItem(slot?.kind ?? 'none'),
  readFrom: () => {
    throw new TypeError('marks are only ever hashed');
  },
};

/** The machine at a node, if there is one. */
export function machineOf(node: { readonly slot: Slot } | undefined): Machine | undefined {
  return node?.slot?.kind === 'machine' ? node.slot : undefined;
}

/** The job at a node, if there is one. */
export function jobOf(node: { readonly slot: Slot } | undefined): Job | undefined {
  return node?.slot?.kind === 'job' ? node.slot : undefined;
}
