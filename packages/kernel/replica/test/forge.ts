// Test helper: blocks that somebody else signs.
import {
  type Block,
  type Body,
  bodyShape,
  type CarriedBatch,
  type Content,
  Dag,
  headerDigest,
  headerShape,
  type Ref,
  signBlock,
  signedBlockShape,
} from '@fatty/broadcast';
import { asDigest, decode, hash, type Signer, utf8 } from '@fatty/codec';
import type { Verdict } from '@fatty/interface';
import { batchId, DEFAULT_LIMITS, openBatch, signedBatchShape } from '@fatty/protocol';
import { decodeMessage, encodeMessage, type PeerMessage, type Tuning } from '../src/index.ts';
import { type Cell, type Host, makeCell, START_MS, World } from './world.ts';

export const MESSAGE_MAX = 1 << 21;

export function read(bytes: Uint8Array): PeerMessage {
  const message = decodeMessage(bytes, MESSAGE_MAX);
  if (!message.ok) throw new Error(message.failure.code);
  return message.value;
}

export function push(block: Block): Uint8Array {
  return encodeMessage({ kind: 'push', block: block.bytes });
}

/** R26: these peers say that they know no block of the receiver's, so that it may begin to sign. */
export function vouch(world: World, to: number, peers: readonly number[], yourRound = 0): void {
  const claim = {
    epoch: 0,
    lastOwnRound: 0,
    highestRound: 0,
    commitIndex: 0,
    yourRound,
    ask: false,
  };
  for (const peer of peers) {
    world.inject(peer, to, encodeMessage({ kind: 'clock', ms: world.nowMs, ask: false }));
    world.inject(peer, to, encodeMessage({ kind: 'status', ...claim }));
  }
}

export function carried(bytes: Uint8Array): CarriedBatch {
  const signed = decode(signedBatchShape, bytes, MESSAGE_MAX);
  if (!signed.ok) throw new Error(signed.failure.code);
  const batch = openBatch(signed.value.core, DEFAULT_LIMITS);
  if (!batch.ok) throw new Error(batch.failure.code);
  const { ops: opened } = batch.value;
  return { id: batchId(signed.value.core), batch: batch.value, signed: signed.value, opened };
}

export function inventedRef(author: number, round: number, salt: string): Ref {
  return { author, round, digest: asDigest(hash('invented', utf8(`${author} ${round} ${salt}`))) };
}

/** Makes blocks with whatever parents one likes, well signed. */
export function forge(
  cell: Cell,
  author: number,
  round: number,
  parents: readonly Ref[],
  more: { ts?: number; content?: Partial<Content>; epoch?: number } = {},
): Block {
  const header = {
    cellId: cell.cellId,
    epoch: more.epoch ?? 0,
    round,
    author,
    ts: more.ts ?? START_MS,
    seal: false,
    parents,
  };
  const content = { batches: [], unsigned: [], evidence: [], ...more.content };
  return signBlock(header, content, cell.signers[author] as Signer);
}

/** Parents of a block on top of these, own first. */
export function onTop(author: number, blocks: readonly { readonly ref: Ref }[]): readonly Ref[] {
  const refs = blocks.map(({ ref }) => ref).sort((a, b) => a.author - b.author);
  const own = refs.filter((ref) => ref.author === author);
  return [...own, ...refs.filter((ref) => ref.author !== author)];
}

/** What blocks of one round are to those who stand on them. */
export type Row = readonly { readonly ref: Ref }[];

/** Replica 0 among members whose every word is forged. */
export function among(
  n: number,
  tuning: Partial<Tuning> = {},
  verify?: (job: Uint8Array) => Verdict | undefined,
): { world: World; cell: Cell; host: Host; virtual: Row } {
  const cell = makeCell(n);
  const world = new World({ cell, tuning, ...(verify ? { verify } : {}) });
  for (let liar = 1; liar < n; liar++) world.liars.set(liar, () => undefined);
  world.start();
  const virtual = new Dag(cell.committee, cell.cellId).virtual.map((ref) => ({ ref }));
  return { world, cell, host: world.host(0), virtual };
}

