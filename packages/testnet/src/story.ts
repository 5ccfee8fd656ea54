import type { Ref } from '@fatty/broadcast';
import { toHex } from '@fatty/codec';
import type { TraceEvent, Tracer } from '@fatty/interface';
import { decodeMessage, type ReplicaEffect, type ReplicaNote } from '@fatty/replica';
import type { Packet } from './network.ts';
import { blocksIn, type Item, readItem, type SeenBlock } from './sight.ts';

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

/** What a block is known by: enough to tell two of one slot apart. */
interface Named {
  readonly round: number;
  readonly author: number;
  /** Hex of its digest. */
  readonly key: string;
}

const named = ({ round, author, digest }: Ref): Named => ({ round, author, key: toHex(digest) });

const list = (item: Item | undefined): readonly Item[] =>
  Array.isArray(item) ? (item as readonly Item[]) : [];

/** What makes a block worth a look. */
function cargoOf({ body }: SeenBlock): string {
  const [batches, , , evidence] = list(readItem(body));
  const count = list(batches).length;
  const words = [
    count === 0 ? '' : `, ${count} ${count === 1 ? 'batch' : 'batches'}`,
    list(evidence).length === 0 ? '' : ', evidence',
  ];
  return words.join('');
}

/** Turns what happens in a world into trace events; silent without a tracer. */
export class Storyteller {
  readonly #elapsedMs: () => number;
  readonly #tracer: Tracer | undefined;
  /** By slot: the blocks of it, in the order in which they were first told of. */
  readonly #slots = new Map<string, string[]>();

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
    const words = this.#labelOf(packet.bytes);
    const label = why === '' ? words : `${words}: ${why}`;
    this.tell(kind, `r${here}`, label, {
      peer: `r${there}`,
      packet: packet.id,
      ...(block === undefined ? {} : { round: block.round }),
    });
  }

  delivered(replica: number, ref: Ref): void {
    this.tell('deliver', `r${replica}`, this.#blockName(named(ref)), { round: ref.round });
  }

  committed(replica: number, effect: Extract<ReplicaEffect, { kind: 'committed' }>): void {
    const { commit, input } = effect;
    const ops = input.batches.reduce((sum, batch) => sum + batch.ops.length, 0);
    const leader = this.#blockName(named(commit.leader));
    const convicts = input.evidence.map((liar) => `, convicts r${liar}`).join('');
    const label = `${commit.index}, leader ${leader}, ${ops} ops${convicts}`;
    this.tell('commit', `r${replica}`, label, { round: commit.leader.round });
  }

  noted(replica: number, note: ReplicaNote): void {
    if (!TOLD_NOTES.has(note.what)) return;
    const kind = note.what.endsWith('Rejected') ? 'reject' : 'note';
    const parts = [
      note.what,
      note.ref === undefined ? '' : this.#blockName(named(note.ref)),
      note.failure?.code,
    ];
    this.tell(kind, `r${replica}`, parts.filter((part) => part).join(' '), {
      ...(note.peer === undefined ? {} : { peer: `r${note.peer}` }),
      ...(note.round === undefined ? {} : { round: note.round }),
    });
  }

  /** Says in a few words what a packet is. */
  #labelOf(bytes: Uint8Array): string {
    const message = decodeMessage(bytes, bytes.length);
    if (!message.ok) return 'garbage';
    const blocks = blocksIn(bytes);
    const [first] = blocks;
    switch (message.value.kind) {
      case 'push':
        return first === undefined ? 'broken block' : this.#blockName(first) + cargoOf(first);
      case 'getBlocks': {
        const names = message.value.refs.map((ref) => this.#blockName(named(ref)));
        return `asks for ${names.slice(0, 3).join(', ')}`;
      }
      case 'getRounds':
        return `asks for rounds ${message.value.from} to ${message.value.to}`;
      case 'status':
        return `status: round ${message.value.highestRound}, commit ${message.value.commitIndex}`;
      case 'clock':
        return 'says what its clock is';
      case 'handOver': {
        const { length } = message.value.batches;
        return length === 0 ? 'wakes the leader' : `hands over ${length} batches`;
      }
      case 'blocks':
      case 'rounds':
        if (first === undefined) return 'no blocks';
        return blocks.length === 1 ? `sends ${this.#blockName(first)}` : `${blocks.length} blocks`;
    }
  }

  /** A second block of a slot is a twin: that is the point of many a chart. */
  #blockName({ round, author, key }: Named): string {
    const slot = `${round}/r${author}`;
    const known = this.#slots.get(slot) ?? [];
    this.#slots.set(slot, known);
    if (!known.includes(key)) known.push(key);
    const at = known.indexOf(key);
    return at === 0 ? `block ${slot}` : `block ${slot} twin${at === 1 ? '' : ` ${at}`}`;
  }
}
