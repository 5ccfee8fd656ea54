// Test helper: random DAGs with equivocators, without signatures.
import { asCellId, asDigest, asPublicKey, asSignature } from '@fatty/codec';
import type { Digest } from '@fatty/interface';
import { type Committee, DEFAULT_PARAMS } from '@fatty/protocol';
import { type Block, type Ref, virtualRef } from '../src/index.ts';

/** mulberry32: cheap, seeded, good enough to choose shapes. */
export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = (seed * 0x9e3779b1 + 0x7f4a7c15) >>> 0;
  }
  uint32(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }
  below(bound: number): number {
    return this.uint32() % bound;
  }
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }
  shuffled<T>(from: readonly T[]): T[] {
    const list = [...from];
    for (let i = list.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [list[i], list[j]] = [list[j] as T, list[i] as T];
    }
    return list;
  }
}

/** A generated DAG: plain blocks without signatures, sorted by round, and what the dice chose. */
export interface RandomDag {
  readonly seed: number;
  readonly committee: Committee;
  readonly blocks: readonly Block[];
  readonly liars: ReadonlySet<number>;
  /** Slots that hold more than one block. */
  readonly equivocations: number;
}

export const CELL = asCellId(new Uint8Array(32).fill(7));
const NO_SIG = asSignature(new Uint8Array(64));
const NO_BYTES = new Uint8Array(0);
const BODY = { batches: [], unsigned: [], statements: [], evidence: [], coinShare: [] };
const ZERO = asDigest(new Uint8Array(32));

export function committeeOf(n: number, v: number, g: number): Committee {
  return {
    epoch: 0,
    members: Array.from({ length: n }, (_, i) => asPublicKey(new Uint8Array(32).fill(i + 1))),
    genesisTs: 1_000,
    params: { ...DEFAULT_PARAMS, supportRoundsMax: v, horizonRounds: g },
  };
}

/** A block in place, named by a random digest instead of a hash. */
export function bareBlock(
  slot: { readonly round: number; readonly author: number },
  parents: readonly Ref[],
  digest: Digest,
  ts: number,
  seal = false,
): Block {
  const ref = { ...slot, digest };
  const header = { cellId: CELL, epoch: 0, ...slot, ts, seal, parents, bodyHash: ZERO };
  const signed = { header: digest, sig: NO_SIG, body: NO_BYTES };
  const nothing = { batches: [], unsigned: [], statements: [] };
  return { ref, header, signed, bytes: NO_BYTES, body: BODY, ...nothing };
}

function randomDigest(random: Random): Digest {
  const words = new Uint32Array(8);
  words[0] = random.uint32();
  words[1] = random.uint32();
  words[2] = random.uint32();
  return asDigest(new Uint8Array(words.buffer));
}

/** What the network and the liars do for a while. */
interface Phase {
  readonly kind: 'smooth' | 'random' | 'starve' | 'isolate';
  readonly until: number;
  readonly victim: number;
}

export interface Sizes {
  readonly n: number;
  readonly rounds: number;
  /** V; G = V + 1 + gapExtra. */
  readonly v: number;
  readonly gapExtra: number;
}

function randomSizes(random: Random): Sizes {
  const n = random.chance(70) ? 4 : 7;
  const rounds = n === 4 ? random.between(8, 26) : random.between(7, 16);
  return { n, rounds, v: random.between(2, 5), gapExtra: random.below(3) };
}

/**
 * One random DAG that an asynchronous network and f liars could produce. Every block is statically
 * valid in shape (R9, R10); honest authors fill a slot once and keep one chain. Phases: `smooth`
 * (all see nearly all), `random` (any q), `starve` (a leader gets votes and blames, quorums of
 * neither), `isolate` (one author is not referenced for some rounds).
 */
export function randomDag(seed: number, sizes?: Sizes): RandomDag {
  const random = new Random(seed);
  return new Generator(random, sizes ?? randomSizes(random)).run(seed);
}

class Generator {
  readonly #random: Random;
  readonly #rounds: number;
  readonly #n: number;
  readonly #f: number;
  readonly #committee: Committee;
  readonly #liars: Set<number>;
  readonly #blocks: Block[] = [];
  /** By author: ends of chains to build on; one for the honest. */
  readonly #tips: Block[][];
  readonly #sealFrom: number;
  #below = new Map<number, Ref[]>();
  #equivocations = 0;
  #phase: Phase = { kind: 'smooth', until: 0, victim: 0 };