/** A member without state: follows the honest ones round by round, and lies where `twist` says so. */
export class Follower {
  readonly world: World;
  readonly me: number;
  readonly #seen = new Map<number, Map<number, Ref>>();
  #own: Ref;
  /** Answers the blocks to send for a round, by receiver; undefined: one honest block. */
  twist: (round: number, parents: readonly Ref[]) => ReadonlyMap<number, Block> | undefined = () =>
    undefined;
  made = 0;

  constructor(world: World, me: number, virtual: readonly Ref[]) {
    this.world = world;
    this.me = me;
    this.#own = virtual[me] as Ref;
    this.#seen.set(0, new Map(virtual.map((ref) => [ref.author, ref])));
    world.liars.set(me, (from, bytes) => this.#hear(from, bytes));
  }

  /** Goes on from another own block than the last honest one. */
  standOn(ref: Ref): void {
    this.#own = ref;
  }

  #hear(_from: number, bytes: Uint8Array): void {
    const message = read(bytes);
    if (message.kind !== 'push') return;
    const { ref } = openBlock(message.block);
    const row = this.#seen.get(ref.round) ?? new Map<number, Ref>();
    this.#seen.set(ref.round, row);
    if (row.has(ref.author)) return;
    row.set(ref.author, ref);
    this.#follow(ref.round);
  }

  #follow(round: number): void {
    const { cell } = this.world.options;
    const others = [...(this.#seen.get(round)?.values() ?? [])].filter((r) => r.author !== this.me);
    const quorum = cell.signers.length - Math.floor((cell.signers.length - 1) / 3);
    if (others.length < quorum || this.#own.round > round) return;
    const parents = [this.#own, ...others.sort((a, b) => a.author - b.author)];
    const twisted = this.twist(round + 1, parents);
    const honest = forge(cell, this.me, round + 1, parents, { ts: this.world.nowMs });
    this.#own = honest.ref;
    this.made++;
    for (const host of this.world.honest) {
      const block = twisted ? twisted.get(host.index) : honest;
      if (!block) continue;
      this.world.inject(this.me, host.index, push(block));
      this.#own = block.ref;
    }
  }
}

/** Reads a block without judging it. */
export function openBlock(bytes: Uint8Array): {
  readonly ref: Ref;
  readonly parents: readonly Ref[];
  readonly body: Body;
} {
  const signed = decode(signedBlockShape, bytes, MESSAGE_MAX);
  if (!signed.ok) throw new Error(signed.failure.code);
  const header = decode(headerShape, signed.value.header, MESSAGE_MAX);
  const body = decode(bodyShape, signed.value.body, MESSAGE_MAX);
  if (!header.ok || !body.ok) throw new Error('unreadable block');
  const { author, round, parents } = header.value;
  const ref = { author, round, digest: headerDigest(signed.value.header) };
  return { ref, parents, body: body.value };
}

/**
 * What more than f liars can do: two certified blocks in the slot of round 1 (R18). Parents first.
 * Everybody but 0 lies. Above four members the last two say one thing only, each another.
 */
export function contradiction(
  cell: Cell,
  virtual: readonly Ref[],
  ts: number = START_MS,
): readonly Block[] {
  const leader = 1;
  const others = cell.signers.map((_, author) => author).filter((author) => author > leader);
  const speakers = others.slice(-2);
  const roots = virtual.map((ref) => ({ ref }));
  const first = others.map((author) => forge(cell, author, 1, onTop(author, roots), { ts }));
  const sides = [0, 1].map((side) => {
    const lead = forge(cell, leader, 1, onTop(leader, roots), { ts: ts + side });
    const silent = others.length > 2 ? speakers[1 - side] : undefined;
    const votes = [leader, ...others]
      .filter((author) => author !== silent)
      .map((author) => forge(cell, author, 2, onTop(author, [lead, ...first]), { ts: ts + side }));
    const speaker = speakers[side] as number;
    return {
      lead,
      votes,
      certificate: forge(cell, speaker, 3, onTop(speaker, votes), { ts: ts + 2 }),
    };
  });
  return [
    ...first,
    ...sides.map(({ lead }) => lead),
    ...sides.flatMap(({ votes }) => votes),
    ...sides.map(({ certificate }) => certificate),
  ];
}
