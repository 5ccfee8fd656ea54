// In which epoch a replica goes on, by what is on its disk.

import { decode, fail, ok } from '@fatty/codec';
import type { Failure, Outcome } from '@fatty/interface';
import type { Committee, Founding } from '@fatty/protocol';
import {
  type ChainRules,
  type Epoch,
  type EpochLink,
  followChain,
  genesisOf,
  openLink,
} from '@fatty/protocol';
import { HEAD_BYTES_MAX, storedFrameShape } from '../frames/stored.ts';

/** An epoch that a replica can go on in, and the chain that leads to it from the genesis. */
export interface OpenedEpoch extends Epoch {
  /** One for each epoch before, checked. */
  readonly links: readonly EpochLink[];
}

/** The first epoch of a cell. */
export function firstEpoch(genesis: Committee, founding?: Founding): OpenedEpoch {
  return { ...genesisOf(genesis, founding), links: [] };
}

/** The next epoch behind one, when the link is good. Codes: those of `openLink`. */
export function epochBehind(
  rules: ChainRules,
  at: OpenedEpoch,
  link: EpochLink,
): Outcome<OpenedEpoch> {
  const { cellId, scheme } = rules;
  const next = openLink({ committee: at.committee, cellId, scheme }, at.origin, link);
  return next.ok ? ok({ ...next.value, links: [...at.links, link] }) : next;
}

/**
 * The epoch that a kept frame leads to: its own, or behind a final frame the next. Pure. The frame of that
 * epoch itself is checked when a replica takes it. Codes: those of `decode`, of `followChain`, `wrong_epoch`.
 */
export function epochOf(rules: ChainRules, head: Uint8Array): Outcome<OpenedEpoch> {
  const stored = decode(storedFrameShape, head, HEAD_BYTES_MAX);
  if (!stored.ok) return stored;
  const { frame, cert, links } = stored.value;
  const found = followChain(rules, links);
  if (!found.ok) return found;
  const at = { ...found.value, links };
  if (frame.epoch !== at.committee.epoch) {
    return fail('wrong_epoch', `a chain to epoch ${frame.epoch}`, `to ${at.committee.epoch}`);
  }
  return frame.end === undefined ? ok(at) : epochBehind(rules, at, { frame, cert });
}

/** Of which commit a kept frame is; undefined: the bytes are none. Nothing else is checked. */
export function frameIndexOf(head: Uint8Array): number | undefined {
  const stored = decode(storedFrameShape, head, HEAD_BYTES_MAX);
  return stored.ok ? stored.value.frame.index : undefined;
}

/** What can be put behind a frame. */
export interface Resumable<At> {
  resume(head: Uint8Array, payload: Uint8Array): Outcome<At>;
}

/** A frame as it is kept. */
export interface KeptFrame {
  readonly head: Uint8Array;
  readonly payload: Uint8Array;
}

/** Where a replica begins a life. */
export interface Beginning<Core, At> {
  /** Undefined: the own key is not one of the epoch's members. */
  readonly core: Core | undefined;
  readonly epoch: OpenedEpoch;
  /** Undefined: behind no frame. */
  readonly at: At | undefined;
  /** Why newer frames were not taken. */
  readonly failures: readonly Failure[];
}

/**
 * The replica of the newest good frame, in the epoch that this one leads to; of the first epoch when none is
 * good. A core of a later epoch has no state without its frame, so none is made without. `make` makes a
 * core without a past, or none where the own key is no member; `frames`: the newest first.
 */
export function beginBehind<At, Core extends Resumable<At>>(
  rules: ChainRules,
  frames: readonly KeptFrame[],
  make: (epoch: OpenedEpoch) => Core | undefined,
): Beginning<Core, At> {
  const failures: Failure[] = [];
  for (const { head, payload } of frames) {
    const found = epochOf(rules, head);
    if (!found.ok) {
      failures.push(found.failure);
      continue;
    }
    const epoch = found.value;
    const core = make(epoch);
    if (core === undefined) return { core, epoch, at: undefined, failures };
    const resumed = core.resume(head, payload);
    if (resumed.ok) return { core, epoch, at: resumed.value, failures };
    failures.push(resumed.failure);
  }
  const epoch = firstEpoch(rules.genesis, rules.founding);
  return { core: make(epoch), epoch, at: undefined, failures };
}