  constructor(random: Random, { n, rounds, v, gapExtra }: Sizes) {
    this.#random = random;
    this.#rounds = rounds;
    this.#n = n;
    this.#f = Math.floor((n - 1) / 3);
    this.#committee = committeeOf(n, v, v + 1 + gapExtra);
    const liars = random.chance(85) ? random.between(1, this.#f) : 0;
    this.#liars = new Set(random.shuffled(this.#authors()).slice(0, liars));
    this.#tips = this.#authors().map(() => []);
    this.#sealFrom = random.chance(25) ? random.between(2, rounds) : Number.MAX_SAFE_INTEGER;
    for (const author of this.#authors()) this.#below.set(author, [virtualRef(CELL, author)]);
  }

  run(seed: number): RandomDag {
    for (let round = 1; round <= this.#rounds; round++) this.#round(round);
    const committee = this.#committee;
    const equivocations = this.#equivocations;
    return { seed, committee, blocks: this.#blocks, liars: this.#liars, equivocations };
  }

  #authors(): number[] {
    return Array.from({ length: this.#n }, (_, author) => author);
  }

  #round(round: number): void {
    if (round > this.#phase.until) this.#nextPhase(round);
    const absent = this.#random.chance(25) ? this.#random.between(0, this.#f) : 0;
    const makers = this.#random.shuffled(this.#authors()).slice(absent);
    const avoided = (round - 1) % this.#n;
    const voters = this.#random.between(this.#f + 1, this.#n - this.#f - 1);
    const made = new Map<number, Ref[]>();
    for (const [turn, author] of makers.entries()) {
      const avoid = this.#avoids(turn, voters, avoided);
      const copies = this.#liars.has(author) && this.#random.chance(45) ? 2 : 1;
      const refs: Ref[] = [];
      for (let i = 0; i < copies; i++) {
        const block = this.#block(round, author, avoid);
        if (block) refs.push(block.ref);
      }
      if (refs.length > 0) made.set(author, refs);
      if (refs.length > 1) this.#equivocations++;
    }
    this.#below = made;
  }

  #nextPhase(round: number): void {
    const kind = this.#random.pick(['smooth', 'random', 'starve', 'starve', 'isolate'] as const);
    const until = round + this.#random.between(1, 9);
    this.#phase = { kind, until, victim: this.#random.below(this.#n) };
  }

  /** The author whose block of the round before is not referenced, if there is one. */
  #avoids(turn: number, voters: number, leader: number): number | undefined {
    if (this.#phase.kind === 'isolate') return this.#phase.victim;
    if (this.#phase.kind === 'starve' && turn >= voters) return leader;
    return undefined;
  }

  #block(round: number, author: number, avoid: number | undefined): Block | undefined {
    const random = this.#random;
    const tips = this.#tips[author] as Block[];
    const tip = tips.length > 0 ? random.pick(tips.slice(-3)) : undefined;
    if (tip && tip.ref.round >= round) return undefined;
    const own = tip?.ref ?? virtualRef(CELL, author);
    const others = this.#chooseOthers(author, avoid, own.round === round - 1);
    if (others === undefined) return undefined;
    const ts = Math.max(tip?.header.ts ?? 0, this.#stamp(round, author));
    const seal = (tip?.header.seal ?? false) || round >= this.#sealFrom + author;
    const block = bareBlock({ round, author }, [own, ...others], randomDigest(random), ts, seal);
    this.#blocks.push(block);
    if (this.#liars.has(author)) tips.push(block);
    else tips[0] = block;
    return block;
  }

  /** Honest clocks are close together; a liar's stamp is anything. */
  #stamp(round: number, author: number): number {
    if (this.#liars.has(author) && this.#random.chance(30)) return this.#random.below(9_000);
    return 1_000 + round * 10 + this.#random.below(25);
  }

  #chooseOthers(author: number, avoid: number | undefined, ownCounts: boolean): Ref[] | undefined {
    const random = this.#random;
    const needed = this.#n - this.#f - (ownCounts ? 1 : 0);
    const include = { smooth: 97, random: 50, starve: 85, isolate: 90 }[this.#phase.kind];
    const wanted: Ref[] = [];
    const spare: Ref[] = [];
    for (const other of random.shuffled([...this.#below.keys()])) {
      if (other === author) continue;
      const ref = random.pick(this.#below.get(other) as Ref[]);
      const take = other !== avoid && random.chance(include);
      if (take) wanted.push(ref);
      else if (other === avoid) spare.push(ref);
      else spare.unshift(ref);
    }
    while (wanted.length < needed && spare.length > 0) wanted.push(spare.shift() as Ref);
    if (wanted.length < needed) return undefined;
    return wanted.sort((a, b) => a.author - b.author);
  }
}

/** A random view: what is in the cone of some of the blocks, parents first, otherwise shuffled. */
export function randomView(dag: RandomDag, random: Random, percent: number): readonly Block[] {
  const byDigest = indexed(dag.blocks);
  const view: Block[] = [];
  const seen = new Set<Block>();
  const visit = (block: Block): void => {
    if (seen.has(block)) return;
    seen.add(block);
    for (const ref of block.header.parents) {
      const parent = byDigest.get(ref.digest);
      if (parent) visit(parent);
    }
    view.push(block);
  };
  for (const block of random.shuffled(dag.blocks)) if (random.chance(percent)) visit(block);
  return view;
}

/** Generated refs share digest objects, so the object itself is the key. */
export function indexed(blocks: readonly Block[]): Map<Digest, Block> {
  return new Map(blocks.map((block) => [block.ref.digest, block]));
}
