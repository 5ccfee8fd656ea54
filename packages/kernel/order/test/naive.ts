// Test oracle: R16 to R20 word by word.
import type { Block, Ref } from '@fatty/broadcast';
import { Naive } from '../../broadcast/test/naive.ts';

/** A commit as the rules state it, without bytes. */
export interface NaiveCommit {
  readonly leader: Block;
  readonly blocks: readonly Block[];
  readonly commitTs: number;
  readonly leaseClock: number;
  readonly horizon: number;
}

type Fate = Block | 'skip' | 'undecided';

function before(a: Ref, b: Ref): number {
  if (a.round !== b.round) return a.round - b.round;
  if (a.author !== b.author) return a.author - b.author;
  return Buffer.compare(a.digest, b.digest);
}

/** R16–R20 word by word for Rule M over a whole set of blocks: nothing incremental or dropped. */
export class NaiveOrder extends Naive {
  atRound(round: number): Block[] {
    return this.blocks.filter((block) => block.header.round === round);
  }

  slot(round: number): { author: number; round: number } {
    return { author: round % this.committee.members.length, round };
  }

  leaders(round: number): Block[] {
    return this.atRound(round).filter((block) => block.header.author === this.slot(round).author);
  }

  certifies(c: Block, leader: Block): boolean {
    const { round } = leader.header;
    if (c.header.round !== round + 2) return false;
    const votes = this.parents(c).filter(
      (x) => x.header.round === round + 1 && this.support(x, this.slot(round)) === leader,
    );
    return new Set(votes.map((x) => x.header.author)).size >= this.quorum();
  }

  direct(round: number): Fate {
    const authors = (blocks: Block[]): number => new Set(blocks.map((x) => x.header.author)).size;
    for (const leader of this.leaders(round)) {
      const certs = this.atRound(round + 2).filter((c) => this.certifies(c, leader));
      if (authors(certs) >= this.quorum()) return leader;
    }
    const blames = this.atRound(round + 1).filter((x) => !this.support(x, this.slot(round)));
    return authors(blames) >= this.quorum() ? 'skip' : 'undecided';
  }

  fates(): Fate[] {
    const highest = Math.max(0, ...this.blocks.map((block) => block.header.round));
    const fates: Fate[] = [];
    for (let round = highest; round >= 1; round--) {
      let fate = this.direct(round);
      for (let t = round + 3; fate === 'undecided' && t <= highest; t++) {
        const anchor = fates[t] as Fate;
        if (anchor === 'undecided') break;
        if (anchor === 'skip') continue;
        const cone = this.cone(anchor);
        const certified = this.leaders(round).filter((leader) =>
          [...cone].some((c) => this.certifies(c, leader)),
        );
        fate = certified[0] ?? 'skip';
      }
      fates[round] = fate;
    }
    return fates;
  }

  commits(): NaiveCommit[] {
    const { genesisTs, params } = this.committee;
    const done = new Set<Block>();
    const commits: NaiveCommit[] = [];
    let last = { commitTs: genesisTs, leaseClock: genesisTs, horizon: 0 };
    for (const fate of this.fates().slice(1)) {
      if (fate === 'undecided') break;
      if (fate === 'skip') continue;
      const { horizon } = last;
      const blocks = [...this.cone(fate)].filter((b) => b.header.round > horizon && !done.has(b));
      for (const block of blocks) done.add(block);
      const { round } = fate.header;
      const stamps = this.parents(fate).filter((b) => b.header.round === round - 1);
      const ts = stamps.map((b) => b.header.ts).sort((a, b) => a - b);
      const median = ts[Math.floor((ts.length - 1) / 2)] ?? genesisTs;
      const commitTs = Math.max(last.commitTs, median);
      const step = Math.min(commitTs - last.commitTs, params.leaseStepMsMax);
      last = {
        commitTs,
        leaseClock: last.leaseClock + step,
        horizon: Math.max(horizon, round - params.horizonRounds),
      };
      commits.push({ leader: fate, blocks: blocks.sort((a, b) => before(a.ref, b.ref)), ...last });
    }
    return commits;
  }
}
