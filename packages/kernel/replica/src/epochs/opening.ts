// In which epoch a replica goes on, by what is on its disk.

import { decode, fail } from '@fatty/codec';
import type { Failure, Outcome } from '@fatty/interface';
import type { CheckedChain, OpenedEpoch } from '../cell/checked-chain.ts';
import { HEAD_BYTES_MAX, storedFrameShape } from '../frames/stored.ts';

/**
 * The epoch that a kept frame leads to: its own, or behind a final frame the next. The frame of that epoch itself is
 * checked when a replica takes it. Codes: those of `decode`, of `CheckedChain.follow`, `wrong_epoch`.
 */
export function epochOf(chain: CheckedChain, head: Uint8Array): Outcome<OpenedEpoch> {
  const stored = decode(storedFrameShape, head, HEAD_BYTES_MAX);
  if (!stored.ok) return stored;
  const { frame, cert, links } = stored.value;
  const at = chain.follow(links);
  if (!at.ok) return at;
  const { epoch } = at.value.committee;
  if (frame.epoch !== epoch) {
    return fail('wrong_epoch', `a chain to epoch ${frame.epoch}`, `to ${epoch}`);
  }
  return frame.end === undefined ? at : chain.extend(epoch, [{ frame, cert }]);
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
  /** Undefined: it follows. The own key is not one of the epoch's members, or the disk leads to an earlier epoch. */
  readonly core: Core | undefined;
  readonly epoch: OpenedEpoch;
  /** Undefined: behind no frame. */
  readonly at: At | undefined;
  /** Why newer frames were not taken. */
  readonly failures: readonly Failure[];
}

/**
 * The replica of the newest good frame, in the epoch that this one leads to; of the first epoch when none is
 * good. A core of a later epoch has no state without its frame, so none is made without; and none of an epoch that is
 * known to be over, whoever has said so. `make` makes a core without a past, or none where the own key is no member;
 * `frames`: the newest first; `chain`: of the process.
 */
export function beginBehind<At, Core extends Resumable<At>>(
  chain: CheckedChain,
  frames: readonly KeptFrame[],
  make: (epoch: OpenedEpoch) => Core | undefined,
): Beginning<Core, At> {
  const failures: Failure[] = [];
  const coreOf = (at: OpenedEpoch): Core | undefined => {
    const isOver = at.committee.epoch < chain.newest.committee.epoch;
    return isOver ? undefined : make(at);
  };
  for (const { head, payload } of frames) {
    const found = epochOf(chain, head);
    if (!found.ok) {
      failures.push(found.failure);
      continue;
    }
    const core = coreOf(found.value);
    if (core === undefined) return { core, epoch: chain.newest, at: undefined, failures };
    const resumed = core.resume(head, payload);
    if (resumed.ok) return { core, epoch: found.value, at: resumed.value, failures };
    failures.push(resumed.failure);
  }
  return { core: coreOf(chain.first), epoch: chain.newest, at: undefined, failures };
}
