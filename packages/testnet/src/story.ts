import type { Ref } from '@fatty/broadcast';
import type { TraceEvent, Tracer } from '@fatty/interface';
import { decodeMessage, type ReplicaEffect, type ReplicaNote } from '@fatty/replica';
import type { Packet } from './network.ts';
import { blocksIn } from './sight.ts';

type Extra = Partial<Pick<TraceEvent, 'peer' | 'packet' | 'round'>>;

const TOLD_NOTES: ReadonlySet<ReplicaNote['what']> = new Set([
  'blockRejected',
  'messageRejected',
  'equivocation',
  'leaderTimeout',
  'syncStarted',
  'syncEnded',
  'observer',
]);

const blockName = (ref: { readonly round: number; readonly author: number }): string =>
  `block ${ref.round}/r${ref.author}`;

/** Says in a few words what a packet is. */
export function labelOf(bytes: Uint8Array): string {
  const message = decodeMessage(bytes, bytes.length);
  if (!message.ok) return 'garbage';
  const [first, ...more] = blocksIn(bytes);
  switch (message.value.kind) {
    case 'push':
      return first === undefined ? 'broken block' : blockName(first);
    case 'getBlocks':
      return `asks for ${message.value.refs.map(blockName).slice(0, 3).join(', ')}`;
    case 'getRounds':
      return `asks for rounds ${message.value.from} to ${message.value.to}`;
    case 'status':
      return `status: round ${message.value.highestRound}, commit ${message.value.commitIndex}`;
    case 'blocks':
    case 'rounds':
      return first === undefined ? 'no blocks' : `${more.length + 1} blocks`;
  }
}

/** Turns what happens in a world into trace events; silent without a tracer. */
export class Storyteller {
  readonly #elapsedMs: () => number;
  readonly #tracer: Tracer | undefined;

  constructor(elapsedMs: () => number, tracer: Tracer | undefined) {
    this.#elapsedMs = elapsedMs;
    this.#tracer = tracer;
  }

  tell(kind: TraceEvent['kind'], who: string, label: string, extra: Extra = {}): void {
    this.#tracer?.trace({ atMs: this.#elapsedMs(), who, kind, label, ...extra });
  }

  packet(kind: 'send' | 'receive' | 'drop', packet: Packet, why = ''): void {
    if (this.#tracer === undefined) return;
    const here = kind === 'receive' ? packet.to : packet.from;
    const there = kind === 'receive' ? packet.from : packet.to;
    const [block] = blocksIn(packet.bytes);
    const label = why === '' ? labelOf(packet.bytes) : `${labelOf(packet.bytes)}: ${why}`;
    this.tell(kind, `r${here}`, label, {
      peer: `r${there}`,
      packet: packet.id,
      ...(block === undefined ? {} : { round: block.round }),
    });
  }

  delivered(replica: number, ref: Ref): void {
    this.tell('deliver', `r${replica}`, blockName(ref), { round: ref.round });
  }

  committed(replica: number, effect: Extract<ReplicaEffect, { kind: 'committed' }>): void {
    const { commit, input } = effect;
    const ops = input.batches.reduce((sum, batch) => sum + batch.ops.length, 0);
    const label = `commit ${commit.index}, leader ${blockName(commit.leader)}, ${ops} ops`;
    this.tell('commit', `r${replica}`, label, { round: commit.leader.round });
  }

  noted(replica: number, note: ReplicaNote): void {
    if (!TOLD_NOTES.has(note.what)) return;
    const kind = note.what.endsWith('Rejected') ? 'reject' : 'note';
    const parts = [
      note.what,
      note.ref === undefined ? '' : blockName(note.ref),
      note.failure?.code,
    ];
    this.tell(kind, `r${replica}`, parts.filter((part) => part).join(' '), {
      ...(note.peer === undefined ? {} : { peer: `r${note.peer}` }),
      ...(note.round === undefined ? {} : { round: note.round }),
    });
  }
}
