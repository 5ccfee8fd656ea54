// Tells what happens in words, for charts.
import {
  accused,
  type Body,
  bodyShape,
  HEADER_BYTES_MAX,
  headerDigest,
  headerShape,
  type Ref,
  signedBlockShape,
} from '@fatty/broadcast';
import { decode, toHex } from '@fatty/codec';
import type {
  Notice,
  PublicKey,
  Receipt,
  TracedBlock,
  TracedOp,
  TraceEvent,
  Vocabulary,
} from '@fatty/interface';
import {
  type Batch,
  batchShape,
  type EpochLink,
  openVote,
  type SignedBatch,
  signedBatchShape,
} from '@fatty/protocol';
import type { ReplicaEffect, ReplicaNote } from './boundary/contract.ts';
import { decodeMessage, type PeerMessage } from './boundary/messages.ts';

/** What a trace event says, without who and when. */
export type Telling = Pick<TraceEvent, 'label' | 'round' | 'block' | 'commit' | 'ops'>;

/** A note, told. */
export type NoteTelling = Telling & Pick<TraceEvent, 'kind' | 'peer'>;

/** Ops told of one block, commit or batch: the beginning of a long list. */
const OPS_TOLD_MAX = 32;
/** Ops that a label names. */
const OPS_NAMED_MAX = 3;
/** Slots whose blocks are remembered, so that a second block of one is called a twin. */
const SLOTS_MAX = 10_000;
const ID_BYTES = 8;

const TOLD_NOTES: ReadonlySet<ReplicaNote['what']> = new Set([
  'accepted',
  'blockRejected',
  'messageRejected',
  'equivocation',
  'leaderTimeout',
  'syncStarted',
  'syncEnded',
  'frameSyncStarted',
  'frameSynced',
  'observer',
]);

/** A block as it travels, opened as far as it can be. */
interface OpenedBlock {
  readonly ref: Ref;
  readonly epoch: number;
  readonly isSealed: boolean;
  readonly body: Body | undefined;
}

/**
 * Says in a few words what replicas send, deliver and commit: the one vocabulary of simulated and
 * recorded runs. Bytes that do not decode are told as such; nothing throws.
 */
export class Teller {
  readonly #nameOf: (client: PublicKey) => string;
  readonly #words: Vocabulary;
  /** By slot: the blocks of it, in the order in which they were first told of. */
  readonly #slots = new Map<string, string[]>();
  /** By block of a later epoch than the first: which. */
  readonly #epochs = new Map<string, number>();
  #last: { readonly bytes: Uint8Array; readonly told: Telling } | undefined;

  /** `nameOf`: the lifeline of a client. `words`: of the algorithm. */
  constructor(nameOf: (client: PublicKey) => string, words: Vocabulary) {
    this.#nameOf = nameOf;
    this.#words = words;
  }

  /** What one replica sends another; a broadcast is read once. */
  message(bytes: Uint8Array): Telling {
    if (this.#last?.bytes === bytes) return this.#last.told;
    const message = decodeMessage(bytes, bytes.length);
    const told = message.ok ? this.#message(message.value) : { label: 'garbage' };
    this.#last = { bytes, told };
    return told;
  }

  delivered(ref: Ref): Telling {
    return { label: this.#blockName(ref), round: ref.round, block: this.#traced(ref) };
  }

  committed({ commit, input }: Extract<ReplicaEffect, { kind: 'committed' }>): Telling {
    const { index, leader } = commit;
    const copies = new Map(input.batches.map((batch) => [toHex(batch.id), batch]));
    const count = [...copies.values()].reduce((sum, { ops }) => sum + ops.length, 0);
    const ops = this.#opsOf([...copies.values()]);
    const counted = count === 1 ? '1 op' : `${count} ops`;
    const convicts = commit.convicted.map((liar) => `, convicts r${liar}`).join('');
    const label = `${index}, leader ${this.#blockName(leader)}, ${counted}${convicts}`;
    return {
      label: label + naming(ops, count),
      round: leader.round,
      block: this.#traced(leader),
      commit: index,
      ...carried(ops),
    };
  }

  /** Undefined for what no chart shows. */
  noted({ what, ref, round = ref?.round, failure, peer }: ReplicaNote): NoteTelling | undefined {
    if (!TOLD_NOTES.has(what)) return undefined;
    const parts = [what, ref === undefined ? '' : this.#blockName(ref), failure?.code];
    return {
      kind: what.endsWith('Rejected') ? 'reject' : 'note',
      label: parts.filter((part) => part).join(' '),
      ...(peer === undefined ? {} : { peer: `r${peer}` }),
      ...(round === undefined ? {} : { round }),
      ...(ref === undefined ? {} : { block: this.#traced(ref) }),
    };
  }

  /** A client's SignedBatch bytes. */
  batch(signed: Uint8Array): Telling {
    const outer = decode(signedBatchShape, signed, signed.length);
    const ops = outer.ok ? this.#opsIn([outer.value]) : [];
    if (ops.length === 0) return { label: 'garbage' };
    const label = ops.map(({ kind, path }) => wordsOf(kind, path)).join(' + ');
    return { label, ...carried(ops) };
  }

  /** What a gateway answers; `ops`: of the batch that the receipt is for. */
  answered(receipt: Receipt, ops: readonly TracedOp[]): Telling {
    const words = receipt.results.slice(0, OPS_NAMED_MAX).map((bytes, i) => {
      const { kind, path } = ops[i] ?? { kind: 'op' };
      return `${wordsOf(kind, path)}: ${this.#words.result(bytes) ?? 'answered'}`;
    });
    return { label: [`commit ${receipt.commit}`, ...words].join(', '), ...carried(ops) };
  }

  /** Undefined for what no chart shows. */
  notice({ client, body }: Notice): Telling | undefined {
    const told = this.#words.notice(body);
    if (told === undefined) return undefined;
    const { words, ...named } = told;
    return { label: `notice: ${words}`, ops: [{ client: this.#nameOf(client), ...named }] };
  }

  #message(message: PeerMessage): Telling {
    switch (message.kind) {
      case 'push':
        return this.#block(message.block) ?? { label: 'broken block' };
      case 'getBlocks': {
        const names = message.refs.map((ref) => this.#blockName(ref));
        return { label: `asks for ${names.slice(0, 3).join(', ')}` };
      }
      case 'getRounds':
        return { label: `asks for rounds ${message.from} to ${message.to}` };
      case 'status':
        return { label: `status: round ${message.highestRound}, commit ${message.commitIndex}` };
      case 'clock':
        return { label: 'says what its clock is' };
      case 'handOver':
        return this.#handOver(message.round, message.batches);
      case 'vote':
        return checkpointTelling('vote', message.vote.core);
      case 'cert':
        return checkpointTelling('certificate', message.cert.core);
      case 'getLinks':
        return { label: `asks how epoch ${message.from} ended` };
      case 'links':
        return { label: `shows how ${epochsOf(message.links)} ended` };
      case 'getFrame':
        return { label: `asks for a frame above commit ${message.above}` };
      case 'frame': {
        const { offer, fromRound } = message;
        const frame = offer ? `frame of commit ${offer.frame.index}` : 'no newer frame';
        return { label: `${frame}; log from round ${fromRound}` };
      }
      case 'getChunk':
        return { label: `asks for chunk ${message.n} of frame ${message.index}` };
      case 'chunk':
        return message.bytes.length > 0
          ? { label: `chunk ${message.n} of frame ${message.index}` }
          : { label: `has frame ${message.index} no more` };
      case 'accusation':
        return { label: `evidence against r${accused(message.accusation) ?? '?'}` };
      case 'statement':
        return { label: 'says that it could be a member' };
      case 'blocks':
      case 'rounds':
        return this.#blocks(message.blocks);
    }
  }

  #block(bytes: Uint8Array): Telling | undefined {
    const opened = openBlock(bytes);
    if (opened === undefined) return undefined;
    this.#placed(opened);
    const { ref, body, isSealed } = opened;
    const count = body?.batches.length ?? 0;
    const ops = this.#opsIn(body?.batches ?? []);
    const cargo = [
      this.#blockName(ref),
      count === 0 ? '' : `, ${batchesOf(count)}`,
      isSealed ? ', sealed' : '',
      ...statementsIn(body?.statements ?? []),
      (body?.evidence.length ?? 0) === 0 ? '' : ', evidence',
      naming(ops, ops.length),
    ];
    const { round } = ref;
    return { label: cargo.join(''), round, block: this.#traced(ref), ...carried(ops) };
  }

  #blocks(blocks: readonly Uint8Array[]): Telling {
    const [first] = blocks;
    const opened = first === undefined ? undefined : openBlock(first);
    if (opened === undefined) return { label: 'no blocks' };
    this.#placed(opened);
    const { ref } = opened;
    if (blocks.length > 1) return { label: `${blocks.length} blocks`, round: ref.round };
    const label = `sends ${this.#blockName(ref)}`;
    return { label, round: ref.round, block: this.#traced(ref) };
  }

  #handOver(round: number, batches: readonly SignedBatch[]): Telling {
    if (batches.length === 0) return { label: 'wakes the leader', round };
    const ops = this.#opsIn(batches);
    const label = `hands over ${batchesOf(batches.length)}${naming(ops, ops.length)}`;
    return { label, round, ...carried(ops) };
  }

  #opsIn(batches: readonly SignedBatch[]): readonly TracedOp[] {
    const opened = batches.slice(0, OPS_TOLD_MAX).flatMap(({ core }) => {
      const batch = decode(batchShape, core, core.length);
      return batch.ok ? [batch.value] : [];
    });
    return this.#opsOf(opened);
  }

  #opsOf(batches: readonly Pick<Batch, 'client' | 'ops'>[]): readonly TracedOp[] {
    const told: TracedOp[] = [];
    for (const { client, ops } of batches) {
      const name = this.#nameOf(client);
      for (const op of ops) {
        if (told.length === OPS_TOLD_MAX) return told;
        told.push({ client: name, ...(this.#words.op(op) ?? { kind: 'op' }) });
      }
    }
    return told;
  }

  /** A second block of a slot is a twin: that is the point of many a chart. */
  #blockName(ref: Ref): string {
    const { slot, id } = this.#traced(ref);
    const known = this.#slots.get(slot) ?? [];
    if (known.length === 0) this.#remember(slot, known);
    if (!known.includes(id)) known.push(id);
    const at = known.indexOf(id);
    return at === 0 ? `block ${slot}` : `block ${slot} twin${at === 1 ? '' : ` ${at}`}`;
  }

  /** Rounds begin anew in each epoch, so slots of later ones are named with theirs. */
  #traced({ round, author, digest }: Ref): TracedBlock {
    const id = toHex(digest.subarray(0, ID_BYTES));
    const epoch = this.#epochs.get(id);
    const place = `${round}/r${author}`;
    return { slot: epoch === undefined ? place : `${epoch}:${place}`, id };
  }

  /** Blocks of the first epoch need no remembering. */
  #placed({ ref, epoch }: OpenedBlock): void {
    if (epoch === 0) return;
    this.#epochs.set(toHex(ref.digest.subarray(0, ID_BYTES)), epoch);
    const [oldest] = this.#epochs.keys();
    if (this.#epochs.size > SLOTS_MAX && oldest !== undefined) this.#epochs.delete(oldest);
  }

  #remember(slot: string, blocks: string[]): void {
    this.#slots.set(slot, blocks);
    const [oldest] = this.#slots.keys();
    if (this.#slots.size > SLOTS_MAX && oldest !== undefined) this.#slots.delete(oldest);
  }
}

function openBlock(bytes: Uint8Array): OpenedBlock | undefined {
  const block = decode(signedBlockShape, bytes, bytes.length);
  if (!block.ok) return undefined;
  const header = decode(headerShape, block.value.header, HEADER_BYTES_MAX);
  if (!header.ok) return undefined;
  const { author, epoch, round, seal: isSealed } = header.value;
  const body = decode(bodyShape, block.value.body, block.value.body.length);
  const digest = headerDigest(block.value.header);
  return {
    ref: { author, round, digest },
    epoch,
    isSealed,
    body: body.ok ? body.value : undefined,
  };
}

function checkpointTelling(what: string, core: Uint8Array): Telling {
  const vote = openVote(core);
  return { label: vote.ok ? `${what} on commit ${vote.value.index}` : `broken ${what}` };
}

/** A statement begins with what it is: 1 a motion, 2 a ready. */
function statementsIn(statements: readonly Uint8Array[]): readonly string[] {
  const isMotion = (bytes: Uint8Array): boolean => bytes[1] === 1;
  const motions = statements.filter(isMotion).length;
  const readies = statements.length - motions;
  return [
    ...(motions > 0 ? [`, ${motions} motion${motions > 1 ? 's' : ''}`] : []),
    ...(readies > 0 ? [', ready'] : []),
  ];
}

const wordsOf = (kind: string, path: string | undefined): string =>
  path === undefined ? kind : `${kind} ${path}`;

function epochsOf(links: readonly EpochLink[]): string {
  const epochs = links.map(({ frame }) => frame.epoch);
  return `epoch${epochs.length === 1 ? '' : 's'} ${epochs.join(', ')}`;
}

const batchesOf = (count: number): string => `${count} ${count === 1 ? 'batch' : 'batches'}`;

const carried = (ops: readonly TracedOp[]): Pick<TraceEvent, 'ops'> =>
  ops.length === 0 ? {} : { ops };

/** `: c0 acquire /a, c1 release /b and 2 more`; nothing for ops without names. */
function naming(ops: readonly TracedOp[], count: number): string {
  const named = ops.filter(({ kind }) => kind !== 'op').slice(0, OPS_NAMED_MAX);
  if (named.length === 0) return '';
  const words = named.map(({ client, kind, path }) => `${client} ${wordsOf(kind, path)}`);
  const rest = count - named.length;
  return `: ${words.join(', ')}${rest === 0 ? '' : ` and ${rest} more`}`;
}
